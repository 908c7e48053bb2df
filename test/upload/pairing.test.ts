import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { KeyVault } from '../../src/board/key-vault.ts'
import type { Trust } from '../../src/board/pairing.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { decodeManifest } from '../../src/protocol/manifest.ts'
import { Backups } from '../../src/store/backups.ts'
import type { Store } from '../../src/store/store.ts'
import { type Bench, noise, type UploadRig, uploadRig } from './upload-rig.ts'

const viewOf = (rig: UploadRig, { id }: Bench) => rig.core.views.find(id)
const sessionOf = (rig: UploadRig, { id }: Bench) => {
  const session = rig.core.registry.session(id)
  if (session === undefined) throw new Error('the board is not there')
  return session
}
const pair = (rig: UploadRig, bench: Bench) =>
  rig.until(rig.core.pairing.pair(sessionOf(rig, bench), { trustLine: false }))
const unpair = (rig: UploadRig, bench: Bench, forget = false) =>
  rig.until(rig.core.pairing.unpair(bench.id, rig.core.registry.session(bench.id), { forget }))
async function upload(rig: UploadRig, bench: Bench, seed: number) {
  const [job] = await rig.submit([bench], noise(6000, seed))
  return rig.ends(job, 'done')
}
async function back(rig: UploadRig, bench: Bench): Promise<void> {
  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the board to go')
  bench.plug()
  await rig.when(() => rig.core.registry.session(bench.id) !== undefined, 'the board to come back')
}
const refusal = (work: Promise<unknown>): Promise<AppError | undefined> =>
  work.then(
    () => undefined,
    thrown => (thrown instanceof AppError ? thrown : Promise.reject(thrown)),
  )

for (const [name, config] of [
  ['HMAC-SHA-256 and SHA-256', { macs: 3, digests: 3 }],
  ['SipHash alone, as on a small chip', { macs: 1, digests: 2 }],
] as const)
  t.test(`a board is paired, takes uploads under its key, and is unpaired again: ${name}`, async t => {
    const rig = await uploadRig(t)
    const bench = await rig.present(rig.board(1, { config }))
    t.match(await viewOf(rig, bench), { trust: 'untrusted', trusted: false, state: 'connected' })
    const plain = await upload(rig, bench, 1)
    await pair(rig, bench)
    t.match(await viewOf(rig, bench), { trust: 'paired', trusted: true })
    const sealed = await upload(rig, bench, 2)
    const manifest = decodeManifest(await rig.store.blobs.get(sealed.manifestSha ?? ''))
    t.match(manifest, { ok: true, value: { macType: config.macs === 3 ? 2 : 1 } })
    const again = await upload(rig, bench, 2)
    t.equal(again.transferId, sealed.transferId, 'the same file keeps its id, so it costs no payload')
    t.equal(again.payloadBytes, 0)
    await back(rig, bench)
    t.match(await viewOf(rig, bench), { trust: 'paired' }, 'it proves itself at each greeting')
    await upload(rig, bench, 3)
    await pair(rig, bench)
    await upload(rig, bench, 4)
    await back(rig, bench)
    t.match(await viewOf(rig, bench), { trust: 'paired' }, 'another key has taken the place of the first')
    await unpair(rig, bench)
    t.match(await viewOf(rig, bench), { trust: 'untrusted' })
    const free = await upload(rig, bench, 5)
    t.match(decodeManifest(await rig.store.blobs.get(free.manifestSha ?? '')), { value: { macType: 0 } })
    await back(rig, bench)
    t.match(await viewOf(rig, bench), { trust: 'untrusted' })
    t.not(plain.transferId, free.transferId)
  })

t.test(
  'the gateway knows its boards after a restart; a paused upload that was overtaken goes on',
  async t => {
    const rig = await uploadRig(t)
    const bench = await rig.present(rig.board(1, { baudRate: 100_000 }))
    await pair(rig, bench)
    const [slow] = await rig.submit([bench], noise(40_000, 8))
    await rig.when(() => rig.statesOf(slow?.id ?? ('' as never)).includes('transferring'), 'the transfer')
    await rig.pass(500)
    await rig.until(rig.core.queue.command(slow?.id ?? ('' as never), 'pause'))
    await upload(rig, bench, 9)
    await rig.until(rig.core.queue.command(slow?.id ?? ('' as never), 'resume'))
    const done = await rig.ends(slow, 'done')
    t.match(decodeManifest(await rig.store.blobs.get(done.manifestSha ?? '')), { value: { generation: 3 } })
    await rig.restart()
    const other = await rig.present(bench)
    t.match(await viewOf(rig, other), { trust: 'paired' })
  },
)

