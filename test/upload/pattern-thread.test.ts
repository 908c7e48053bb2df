import { isDeepStrictEqual } from 'node:util'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { AppError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { defaultLimits } from '../../src/pattern/limits.ts'
import { startWorker } from '../../src/store/start-worker.ts'
import { copyInSteps } from '../../src/upload/pattern-thread/copy-in-steps.ts'
import { isLight } from '../../src/upload/pattern-thread/light-work.ts'
import { PatternThread } from '../../src/upload/pattern-thread/pattern-thread.ts'
import { doWork, type PatternWork } from '../../src/upload/pattern-thread/pattern-work.ts'
import { noise, noiseGif } from './upload-rig.ts'

function threadFor(t: Test, parts: Partial<ConstructorParameters<typeof PatternThread>[0]> = {}) {
  const clock = new VirtualClock()
  const thread = new PatternThread({ clock, maxHoldMs: 0, ...parts })
  t.teardown(() => thread.close())
  return { clock, thread }
}

/** What came of it, in a form that can be compared: bytes as hexadecimal text, errors with all that a person sees. */
async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return plain(await run())
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    return { code: thrown.code, message: thrown.message, detail: thrown.detail }
  }
}

const plain = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString('hex')
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]))
      : value

/** A drawing of LED Matrix Studio. */
const leds = (side: number, frames: number, seed: number): Uint8Array => {
  const bytes = noise(side * side * frames, seed)
  const row = (at: number) =>
    `r:${[...bytes.subarray(at, at + side)].map(b => (b * 65_793).toString(16)).join(' ')}`
  const frame = (_: unknown, at: number) =>
    `{anim4\nw:${side}\nh:${side}\n${Array.from({ length: side }, (_row, y) => row((at * side + y) * side)).join('\n')}\n}\n`
  return Buffer.from(Array.from({ length: frames }, frame).join(''))
}

const caps = { codecs: 0b1111, decodeBytes: 16_384, blockBytes: 65_535, slotBytes: 300_000 }
const board = {
  leds: 4,
  width: 2,
  height: 2,
  wiring: 'row-straight-tl',
  colorOrder: 'RGB',
  powerCapMa: undefined,
}
const largeGif = noiseGif(64, 64, 3)
const prepareTask: PatternWork = {
  work: 'prepare',
  asked: { options: { fileName: 'x', raw: false }, board, caps, generation: 0 },
}
const gifTask = { work: 'candidates', asked: { fileName: 'x.gif' } } as const

t.test('whatever is asked of a file, the thread answers as it would be answered here', async t => {
  const { thread } = threadFor(t)
  const seed = fc.integer({ min: 1, max: 1000 })
  const files = fc.oneof(
    fc
      .tuple(fc.integer({ min: 1, max: 80 }), seed)
      .map(([side, n]) => ({ bytes: noiseGif(side, side, 1 + (n % 4)), leds: undefined, name: 'a.gif' })),
    fc.tuple(fc.constantFrom(4, 8, 16), seed).map(([side, n]) => ({
      bytes: leds(side, Math.ceil(4000 / side / side), n),
      leds: undefined,
      name: 'b.leds',
    })),
    fc
      .tuple(fc.constantFrom(4, 16, 50), fc.integer({ min: 80, max: 400 }), seed)
      .map(([count, frames, n]) => ({
        bytes: noise(count * 3 * frames, n),
        leds: count,
        name: 'ü.rgb',
      })),
  )
  const rarely = <T>(value: T) => fc.nat(7).map(dice => (dice === 0 ? value : undefined))
  const options = fc.record({
    cut: rarely(100),
    raw: rarely(true),
    candidate: rarely(2),
    leds: rarely(7),
    guess: fc.boolean(),
    scalePower: fc.boolean(),
  })
  const boards = fc.constantFrom(
    { leds: 16, width: 4, height: 4, wiring: 'row-serpentine-tl', colorOrder: 'GRB', powerCapMa: 900 },
    { leds: 64, width: 8, height: 8, wiring: 'row-straight-tl', colorOrder: 'RGB', powerCapMa: undefined },
    { leds: 300, width: 0, height: 0, wiring: 'row-straight-tl', colorOrder: 'RGB', powerCapMa: undefined },
  )
  const tasks = fc.tuple(files, options, boards).chain(([file, how, board]) => {
    const source = file.bytes.subarray(0, file.bytes.length - (how.cut ?? 0))
    const known = how.guess ? undefined : file.leds
    const reading = { fileName: file.name, candidate: how.candidate, leds: how.leds ?? known }
    const whole = { ...reading, raw: how.raw === true, scalePower: how.scalePower }
    return fc.tuple(
      fc.constant(source),
      fc.constantFrom<PatternWork>(
        { work: 'candidates', asked: reading },
        { work: 'check', asked: reading },
        { work: 'arrive', asked: reading },
        { work: 'drawThumbnail', asked: reading },
        { work: 'fit', asked: { options: whole, board, caps: { ...caps, slotBytes: 2000 } } },
        { work: 'drawPattern', asked: reading },
        { work: 'drawBoard', asked: { options: whole, board } },
        { work: 'prepare', asked: { options: whole, board, caps, generation: 7 } },
      ),
    )
  })
  await fc.assert(
    fc.asyncProperty(tasks, fc.boolean(), async ([source, task], fetched) => {
      const here = await outcome(() => doWork(source, task, defaultLimits))
      const kept = Buffer.from(source)
      const there = await outcome(() =>
        thread.run(fetched ? async () => Uint8Array.from(source) : source, task),
      )
      return isDeepStrictEqual(there, here) && kept.equals(source)
    }),
    { numRuns: 300 },
  )
  t.equal(thread.running, true)
  t.equal(thread.pending, 0)
})

