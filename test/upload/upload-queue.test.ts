import t from 'tap'
import { AppError } from '../../src/kernel/errors.ts'
import { jobId } from '../../src/kernel/ids.ts'
import type { Store } from '../../src/store/store.ts'
import { type Bench, noise, raw, uploadRig } from './upload-rig.ts'

const paced = { baudRate: 500_000 }

t.test('a file reaches the board, is proven by its hash and leaves a report', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1, paced))
  const progress: string[] = []
  let most = 0
  rig.core.bus.on('job.progress', ({ phase, doneBytes, totalBytes, lineShare }) => {
    t.ok(doneBytes <= totalBytes)
    most = Math.max(most, lineShare ?? 0)
    if (progress.at(-1) !== phase) progress.push(phase)
  })
  const [job] = await rig.submit([bench], noise(20_000))
  const done = await rig.ends(job, 'done')
  t.ok(most > 0.9 && most <= 1, `${most} of the line at most`)
  t.match(done, { state: 'done', durableBlocks: done.blocks, errorCode: null, attempts: 1 })
  t.same(rig.statesOf(done.id), ['queued', 'transferring', 'verifying', 'trial', 'done'])
  t.same(
    progress.filter(phase => phase !== 'confirmed'),
    ['preparing', 'transferring', 'verifying', 'trial'],
  )
  const report = await rig.core.uploads.report(done.id)
  t.match(report, {
    event: 'done',
    digest: { alg: 'sha256', value: report.sha256 },
    imageBytes: 20_000,
    payloadBytes: 20_000,
    resentBlocks: 0,
    resumed: false,
    job: done.id,
    board: bench.id,
  })
  t.ok((report.lineShare ?? 0) > 0.9, `${report.lineShare}`)
})

t.test('the same file again costs no payload, and is proven again', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1, paced))
  const [first] = await rig.submit([bench], noise(20_000))
  await rig.ends(first, 'done')
  const [second] = await rig.submit([bench], noise(20_000))
  const done = await rig.ends(second, 'done')
  const report = await rig.core.uploads.report(done.id)
  t.match(report, { payloadBytes: 0, resumed: true, lineShare: null, durationMs: 0 })
  t.equal(
    (await rig.job(done.id)).transferId,
    (await rig.ends(first, 'done')).transferId,
    'it keeps its generation',
  )
  const [other] = await rig.submit([bench], noise(20_000, 2))
  t.equal((await rig.core.uploads.report((await rig.ends(other, 'done')).id)).payloadBytes, 20_000)
})

t.test('jobs of one board run one after the other in order; boards do not wait for each other', async t => {
  const rig = await uploadRig(t)
  const slow = await rig.present(rig.board(1, { baudRate: 115_200 }))
  const fast = await rig.present(rig.board(2, { baudRate: 2_000_000 }))
  const ids: string[] = []
  for (const seed of [1, 2, 3])
    for (const job of await rig.submit([slow, fast], noise(8000, seed))) ids.push(job.id)
  const last = rig.changes.find(({ id }) => id === ids[4])
  await rig.ends(last, 'done')
  const running = new Map<string, string>()
  const finished: string[] = []
  for (const { id, boardId, state } of rig.changes) {
    if (state === 'transferring') {
      t.notOk(running.has(boardId), 'one at a time on each board')
      running.set(boardId, id)
    }
    if (state !== 'done') continue
    running.delete(boardId)
    finished.push(id)
  }
  const [s1, f1, s2, f2, s3, f3] = ids
  t.same(
    finished.filter(id => id === s1 || id === s2 || id === s3),
    [s1, s2, s3],
  )
  t.same(
    finished.filter(id => id === f1 || id === f2 || id === f3),
    [f1, f2, f3],
  )
  t.ok(
    finished.indexOf(f3 ?? '') < finished.indexOf(s2 ?? ''),
    'the fast board is through before the slow one has its second',
  )
})

t.test('a job for an absent board waits, and starts when the board comes', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1))
  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the board to go')
  const [job] = await rig.submit([bench], noise(3000))
  t.equal(job?.state, 'waiting')
  await rig.pass(60_000)
  t.same(rig.statesOf(job?.id ?? jobId('')), ['queued', 'waiting'])
  bench.plug()
  const done = await rig.ends(job, 'done')
  t.same(rig.statesOf(done.id), ['queued', 'waiting', 'transferring', 'verifying', 'trial', 'done'])
})