t.test(
  'what claims to be a paired board and cannot prove it is kept away, and the real one stays',
  async t => {
    const rig = await uploadRig(t)
    const bench = await rig.present(rig.board(1))
    const told: string[] = []
    rig.core.bus.on('board.refused', ({ message }) => told.push(message))
    await pair(rig, bench)
    const twin = rig.board(1)
    twin.connection.start()
    await rig.when(() => told.length === 1, 'the refusal')
    t.match(told[0], /claims to be board .* has no pairing key.*pixelgate board unpair .* --forget/)
    t.match(
      await viewOf(rig, bench),
      { state: 'connected', trust: 'paired' },
      'the real one is not in quarantine',
    )
    await upload(rig, bench, 1)
    const own = bench.id
    bench.unplug()
    await rig.when(() => rig.core.registry.session(own) === undefined, 'the real board to go')
    t.match(await viewOf(rig, bench), { state: 'away', trust: 'refused' })
    const [job] = await rig.submit([bench], noise(100, 2))
    await rig.pass(20_000)
    t.equal((await rig.job(job?.id ?? ('' as never))).state, 'waiting', 'nothing goes to the forged one')
    t.equal(twin.session?.channel.framesOut ?? 0, twin.session?.channel.framesOut, 'its line stays open')
    t.equal(told.length, 1, 'it is told once')
    t.match(await refusal(rig.core.control.act(own, { type: 'STOP' })), { code: 'board_mute' })
    bench.plug()
    await rig.ends(job, 'done')

    bench.unplug()
    await rig.when(() => rig.core.registry.session(own) === undefined, 'the real board to go')
    t.match(await refusal(unpair(rig, bench)), { code: 'conflict', message: /--forget/ })
    await unpair(rig, bench, true)
    await rig.when(() => rig.core.registry.session(own) === twin.session, 'the other board to be taken in')
    t.match(await viewOf(rig, bench), { state: 'connected', trust: 'untrusted' })
  },
)

t.test('a board with the key of another gateway is shown so, and takes nothing', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1))
  await pair(rig, bench)
  bench.unplug()
  await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the board to go')
  await unpair(rig, bench, true)
  bench.plug()
  await rig.when(() => rig.core.registry.session(bench.id) !== undefined, 'the board')
  t.match(await viewOf(rig, bench), { trust: 'locked', state: 'connected' })
  const [job] = await rig.submit([bench], noise(100, 2))
  t.match(await rig.ends(job, 'failed'), {
    errorCode: 'board_refused',
    errorMessage: /does not trust this gateway/,
  })
  t.match(await refusal(pair(rig, bench)), { code: 'board_refused', message: /another gateway/ })
  t.match(await refusal(unpair(rig, bench)), { code: 'board_refused', message: /another gateway/ })
})

t.test('a line that breaks at any byte of a pairing leaves both sides with keys that fit', async t => {
  const rig = await uploadRig(t)
  const bench = rig.board(1)
  let cuts = 0
  const trusts = new Set<Trust>()
  bench.connection.start()
  const acts = { pair, change: pair, unpair }
  for (const [name, act] of Object.entries(acts))
    for (let cut = 8; cut < 200; cut += 2) {
      await rig.when(() => rig.core.registry.session(bench.id) !== undefined, 'the board')
      const before: Trust = name === 'pair' ? 'untrusted' : 'paired'
      if ((await viewOf(rig, bench)).trust !== before) await (before === 'paired' ? pair : unpair)(rig, bench)
      bench.cutAfterBytes = cut
      await back(rig, bench)
      const { session } = bench
      const fault = await refusal(act(rig, bench))
      if (fault === undefined) {
        // What is left of the cable would break later.
        await back(rig, bench)
        continue
      }
      cuts++
      await rig.when(
        () => bench.session !== session && rig.core.registry.session(bench.id) === bench.session,
        `the board after a cut at ${cut} bytes`,
      )
      const { trust } = await viewOf(rig, bench)
      trusts.add(trust)
      if (trust !== 'paired' && trust !== 'untrusted') t.fail(`${name}, cut after ${cut} bytes: ${trust}`)
      const said = await rig.until(rig.core.control.act(bench.id, { type: 'BRIGHTNESS', level: cut }))
      if (said.type !== 'BRIGHTNESS') t.fail(`${name}, cut after ${cut} bytes: the board obeys nobody`)
    }
  t.ok(cuts > 60, `${cuts} changes were cut`)
  t.same([...trusts].sort(), ['paired', 'untrusted'])
})

