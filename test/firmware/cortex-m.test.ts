import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Wiring } from '../../src/pattern/wiring.ts'
import { eventually, type Finished, type Workplace, workplace } from '../support/pixelgate.ts'
import {
  type CortexBoard,
  type Counted,
  type Strip,
  startCortexM,
  withoutCortexM,
} from './qemu/cortex-board.ts'
import { drawing, type Frame, gifFile, ledsFile, noise, onStrip, stdFile } from './qemu/drawings.ts'
import { type Expected, type Gap, type Stretch, stretches } from './qemu/playback.ts'

const rows = 'row-straight-tl'

const expected = (name: string, frames: readonly Frame[], strip: Strip, wiring: Wiring = rows): Expected => ({
  name,
  frames: frames.map(frame => ({ delayMs: frame.delayMs, bytes: onStrip(frame, strip, wiring) })),
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

/** The board has sent back SHA-256 of what it holds; here it is taken from the flash itself. */
function holdsWhatWasSent(t: Test, board: CortexBoard, { last }: Finished): void {
  const { active, trial } = board.record
  const slot = board.slot(active)
  t.equal(slot?.state, 'verified')
  t.equal(trial, 255, 'the trial is over')
  const sha256 = createHash('sha256')
    .update(slot?.image ?? '')
    .digest('hex')
  t.match(last, { sha256, digest: { alg: 'sha256', value: sha256 } })
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

const worst = (gaps: readonly Gap[]): number => Math.max(0, ...gaps.map(({ offMs }) => Math.abs(offMs)))
const off = (gaps: readonly Gap[]): string => `off by ${worst(gaps).toFixed(2)} ms at most`
const count = (frames: number, delayMs: number): readonly number[] =>
  Array.from({ length: frames }, () => delayMs)

t.test('what a Cortex-M shows is the file, pixel by pixel and on time', { skip: withoutCortexM }, async t => {
  const place = await workplace(t)
  const strip = { leds: 24, width: 6, height: 4 }
  const board = await startCortexM(t, place, strip)
  const wiring = 'column-serpentine-bl'

  const frames = drawing(1, 24, [60, 100, 150, 80])
  const gif = expected('gif', frames, strip, wiring)
  const file = await place.file('noise.gif', gifFile(frames, 6, 4))
  holdsWhatWasSent(t, board, await uploaded(t, place, board, file, '--wiring', wiring))
  const first = await played(board, [gif], 'gif', 14)
  t.equal(first.length, 1, 'from its first frame on, without a break')
  t.ok(worst(first[0]?.gaps ?? []) < 2, `${first[0]?.gaps.length} gaps, ${off(first[0]?.gaps ?? [])}`)

  const others = drawing(2, 24, [100, 100, 100])
  const leds = expected('leds', others, strip, wiring)
  const drawn = await place.file('noise.leds', ledsFile(others, 6, 4))
  holdsWhatWasSent(t, board, await uploaded(t, place, board, drawn, '--wiring', wiring))
  const both = await played(board, [gif, leds], 'leds', 14)
  t.same(
    both.map(({ name }) => name),
    ['gif', 'leds'],
    'one after the other, nothing between',
  )
  t.ok(worst(both[1]?.gaps ?? []) < 2, `${both[1]?.gaps.length} gaps, ${off(both[1]?.gaps ?? [])}`)
  t.equal(board.strip.badSymbols, 0)
  t.equal(board.strip.boots, 1)
})

t.test(
  'a Cortex-M that is reset or loses power while it receives goes on from what it holds, and plays on meanwhile',
  { skip: withoutCortexM },
  async t => {
    const place = await workplace(t)
    const strip = { leds: 60 }
    const board = await startCortexM(t, place, strip)
    const old = drawing(3, 60, count(5, 40))
    await uploaded(t, place, board, await place.file('old.bin', stdFile(old)), '--candidate', '0')
    const before = board.slot(board.record.active)?.id

    const frames = noise(
      4,
      60,
      Array.from({ length: 500 }, (_, i) => 20 + (i % 3) * 10),
    )
    const file = await place.file('new.bin', stdFile(frames))
    const upload = uploaded(t, place, board, file, '--candidate', '0')
    const durable = (blocks: number) =>
      eventually(() => board.durableBlocks >= blocks, `${blocks} durable blocks`)
    await durable(3)
    await board.reset()
    const kept = board.durableBlocks
    t.ok(kept >= 3, `${kept} blocks outlived the reset`)
    await durable(kept + 3)
    await board.kill()
    t.equal(board.slot(board.record.active)?.id, before, 'the record names the old pattern')
    await board.start()
    const done = await upload
    t.match(done.last, { resumed: true })
    t.ok(done.last['resentBlocks'] <= 2, `${done.last['resentBlocks']} blocks were sent again`)
    holdsWhatWasSent(t, board, done)

    const patterns = [expected('old', old, strip), expected('new', frames, strip)]
    const seen = await played(board, patterns, 'new', 30)
    t.same(
      seen.map(({ name, boot }) => `${name} ${boot}`),
      ['old 1', 'old 2', 'old 3', 'new 3'],
    )
    t.ok(
      seen.every(({ pictures }) => pictures >= 5),
      `${seen.map(({ pictures }) => pictures)} pictures each`,
    )
    t.equal(board.record.bootId, 3)
    t.equal(board.strip.badSymbols, 0)
  },
)

for (const leds of [60, 200])
  t.test(
    `${leds} LEDs at 25 frames a second stay on time while a pattern arrives`,
    { skip: withoutCortexM },
    async t => {
      const place = await workplace(t)
      const strip = { leds }
      const board = await startCortexM(t, place, strip)
      const old = noise(5, leds, count(25, 40))
      await uploaded(t, place, board, await place.file('old.bin', stdFile(old)), '--candidate', '0')
      const patterns = [expected('old', old, strip)]
      await played(board, patterns, 'old', 3)
      t.equal(await board.light(), false, 'the status light is off while nothing arrives')
      const alone = await board.counted()
      await played(board, patterns, 'old', 15)
      const begun = await board.counted()

      const frames = noise(6, leds, count(Math.round(24_000 / leds), 40))
      const file = await place.file('new.bin', stdFile(frames))
      const upload = uploaded(t, place, board, file, '--candidate', '0')
      await eventually(() => board.durableBlocks > 0, 'a durable block')
      t.equal(await board.light(), true, 'it is on while a pattern does')
      const receivingMs = board.strip.partial?.atMs ?? Number.NaN
      const { last } = await upload
      const done = await board.counted()
      t.match(last, { retransmittedBytes: 0, resentBlocks: 0 })

      const seen = await played(board, [...patterns, expected('new', frames, strip)], 'new', 3)
      t.same(
        seen.map(({ name }) => name),
        ['old', 'new'],
      )
      const gaps = seen[0]?.gaps ?? []
      const erasing = gaps.filter(({ atMs }) => atMs > begun.nowMs && atMs < receivingMs)
      const receiving = gaps.filter(({ atMs }) => atMs >= receivingMs)
      t.ok(
        receiving.length > 20 && worst(receiving) < 8,
        `${receiving.length} gaps while receiving, ${off(receiving)}`,
      )
      t.ok(worst(erasing) < 135, `${erasing.length} gaps while the slot is erased, ${off(erasing)}`)
      t.equal(done.lostBytes, 0)
      t.ok(
        done.freeBytes > 1024,
        `the stack took ${done.stackBytes} bytes, ${done.freeBytes} were never used`,
      )

      const load = (from: Counted, to: Counted) =>
        1 - (to.sleptMs - from.sleptMs + to.waitedMs - from.waitedMs) / (to.nowMs - from.nowMs)
      const [playing, both] = [load(alone, begun), load(begun, done)]
      const perByteUs = (((both - playing) * (done.nowMs - begun.nowMs)) / last['payloadBytes']) * 1000
      t.comment(
        `playing takes ${(playing * 100).toFixed(1)} % of the chip, a byte that arrives ${perByteUs.toFixed(1)} µs of it`,
      )
    },
  )