t.test('a link that breaks in the middle costs no block twice, and the statistics add up', async t => {
  const rig = await uploadRig(t)
  const bench = rig.board(1, paced)
  bench.cutAfterBytes = 200_000
  await rig.present(bench)
  const [job] = await rig.submit([bench], noise(300_000))
  const waiting = await rig.ends(job, 'waiting')
  const stats = JSON.parse(waiting.statsJson ?? '{}')
  t.ok(
    waiting.durableBlocks > 0 && waiting.durableBlocks < waiting.blocks,
    `${waiting.durableBlocks} of ${waiting.blocks}`,
  )
  const done = await rig.ends(job, 'done')
  const report = await rig.core.uploads.report(done.id)
  t.match(report, { resentBlocks: 0, resumed: true, payloadBytes: 300_000 })
  t.equal(done.attempts, 2)
  t.ok(report.lineShare !== null && report.lineShare <= 1, `${report.lineShare} of the line`)
  t.ok(
    report.wireBytesOut > 300_000 && report.wireBytesOut < 300_000 * 1.2,
    `${report.wireBytesOut} bytes on the wire`,
  )
  t.ok(report.wireBytesOut > stats.wireBytesOut && report.durationMs > stats.streamMs, 'both runs count')
  t.equal(done.errorCode, null)
})

t.test('a board that comes and goes without taking a block is given up after eight times', async t => {
  const rig = await uploadRig(t)
  const bench = rig.board(1, { baudRate: 115_200 })
  bench.cutAfterBytes = 300
  bench.connection.start()
  await rig.when(() => rig.core.registry.session(bench.id) !== undefined, 'the board')
  rig.core.bus.on('board.down', () => {
    bench.cutAfterBytes = 300
  })
  const [job] = await rig.submit([bench], noise(100_000))
  const failed = await rig.ends(job, 'failed')
  t.match(failed, { errorCode: 'link_lost', errorMessage: /given up after several tries/, attempts: 8 })
  await t.rejects(rig.core.queue.command(failed.id, 'cancel'), { code: 'not_found' })
})

t.test('a board that falls mute and revives only by its reset line gets its pattern', async t => {
  const benches: Bench[] = []
  const pulls: number[] = []
  const resetBoard = async (id: string) => {
    const bench = benches.find(each => each.id === id)
    pulls.push(rig.clock.now())
    bench?.reset()
    return bench !== undefined
  }
  const rig = await uploadRig(t, { resetBoard })
  const bench = await rig.present(rig.board(1, paced))
  benches.push(bench)
  let hangs = 2
  rig.core.bus.on('job.progress', ({ doneBytes }) => {
    if (hangs === 0 || doneBytes < (3 - hangs) * 100_000) return
    hangs--
    bench.mute = true
  })
  const [job] = await rig.submit([bench], noise(300_000))
  const done = await rig.ends(job, 'done')
  t.equal(pulls.length, 2, 'one pull for each time')
  t.match(await rig.core.uploads.report(done.id), { resumed: true, resentBlocks: 0 })
  t.equal(bench.board.boots, 3)
})

t.test(
  'a board that no reset revives is not pulled for ever, and one without a line waits as before',
  async t => {
    for (const line of ['works', 'missing', 'broken', 'stuck'] as const) {
      let pulls = 0
      const resetBoard = () => {
        pulls++
        if (line === 'stuck') return new Promise<boolean>(() => undefined)
        return line === 'broken'
          ? Promise.reject(new AppError('gpio_failed', 'Line 23 is in use.'))
          : Promise.resolve(line === 'works')
      }
      const rig = await uploadRig(t, { resetBoard })
      const bench = await rig.present(rig.board(1, { baudRate: 115_200 }))
      rig.core.bus.on('job.progress', ({ phase, durableBlocks }) => {
        if (phase === 'transferring' && durableBlocks === 0) bench.mute = true
      })
      const [job] = await rig.submit([bench], noise(100_000))
      await rig.ends(job, 'waiting')
      t.match(await rig.job(job?.id ?? jobId('')), { state: 'waiting', errorCode: 'board_mute' }, line)
      if (line !== 'works') {
        await rig.pass(60_000)
        t.equal(pulls, 1, line)
        continue
      }
      // The board answers again after each pull, or by itself, and hangs at the first block every time.
      rig.core.bus.on('board.down', () => rig.clock.setTimer(8_000, () => bench.reset()))
      bench.reset()
      const failed = await rig.ends(job, 'failed')
      t.match(failed, { errorCode: 'board_mute', errorMessage: /given up/ })
      t.equal(pulls, 3)
    }
  },
)