t.test('the key is in no log, view, backup or database, and without its file nothing is let in', async t => {
  const lines: string[] = []
  const keep = (fields: object, message: string) => void lines.push(JSON.stringify(fields) + message)
  const log = { ...silentLog, debug: keep, info: keep, warn: keep, error: keep }
  const rig = await uploadRig(t, { log })
  const bench = await rig.present(rig.board(1))
  await pair(rig, bench)
  await upload(rig, bench, 1)
  const [record] = await rig.store.boardKeys.of(bench.id)
  const file = { path: `${rig.path}.key`, given: false }
  const key = Buffer.from(new KeyVault(file).open(bench.id, record?.sealed ?? new Uint8Array(0)))
  const folder = dirname(rig.path)
  const backups = new Backups({ stateDir: folder, clock: rig.clock, keep: 3 })
  const made = await backups.make('manual').catch(() => undefined)
  const forms = [key, Buffer.from(key.toString('hex')), Buffer.from(key.toString('base64'))]
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  t.ok(made === undefined || files.some(({ name }) => name.endsWith('.db') && name !== 'gateway.db'))
  for (const entry of files) {
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    for (const form of forms) t.notOk(bytes.includes(form), `${entry.name} does not hold the key`)
    if (entry.name !== 'gateway.db.key')
      t.notOk(bytes.includes(readFileSync(file.path)), `${entry.name} does not hold what opens it`)
  }
  const shown = lines.join('\n') + JSON.stringify(await rig.core.views.list())
  for (const form of forms.slice(1)) t.notOk(shown.includes(form.toString()))

  rmSync(file.path)
  await rig.restart(log)
  bench.connection.start()
  await rig.pass(5000)
  t.equal(rig.core.registry.session(bench.id), undefined)
  t.ok(lines.some(line => /is missing, which opens the stored pairing keys/.test(line)))
})

t.test('the list of boards asks for the keys of all that are away at once', async t => {
  const asked: string[] = []
  const wrap = (store: Store): Store => {
    const boardKeys = Object.fromEntries(
      Object.entries(store.boardKeys).map(([name, run]) => [
        name,
        (...args: never[]) => {
          asked.push(name)
          return (run as (...given: never[]) => unknown)(...args)
        },
      ]),
    ) as unknown as Store['boardKeys']
    return {
      ...store,
      boardKeys,
      get pending() {
        return store.pending
      },
    }
  }
  const rig = await uploadRig(t, { wrap })
  const benches = [1, 2, 3, 4, 5, 6].map(at => rig.board(at))
  for (const bench of benches) await rig.present(bench)
  for (const bench of benches.slice(0, 3)) await pair(rig, bench)
  asked.length = 0
  await rig.core.views.list()
  t.same(asked, [], 'what is there has proved itself')
  for (const bench of benches.slice(1)) {
    bench.unplug()
    await rig.when(() => rig.core.registry.session(bench.id) === undefined, 'the board to go')
  }
  asked.length = 0
  const views = await rig.core.views.list()
  t.same(asked, ['paired'])
  const trusts = benches.map(({ id }) => views.find(view => view.id === id)?.trust)
  t.same(trusts, ['paired', 'paired', 'paired', 'untrusted', 'untrusted', 'untrusted'])
  const alone = await Promise.all(benches.map(async bench => (await viewOf(rig, bench)).trust))
  t.same(alone, trusts, 'one by one they are the same')
})
