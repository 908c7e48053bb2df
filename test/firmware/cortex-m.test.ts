import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { eventually, type Finished, type Workplace, workplace } from '../support/pixelgate.ts'
import { type CortexBoard, type Counted, startCortexM, withoutCortexM } from './qemu/cortex-board.ts'
import {
  drawing,
  type Frame,
  gifFile,
  inRows,
  ledsFile,
  noise,
  type Order,
  onStrip,
  stdFile,
  upAndDown,
} from './qemu/drawings.ts'
import { type Expected, type Gap, type Stretch, stretches } from './qemu/playback.ts'

const expected = (name: string, frames: readonly Frame[], order: Order): Expected => ({
  name,
  frames: frames.map(frame => ({ delayMs: frame.delayMs, bytes: onStrip(frame, order) })),
})

/** Through the product's own upload, over the pty as over a serial port. */
async function uploaded(
  t: Test,
  place: Workplace,
  board: CortexBoard,
  file: string,
  ...more: readonly string[]
): Promise<Finished> {
  const done = await place.here(
    'upload',
    file,
    '--port',
    board.port,
    '--color-order',
    'GRB',
    '--json',
    ...more,
  )
  t.equal(done.status, 0, `${done.status} ${done.last['event']} ${done.last['message'] ?? done.stderr}`)
  return done
}

const sha256 = (bytes: Uint8Array = new Uint8Array()): string =>
  createHash('sha256').update(bytes).digest('hex')

/** The board has sent back SHA-256 of what it holds; here it is taken from the flash itself. */
function holdsWhatWasSent(t: Test, board: CortexBoard, { last }: Finished): void {
  const { active, trial } = board.record
  const slot = board.slot(active)
  t.equal(slot?.state, 'verified')
  t.equal(trial, 255, 'the trial is over')
  const value = sha256(slot?.image)
  t.match(last, { sha256: value, digest: { alg: 'sha256', value } })
}

/** Waits until so many pictures of a pattern have come out in its newest run. */
async function played(
  board: CortexBoard,
  patterns: readonly Expected[],
  name: string,
  pictures: number,
): Promise<readonly Stretch[]> {
  let seen: readonly Stretch[] = []
  await eventually(() => {
    const { length } = board.strip.pictures
    if (length === 0) return false
    seen = stretches(board.strip.pictures, patterns)
    const last = seen.at(-1)
    return last?.name === name && last.pictures >= pictures
  }, `${pictures} pictures of ${name}`)
  return seen
}

/** What was promised of a frame's time. */
const jitterMs = 1

/** In the board's own time, which a busy host does not change: so every single one. */
function onTime(t: Test, what: string, gaps: readonly Gap[] = []): void {
  const late = gaps.filter(({ offMs }) => Math.abs(offMs) > jitterMs)
  t.ok(gaps.length > 10, `${what}: ${gaps.length} frames`)
  t.same(late, [], `${what}: none is off by more than ${jitterMs} ms`)
  t.comment(`${what}: off by ${Math.max(...gaps.map(({ offMs }) => Math.abs(offMs))).toFixed(3)} ms at most`)
}

const count = (frames: number, delayMs: number): readonly number[] =>
  Array.from({ length: frames }, () => delayMs)

t.test('what a Cortex-M shows is the file, pixel by pixel and on time', { skip: withoutCortexM }, async t => {
  const place = await workplace(t)
  const board = await startCortexM(t, place, { leds: 24, width: 6, height: 4 })
  const [wiring, order] = ['column-serpentine-bl', upAndDown(6, 4)]

  const frames = drawing(1, 24, [60, 100, 150, 80])
  const gif = expected('gif', frames, order)
  const file = await place.file('noise.gif', gifFile(frames, 6, 4))
  holdsWhatWasSent(t, board, await uploaded(t, place, board, file, '--wiring', wiring))
  const first = await played(board, [gif], 'gif', 14)
  t.equal(first.length, 1, 'from its first frame on, without a break')
  onTime(t, 'gif', first[0]?.gaps)

  const others = drawing(2, 24, [100, 100, 100])
  const leds = expected('leds', others, order)
  const drawn = await place.file('noise.leds', ledsFile(others, 6, 4))
  holdsWhatWasSent(t, board, await uploaded(t, place, board, drawn, '--wiring', wiring))
  const both = await played(board, [gif, leds], 'leds', 14)
  t.same(
    both.map(({ name }) => name),
    ['gif', 'leds'],
    'one after the other, nothing between',
  )
  onTime(t, 'leds', both[1]?.gaps)
  t.equal(board.strip.badSymbols, 0)
  t.equal(board.strip.boots, 1)
})