t.test('a job whose link keeps breaking has its board reset once before it is given up', async t => {
  let pulls = 0
  const resetBoard = async () => ++pulls > 0
  const rig = await uploadRig(t, { resetBoard })
  const bench = rig.board(1, { baudRate: 115_200 })
  bench.cutAfterBytes = 300
  bench.connection.start()
  await rig.when(() => rig.core.registry.session(bench.id) !== undefined, 'the board')
  rig.core.bus.on('board.down', () => {
    bench.cutAfterBytes = 300
  })
  const [job] = await rig.submit([bench], noise(100_000))
  t.match(await rig.ends(job, 'failed'), { errorCode: 'link_lost', attempts: 9 })
  t.equal(pulls, 1)
})

t.test('a job that is cancelled while its board is being reset stays cancelled', async t => {
  let pulled: (done: boolean) => void = () => undefined
  const resetBoard = () =>
    new Promise<boolean>(resolve => {
      pulled = resolve
    })
  const rig = await uploadRig(t, { resetBoard })
  const bench = await rig.present(rig.board(1, paced))
  rig.core.bus.on('job.progress', ({ doneBytes }) => {
    if (doneBytes > 50_000) bench.mute = true
  })
  const [job] = await rig.submit([bench], noise(300_000))
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the silence')
  await rig.until(rig.core.queue.command(job?.id ?? jobId(''), 'cancel'))
  pulled(true)
  await rig.pass(10_000)
  t.match(await rig.job(job?.id ?? jobId('')), { state: 'cancelled', errorCode: null })
})

t.test('a paused job stops, keeps what the board holds, and goes on when told', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1, paced))
  const [job] = await rig.submit([bench], noise(300_000))
  const id = job?.id ?? jobId('')
  let doneBytes = 0
  const off = rig.core.bus.on('job.progress', progress => {
    doneBytes = progress.doneBytes
  })
  await rig.when(() => doneBytes > 150_000, 'half of it')
  off()
  t.equal((await rig.until(rig.core.queue.command(id, 'pause'))).state, 'paused')
  await rig.pass(20_000)
  const paused = await rig.job(id)
  t.equal(paused.state, 'paused')
  t.ok(paused.durableBlocks > 0, 'its progress was noted')
  await t.rejects(rig.core.queue.command(id, 'pause'), { code: 'conflict' })
  t.equal((await rig.until(rig.core.queue.command(id, 'resume'))).state, 'queued')
  const done = await rig.ends(job, 'done')
  t.match(await rig.core.uploads.report(done.id), { resentBlocks: 0, resumed: true })
  await t.rejects(rig.core.queue.command(id, 'resume'), { code: 'not_found' })
})

t.test('pause, resume and cancel in the states before a transfer', async t => {
  const rig = await uploadRig(t)
  const bench = rig.board(1)
  const away = await rig.present(bench)
  away.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the board to go')
  const [first] = await rig.submit([bench], noise(2000, 1))
  const [second] = await rig.submit([bench], noise(2000, 2))
  const command = (type: 'pause' | 'resume' | 'cancel') =>
    rig.until(rig.core.queue.command(first?.id ?? jobId(''), type))
  await t.rejects(command('resume'), { code: 'conflict' })
  t.equal((await command('pause')).state, 'paused')
  bench.plug()
  await rig.ends(second, 'done')
  t.equal((await rig.job(first?.id ?? jobId(''))).state, 'paused', 'a paused job is passed over')
  t.equal((await command('cancel')).state, 'cancelled')
  await t.rejects(command('cancel'), { code: 'not_found' })
})