t.test('what a file may hold at most is decided by the configuration, on either thread', async t => {
  for (const maxHoldMs of [0, undefined]) {
    const { thread } = threadFor(t, { maxHoldMs, limits: { ...defaultLimits, maxFrames: 2 } })
    await t.resolves(thread.run(noiseGif(2, 2, 2), gifTask))
    await t.rejects(thread.run(noiseGif(2, 2, 3), gifTask), { code: 'file_too_large', message: /2/ })
  }
})

t.test('a little work is done at once; a few bytes that unpack to many are not little', async t => {
  const { thread } = threadFor(t, { maxHoldMs: undefined })
  t.match(await thread.run(noiseGif(2, 2, 1), gifTask), [{ format: 'gif', frames: 1 }])
  t.match(await thread.run(async () => noiseGif(2, 2, 1), gifTask), [{ format: 'gif', frames: 1 }])
  t.equal(thread.running, false)
  const reading = { fileName: 'x' }
  const wall = { ...board, leds: 65_000, width: 0, height: 0 }
  const options = { ...reading, raw: false }
  const small = noiseGif(2, 2, 1)
  const flat = noiseGif(300, 200, 1, true)
  const strip = noise(3 * 50 * 20)
  const prepared = (more: object) =>
    ({ work: 'prepare', asked: { options, board, caps, generation: 0, ...more } }) as PatternWork
  const light = (source: Uint8Array, task: PatternWork) => isLight(source, task, 3, defaultLimits)
  t.equal(light(small, prepared({})), true)
  t.ok(flat.length < 8000)
  t.equal(light(flat, prepared({})), false)
  t.equal(light(flat, { work: 'drawPattern', asked: reading }), false)
  t.equal(light(flat, { work: 'check', asked: reading }), true)
  t.equal(light(strip, prepared({ options: { ...options, leds: 50 }, board: wall })), false)
  t.equal(light(strip, prepared({})), true, 'it will be refused')
  t.equal(light(new Uint8Array(0), { work: 'drawBoard', asked: { options, board } }), true)
  t.equal(light(noise(1_000_000), prepared({ options: { ...options, raw: true } })), true)
  t.equal(light(noise(2_000_000), prepared({ options: { ...options, raw: true } })), false)
  const text = leds(16, 80, 1)
  t.ok(text.length > 100_000)
  t.equal(light(text, { work: 'candidates', asked: reading }), true, 'rows of text are read quickly')
  t.equal(light(noise(text.length), { work: 'candidates', asked: reading }), false)
})

t.test('a large file of the caller is copied with pauses, and stays whole', async t => {
  const source = noise(2_500_000)
  let turns = 0
  const copying = copyInSteps(source)
  setImmediate(() => {
    turns += 1
  })
  const copy = await copying
  t.ok(turns > 0)
  t.ok(Buffer.from(copy).equals(source))
  t.equal(copy.buffer.byteLength, source.length)
})