t.test(
  'a Cortex-M that is reset or loses power while it receives goes on from what it holds and plays on meanwhile',
  { skip: withoutCortexM },
  async t => {
    const place = await workplace(t)
    const board = await startCortexM(t, place, { leds: 60 })
    const old = drawing(3, 60, count(5, 40))
    await uploaded(t, place, board, await place.file('old.bin', stdFile(old)), '--candidate', '0')
    const before = board.slot(board.record.active)?.id
    const stillOld = (when: string) => {
      const slot = board.slot(board.record.active)
      t.equal(slot?.id, before, `${when}: the record names the old pattern`)
      t.same(sha256(slot?.image), slot?.manifest.toString('hex', 40, 72), `${when}: and it is whole`)
    }
    const frames = noise(
      4,
      60,
      Array.from({ length: 500 }, (_, i) => 20 + (i % 3) * 10),
    )
    const file = await place.file('new.bin', stdFile(frames))
    const { erases } = await board.counted()
    const upload = uploaded(t, place, board, file, '--candidate', '0', '--max-baud', '460800')
    await eventually(async () => (await board.counted()).erases > erases + 6, 'a half erased slot')
    await board.kill()
    t.equal(board.durable.blocks, 0)
    stillOld('killed while it erases')
    await board.start()

    const durable = (blocks: number) =>
      eventually(() => board.durable.blocks >= blocks, `${blocks} durable blocks`)
    await durable(3)
    await board.reset()
    const kept = board.durable.blocks
    t.ok(kept >= 3, `${kept} blocks outlived the reset`)
    stillOld('reset')
    await durable(kept + 3)
    await board.kill()
    stillOld('killed while it receives')
    await board.start()
    const done = await upload
    t.match(done.last, { resumed: true })
    t.ok(done.last['resentBlocks'] <= 2, `${done.last['resentBlocks']} blocks were sent again`)
    holdsWhatWasSent(t, board, done)

    const patterns = [expected('old', old, inRows(60)), expected('new', frames, inRows(60))]
    const seen = await played(board, patterns, 'new', 30)
    t.same(
      seen.map(({ name, boot }) => `${name} ${boot}`),
      ['old 1', 'old 2', 'old 3', 'old 4', 'new 4'],
    )
    t.ok(
      seen.every(({ pictures }) => pictures >= 5),
      `${seen.map(({ pictures }) => pictures)} pictures each`,
    )
    t.equal(board.record.bootId, 4)
    t.equal(board.strip.badSymbols, 0)
  },
)

for (const leds of [60, 200])
  t.test(
    `${leds} LEDs at 25 frames a second stay on time while a pattern arrives`,
    { skip: withoutCortexM },
    async t => {
      const place = await workplace(t)
      const board = await startCortexM(t, place, { leds })
      const old = noise(5, leds, count(25, 40))
      await uploaded(t, place, board, await place.file('old.bin', stdFile(old)), '--candidate', '0')
      const patterns = [expected('old', old, inRows(leds))]
      await played(board, patterns, 'old', 3)
      t.equal(await board.light(), false, 'the status light is off while nothing arrives')
      const alone = await board.counted()
      await played(board, patterns, 'old', 15)
      const begun = await board.counted()

      const frames = noise(6, leds, count(Math.round(24_000 / leds), 40))
      const file = await place.file('new.bin', stdFile(frames))
      const upload = uploaded(t, place, board, file, '--candidate', '0', '--max-baud', '460800')
      await eventually(() => board.durable.blocks > 0, 'a durable block')
      const [from, fromBytes] = [await board.counted(), board.durable.bytes]
      t.equal(await board.light(), true, 'it is on while a pattern does')
      const receivingMs = board.strip.partial?.atMs ?? Number.NaN
      await eventually(() => board.durable.bytes > 50_000, '50,000 durable bytes')
      const [to, toBytes] = [await board.counted(), board.durable.bytes]
      const { last } = await upload
      const done = await board.counted()
      t.match(last, { retransmittedBytes: 0, resentBlocks: 0 })

      const seen = await played(board, [...patterns, expected('new', frames, inRows(leds))], 'new', 3)
      t.same(
        seen.map(({ name }) => name),
        ['old', 'new'],
      )
      const gaps = seen[0]?.gaps ?? []
      const erasing = gaps.filter(({ atMs }) => atMs > begun.nowMs && atMs < receivingMs)
      const receiving = gaps.filter(({ atMs }) => atMs >= receivingMs)
      onTime(t, 'while receiving', receiving)
      onTime(t, 'while the slot is erased', erasing)
      t.ok(done.suspends > begun.suspends, 'frames were read while a sector was being erased')
      t.match(done, { lostBytes: 0, overruns: 0 })
      t.ok(
        done.freeBytes > 1024,
        `the stack took ${done.stackBytes} bytes, ${done.freeBytes} were never used`,
      )

      const workedMs = (a: Counted, b: Counted) =>
        b.nowMs - a.nowMs - (b.sleptMs - a.sleptMs) - (b.flashMs - a.flashMs)
      const playing = workedMs(alone, begun) / (begun.nowMs - alone.nowMs)
      const receivedUs = 1000 * (workedMs(from, to) - playing * (to.nowMs - from.nowMs))
      const bytes = toBytes - fromBytes
      t.comment(
        `playing takes ${(playing * 100).toFixed(1)} % of the chip; a byte that arrives ${(receivedUs / bytes).toFixed(2)} µs, and ${((1000 * (to.flashMs - from.flashMs)) / bytes).toFixed(2)} µs of the flash; ${(bytes / (to.nowMs - from.nowMs)).toFixed(1)} KB/s in its time`,
      )
    },
  )