t.test('a cancelled transfer is forgotten by the board, and the next job runs', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1, paced))
  const [job] = await rig.submit([bench], noise(300_000))
  const [next] = await rig.submit([bench], noise(2000, 2))
  let phase = ''
  rig.core.bus.on('job.progress', progress => {
    phase = progress.phase
  })
  await rig.when(() => phase === 'transferring', 'the transfer')
  t.equal((await rig.until(rig.core.queue.command(job?.id ?? jobId(''), 'cancel'))).state, 'cancelled')
  const { transferId } = await rig.job(job?.id ?? jobId(''))
  for (const slot of [0, 1, 2]) {
    const listed = await rig.until(
      bench.session?.request({ type: 'LIST', slot }) ?? Promise.reject(new Error('no session')),
    )
    t.ok(
      listed.type === 'LIST' && Buffer.from(listed.id).toString('hex') !== transferId,
      'ABORT has emptied its slot',
    )
  }
  await rig.ends(next, 'done')
})

for (const type of ['pause', 'cancel'] as const) {
  t.test(`${type} while the pattern is still being compiled keeps it from the board`, async t => {
    const rig = await uploadRig(t)
    const bench = await rig.present(rig.board(1))
    const [job] = await rig.submit([bench], noise(4000))
    await rig.ends(job, 'transferring')
    t.equal(
      (await rig.until(rig.core.queue.command(job?.id ?? jobId(''), type))).state,
      type === 'pause' ? 'paused' : 'cancelled',
    )
    await rig.pass(10_000)
    t.equal((await rig.job(job?.id ?? jobId(''))).state, type === 'pause' ? 'paused' : 'cancelled')
    const status = await rig.until(
      bench.session?.request({ type: 'STATUS' }) ?? Promise.reject(new Error('no session')),
    )
    t.match(status, { type: 'STATUS', slot: 255 }, 'the board plays nothing new')
    if (type === 'cancel') return
    await rig.until(rig.core.queue.command(job?.id ?? jobId(''), 'resume'))
    await rig.ends(job, 'done')
  })
}

t.test(
  'a pause at any moment of an upload leaves a job that is paused or done, and can be resumed',
  async t => {
    for (const at of [1, 2, 3, 5, 8, 12, 14, 16, 17, 18, 19, 20, 21, 22, 24, 28]) {
      const rig = await uploadRig(t)
      const bench = await rig.present(rig.board(1, paced))
      let steps = 0
      let told: Promise<unknown> | undefined
      rig.core.bus.on('job.progress', ({ jobId }) => {
        if (++steps === at) told = rig.core.queue.command(jobId, 'pause').catch(() => undefined)
      })
      const [job] = await rig.submit([bench], noise(8000))
      await rig.when(() => rig.changes.some(({ state }) => state === 'paused' || state === 'done'), 'an end')
      await rig.until(told ?? Promise.resolve())
      await rig.pass(5000)
      const { state } = await rig.job(job?.id ?? jobId(''))
      t.ok(state === 'paused' || state === 'done', `at ${at}: ${state}`)
      if (state !== 'paused') continue
      await rig.until(rig.core.queue.command(job?.id ?? jobId(''), 'resume'))
      await rig.ends(job, 'done')
    }
  },
)

t.test('a restart takes up what was unfinished, in its order, and leaves paused jobs paused', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1, paced))
  const [running] = await rig.submit([bench], noise(200_000, 1))
  const [queued] = await rig.submit([bench], noise(2000, 2))
  const [paused] = await rig.submit([bench], noise(2000, 3))
  await rig.until(rig.core.queue.command(paused?.id ?? jobId(''), 'pause'))
  let doneBytes = 0
  rig.core.bus.on('job.progress', progress => {
    doneBytes = progress.doneBytes
  })
  await rig.when(() => doneBytes > 100_000, 'half of it')
  await rig.restart()
  t.equal((await rig.job(running?.id ?? jobId(''))).state, 'transferring', 'closing claims nothing')
  await rig.until(rig.core.queue.start())
  t.equal((await rig.job(running?.id ?? jobId(''))).state, 'waiting')
  rig.changes.length = 0
  await rig.present(bench)
  const first = await rig.ends(running, 'done')
  await rig.ends(queued, 'done')
  const finished = rig.changes.filter(({ state }) => state === 'done').map(({ id }) => id)
  t.same(finished, [running?.id, queued?.id])
  t.match(await rig.core.uploads.report(first.id), { resentBlocks: 0, resumed: true })
  t.equal((await rig.job(paused?.id ?? jobId(''))).state, 'paused')
})