t.test('the thread goes when there is nothing to do, and comes again', async t => {
  const { clock, thread } = threadFor(t)
  t.match(await thread.run(largeGif, gifTask), [{ format: 'gif' }])
  clock.advance(14_000)
  t.match(await thread.run(largeGif, gifTask), [{ format: 'gif' }])
  clock.advance(14_000)
  t.equal(thread.running, true)
  clock.advance(1000)
  t.equal(thread.running, false)
  t.match(await thread.run(largeGif, gifTask), [{ format: 'gif' }])
})

t.test('a file that takes for ever is given up, and the next one is read', async t => {
  const { clock, thread } = threadFor(t)
  for (const [task, limitMs] of [
    [gifTask, 20_000],
    [prepareTask, 180_000],
  ] as const) {
    const late = thread.run(largeGif, task)
    while (!thread.running) await new Promise(setImmediate)
    clock.advance(limitMs)
    await t.rejects(late, { code: 'file_too_large', message: /too long/ })
    t.equal(thread.running, false)
  }
  t.match(await thread.run(largeGif, gifTask), [{ format: 'gif' }])
})

t.test('a thread that dies costs the file it was reading, and nothing else', async t => {
  const dying = (code: string, heapMb = 64) =>
    new Worker(`require('node:worker_threads').parentPort.on('message', () => { ${code} })`, {
      eval: true,
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
      stderr: true,
    })
  const workers = [
    () => dying('const kept = []; for (;;) kept.push(new Array(100000).fill(1.5))', 16),
    () => dying(`throw new TypeError('a bug')`),
    () => dying('process.exit(1)'),
    () =>
      startWorker(new URL('../../src/upload/pattern-thread/pattern-worker.ts', import.meta.url), undefined),
  ]
  const { thread } = threadFor(t, { start: () => workers.shift()?.() ?? dying('') })
  const ask = () => thread.run(largeGif, gifTask)
  await t.rejects(ask(), { code: 'file_too_large', message: /more memory/ })
  await t.rejects(ask(), { name: 'TypeError', message: 'a bug' })
  await t.rejects(ask(), { code: 'overloaded', message: /broken off/ })
  t.match(await Promise.all([ask(), ask()]), [[{ format: 'gif' }], [{ format: 'gif' }]])
  t.same(workers, [])
  t.equal(thread.pending, 0)
})

t.test('jobs and what people look at go by turns, and neither waits in an endless line', async t => {
  const { thread } = threadFor(t, { maxHoldMs: undefined })
  const order: string[] = []
  let open: () => void = () => undefined
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  const source = (name: string) => async () => {
    order.push(name)
    await gate
    return noiseGif(2, 2, 1)
  }
  const look = (name: string) => thread.run(source(name), gifTask)
  const job = (name: string) => thread.run(source(name), prepareTask)
  const all = [look('look 1'), look('look 2'), look('look 3'), job('job 1'), job('job 2')]
  const more = Array.from({ length: 30 }, (_, at) => look(`look ${at + 4}`))
  t.equal(thread.pending, 35)
  await t.rejects(look('one too many'), { code: 'overloaded', message: /Try again/ })
  open()
  await Promise.all([...all, ...more])
  t.same(order.slice(0, 5), ['look 1', 'job 1', 'look 2', 'job 2', 'look 3'])
  t.equal(thread.pending, 0)
})

t.test('closing refuses what is read, what waits and what comes', async t => {
  const { thread } = threadFor(t)
  const stopping = { code: 'overloaded', message: /stopping/ }
  const reading = thread.run(largeGif, gifTask)
  const waiting = thread.run(largeGif, gifTask)
  while (!thread.running) await new Promise(setImmediate)
  await Promise.all([t.rejects(reading, stopping), t.rejects(waiting, stopping), thread.close()])
  await t.rejects(thread.run(largeGif, gifTask), stopping)
  t.equal(thread.running, false)

  const other = threadFor(t).thread
  const fetched = other.run(async () => {
    await other.close()
    return largeGif
  }, gifTask)
  await t.rejects(fetched, stopping, 'while its file is fetched')
})