t.test('closing while a pattern is compiled does not wait for its transfer', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1, { baudRate: 9600 }))
  const [job] = await rig.submit([bench], noise(100_000))
  await rig.ends(job, 'transferring')
  const startedMs = rig.clock.now()
  await rig.until(rig.core.queue.close())
  t.ok(rig.clock.now() - startedMs < 1000, `${rig.clock.now() - startedMs} ms`)
})

t.test('a refusal of the board fails its job with the reason; the next one runs', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1, { config: { storageBytes: 64 * 1024 } }))
  const [large] = await rig.submit([bench], noise(60_000))
  const [small] = await rig.submit([bench], noise(1000))
  t.match(await rig.ends(large, 'failed'), {
    errorCode: 'does_not_fit',
    errorMessage: /KB too much/,
    attempts: 1,
  })
  await rig.ends(small, 'done')
})

t.test('a board that lies about its hash never makes a job done', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1, { faults: { lieHash: true } }))
  const [job] = await rig.submit([bench], noise(5000))
  t.match(await rig.ends(job, 'failed'), { errorCode: 'verification_failed', digestValue: null })
  await t.rejects(rig.core.uploads.report(job?.id ?? jobId('')), { code: 'conflict' })
})

t.test('when the database refuses, the job is paused with the reason and the daemon lives on', async t => {
  for (const call of ['setState', 'setImage', 'finish', 'checkpoint'] as const) {
    let broken = false
    const logged: string[] = []
    const full = () =>
      Promise.reject(new AppError('storage_failed', 'The disk is full. Make room, then resume the upload.'))
    const wrap = (store: Store): Store => {
      const jobs = {
        ...store.jobs,
        [call]: (...args: never[]) =>
          broken ? full() : (store.jobs[call] as (...args: never[]) => Promise<unknown>)(...args),
      } as Store['jobs']
      return {
        ...store,
        jobs,
        get pending() {
          return store.pending
        },
      }
    }
    const log = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (_: object, message: string) => logged.push(message),
    }
    const rig = await uploadRig(t, { wrap, log })
    const bench = await rig.present(rig.board(1, paced))
    const [job] = await rig.submit([bench], noise(20_000))
    broken = true
    await rig.when(
      () => rig.changes.some(({ state }) => state === 'paused' || state === 'failed' || state === 'done'),
      `end after ${call}`,
    )
    const last = rig.changes.at(-1)
    if (call === 'checkpoint') t.equal(last?.state, 'done', 'a note that is lost does no harm')
    else {
      t.match(last, { errorCode: 'storage_failed', errorMessage: /disk is full/ }, call)
      t.equal(last?.state, 'paused', call)
    }
    broken = false
    if (last?.state === 'paused') {
      await rig.until(rig.core.queue.command(job?.id ?? jobId(''), 'resume'))
      await rig.ends(job, 'done')
    }
    const [next] = await rig.submit([bench], noise(1000, 9))
    await rig.ends(next, 'done')
  }
})

t.test('a command that the database refuses changes nothing', async t => {
  let broken = false
  const wrap = (store: Store): Store => {
    const setState: Store['jobs']['setState'] = move =>
      broken ? Promise.reject(new AppError('storage_failed', 'The disk is full.')) : store.jobs.setState(move)
    return {
      ...store,
      jobs: { ...store.jobs, setState },
      get pending() {
        return store.pending
      },
    }
  }
  const rig = await uploadRig(t, { wrap })
  const bench = await rig.present(rig.board(1))
  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the board to go')
  const [job] = await rig.submit([bench], noise(1000))
  broken = true
  for (const type of ['pause', 'cancel'] as const)
    await t.rejects(rig.core.queue.command(job?.id ?? jobId(''), type), { code: 'storage_failed' })
  broken = false
  bench.plug()
  await rig.ends(job, 'done')
})

t.test('a thousand unfinished jobs are the limit, however they come', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1))
  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the board to go')
  const { pattern } = await rig.core.uploads.addFile(noise(100), 'a.bin', true)
  const many = (count: number) =>
    rig.core.uploads.submit(
      pattern,
      Array.from({ length: count }, () => bench.id),
      raw,
    )
  await rig.until(many(400))
  const both = await rig.until(Promise.allSettled([many(400), many(400)]))
  t.same(
    both.map(({ status }) => status).sort(),
    ['fulfilled', 'rejected'],
    'two at once do not pass together',
  )
  await rig.until(many(200))
  await t.rejects(rig.until(many(1)), { code: 'overloaded' })
  const { total } = await rig.core.uploads.jobs({ limit: 1 })
  t.equal(total, 1000)
})

t.test('when a second board claims the same UUID, the upload stops until one of them is gone', async t => {
  for (const moment of ['transferring', 'just begun'] as const) {
    const rig = await uploadRig(t)
    const bench = await rig.present(rig.board(1, paced))
    const twin = rig.board(1, paced)
    let doneBytes = 0
    rig.core.bus.on('job.progress', progress => {
      doneBytes = progress.doneBytes
    })
    const [job] = await rig.submit([bench], noise(300_000))
    if (moment === 'transferring') await rig.when(() => doneBytes > 100_000, 'a third of it')
    twin.connection.start()
    await rig.when(() => rig.core.registry.quarantined(bench.id), 'the quarantine')
    t.match(await rig.ends(job, 'waiting'), { state: 'waiting' })
    await rig.pass(10_000)
    t.match(await rig.job(job?.id ?? jobId('')), { state: 'waiting', errorCode: 'board_quarantined' })
    twin.unplug()
    const done = await rig.ends(job, 'done')
    t.match(await rig.core.uploads.report(done.id), { resentBlocks: 0 })
  }
})

t.test(
  'a pause that comes with the last word of the board is kept, and a resume proves it again',
  async t => {
    const rig = await uploadRig(t)
    const bench = await rig.present(rig.board(1, paced))
    let paused: Promise<unknown> | undefined
    rig.core.bus.on('job.progress', ({ phase, jobId }) => {
      if (phase === 'confirmed') paused ??= rig.core.queue.command(jobId, 'pause')
    })
    const [job] = await rig.submit([bench], noise(4000))
    await rig.ends(job, 'paused')
    await rig.until(paused ?? Promise.resolve())
    await rig.pass(1000)
    t.equal((await rig.job(job?.id ?? jobId(''))).state, 'paused')
    await rig.until(rig.core.queue.command(job?.id ?? jobId(''), 'resume'))
    const done = await rig.ends(job, 'done')
    t.match(await rig.core.uploads.report(done.id), { resumed: true, resentBlocks: 0 })
  },
)

for (const type of ['pause', 'cancel'] as const) {
  t.test(`${type} while the end of a job is being written is refused, and the job stays done`, async t => {
    let told: Promise<unknown> | undefined
    const wrap = (store: Store): Store => {
      const finish: Store['jobs']['finish'] = end => {
        const written = store.jobs.finish(end)
        told = rig.core.queue.command(end.id, type)
        told.catch(() => undefined)
        return written
      }
      return {
        ...store,
        jobs: { ...store.jobs, finish },
        get pending() {
          return store.pending
        },
      }
    }
    const rig = await uploadRig(t, { wrap })
    const bench = await rig.present(rig.board(1, paced))
    const [job] = await rig.submit([bench], noise(4000))
    const done = await rig.ends(job, 'done')
    await t.rejects(rig.until(told ?? Promise.resolve()), {
      code: 'conflict',
      message: `A job that is done cannot be told to ${type}.`,
    })
    await rig.pass(1000)
    t.equal((await rig.job(done.id)).state, 'done')
    t.same(rig.statesOf(done.id), ['queued', 'transferring', 'verifying', 'trial', 'done'])
    await t.rejects(rig.core.queue.command(done.id, type), { code: 'not_found' })
    const [next] = await rig.submit([bench], noise(1000, 2))
    await rig.ends(next, 'done')
  })
}

t.test(
  'a pause that is acknowledged while a failure is on its way to the database stays a pause',
  async t => {
    const wrap = (store: Store): Store => ({
      ...store,
      jobs: {
        ...store.jobs,
        fail: async end => {
          await rig.core.queue.command(end.id, 'pause')
          return store.jobs.fail(end)
        },
      },
      get pending() {
        return store.pending
      },
    })
    const rig = await uploadRig(t, { wrap })
    const bench = await rig.present(rig.board(1, { faults: { lieHash: true } }))
    const [job] = await rig.submit([bench], noise(5000))
    const paused = await rig.ends(job, 'paused')
    await rig.pass(1000)
    t.match(await rig.job(paused.id), { state: 'paused', finishedMs: null })
    await rig.core.queue.command(paused.id, 'cancel')
    t.equal((await rig.job(paused.id)).state, 'cancelled')
  },
)
