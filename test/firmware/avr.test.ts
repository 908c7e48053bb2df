import omggif from 'omggif'
import t, { type Test } from 'tap'
import type { Wiring } from '../../src/pattern/wiring.ts'
import { eventually, type Finished, type Workplace, workplace } from '../support/pixelgate.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'
import { type AvrBoard, type Strip, startAvr, withoutAvr } from './simavr/avr-board.ts'
import type { Picture } from './ws2812.ts'

interface Frame {
  readonly delayMs: number
  /** RGB, row after row. */
  readonly pixels: Uint8Array
}

const palette = [0x000000, 0xff2010, 0x20ff40, 0x1040ff, 0xffffff, 0x010204, 0x808000, 0x7f00fe]

/** Frames of palette noise; the delays are multiples of 10 ms, so that GIF can tell them. */
function drawing(seed: number, leds: number, delaysMs: readonly number[]): readonly Frame[] {
  const random = seededRandom(seed)
  return delaysMs.map(delayMs => ({
    delayMs,
    pixels: Uint8Array.from(
      Array.from({ length: leds }, () => palette[Math.floor(random() * palette.length)] ?? 0).flatMap(
        color => [color >> 16, (color >> 8) & 0xff, color & 0xff],
      ),
    ),
  }))
}

const colors = (pixels: Uint8Array): readonly number[] =>
  Array.from({ length: pixels.length / 3 }, (_, i) => Buffer.from(pixels).readUIntBE(i * 3, 3))

function gifFile(frames: readonly Frame[], width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(100_000)
  const writer = new omggif.GifWriter(bytes, width, height, { palette: [...palette], loop: 0 })
  for (const { delayMs, pixels } of frames) {
    const indices = colors(pixels).map(color => palette.indexOf(color))
    writer.addFrame(0, 0, width, height, indices, { delay: delayMs / 10 })
  }
  return bytes.slice(0, writer.end())
}

/** LED Matrix Studio; cells are BBGGRR. */
function ledsFile(frames: readonly Frame[], width: number, height: number): string {
  const cell = (color: number) =>
    (((color & 0xff) << 16) | (color & 0xff00) | (color >> 16)).toString(16).padStart(6, '0').toUpperCase()
  const rows = (pixels: Uint8Array) =>
    Array.from(
      { length: height },
      (_, y) =>
        `r:${colors(pixels)
          .slice(y * width, (y + 1) * width)
          .map(cell)
          .join(' ')} `,
    )
  return frames
    .map(({ pixels }) => ['{anim4', `w:${width}`, `h:${height}`, ...rows(pixels), '}', ''].join('\r\n'))
    .join('')
}

/** STD: LEDs in a row. */
function stdFile(frames: readonly Frame[], leds: number): Uint8Array {
  const parts = frames.flatMap(({ delayMs, pixels }) => [Uint8Array.of(delayMs & 255, delayMs >> 8), pixels])
  return Buffer.concat([
    Uint8Array.of(leds & 255, leds >> 8, frames.length & 255, frames.length >> 8),
    ...parts,
  ])
}

/** Goes along the strip as a finger would: pixels of the canvas in the order of the LEDs. Owes nothing to the gateway's own map. */
function finger(width: number, height: number, wiring: Wiring): readonly number[] {
  const [line, turn, corner = ''] = wiring.split('-')
  let [x, y] = [corner.endsWith('r') ? width - 1 : 0, corner.startsWith('b') ? height - 1 : 0]
  const [homeX, homeY] = [x, y]
  let [dx, dy] = [x === 0 ? 1 : -1, y === 0 ? 1 : -1]
  const path: number[] = []
  for (let i = 0; i < width * height; i++) {
    path.push(y * width + x)
    if (line === 'row' && (i + 1) % width === 0) {
      y += dy
      if (turn === 'serpentine') dx = -dx
      else x = homeX
    } else if (line === 'row') x += dx
    else if ((i + 1) % height === 0) {
      x += dx
      if (turn === 'serpentine') dy = -dy
      else y = homeY
    } else y += dy
  }
  return path
}

/** What the LEDs have to get: strip order, GRB. */
function wanted(frame: Frame, { leds, width = leds, height = 1 }: Strip, wiring: Wiring): Buffer {
  const pixel = (at: number) => [1, 0, 2].map(channel => frame.pixels[at * 3 + channel] ?? 0)
  return Buffer.from(finger(width, height, wiring).flatMap(pixel))
}

interface Played {
  /** Pictures compared. */
  readonly count: number
  /** Gaps between two of them that were measured, and the largest distance of one from its frame's delay. */
  readonly gaps: number
  readonly worstMs: number
}

/**
 * Compares every picture from frame 0's first on with the frames in turn; throws at the first that differs. Times are compared
 * from `sinceMs` on: while an EEPROM takes a record (0.2 s), nothing is shown.
 */
function compare(
  pictures: readonly Picture[],
  frames: readonly Frame[],
  strip: Strip,
  wiring: Wiring,
  sinceMs = 0,
): Played {
  const all = frames.map(frame => wanted(frame, strip, wiring))
  const first = pictures.findIndex(({ bytes }) => all[0]?.equals(bytes))
  if (first < 0) throw new Error(`frame 0 was never shown; ${pictures.length} pictures were`)
  let [gaps, worstMs] = [0, 0]
  for (const [i, picture] of pictures.slice(first).entries()) {
    const n = i % frames.length
    if (!all[n]?.equals(picture.bytes))
      throw new Error(
        `picture ${i}: ${Buffer.from(picture.bytes).toString('hex')} is not frame ${n}: ${all[n]?.toString('hex')}`,
      )
    const next = pictures[first + i + 1]
    if (next === undefined || picture.atMs < sinceMs) continue
    gaps++
    worstMs = Math.max(worstMs, Math.abs(next.atMs - picture.atMs - (frames[n]?.delayMs ?? 0)))
  }
  return { count: pictures.length - first, gaps, worstMs }
}

/** Waits until so much of the board's time has passed; returns where it is now. */
async function later(board: AvrBoard, ms: number): Promise<number> {
  const now = async () => (await board.stats()).cycles / 16e3
  const endMs = (await now()) + ms
  await eventually(async () => (await now()) >= endMs, `${ms} ms of the board`)
  return endMs
}

async function uploaded(
  t: Test,
  place: Workplace,
  board: AvrBoard,
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
  t.equal(done.status, 0, `${done.status} ${done.last['event']} ${done.last['message'] ?? ''}`)
  return done
}

const withinMs = 1
const rows = 'row-straight-tl'
const none: Frame = { delayMs: 0, pixels: new Uint8Array() }

t.test('what an Uno shows from its EEPROM is the file, bit by bit', { skip: withoutAvr }, async t => {
  const place = await workplace(t)
  const strip = { leds: 24, width: 6, height: 4 }
  const board = await startAvr(t, place, 'uno', strip)
  const wiring = 'column-serpentine-bl'

  const frames = drawing(1, 24, [60, 100, 150, 80])
  const gif = await place.file('noise.gif', gifFile(frames, 6, 4))
  const { last } = await uploaded(t, place, board, gif, '--wiring', wiring)
  t.equal(last['digest'].alg, 'siphash128', 'the chip is too small for SHA-256')
  const settledMs = await later(board, 300)
  await later(board, 1200)
  const pin = await board.pin()
  t.same(pin.faults, [], `low for ${pin.longestLowUs} µs at most`)
  const first = compare(pin.pictures, frames, strip, wiring, settledMs)
  t.ok(
    first.gaps >= 10 && first.worstMs <= withinMs,
    `${first.gaps} times within ${first.worstMs.toFixed(2)} ms`,
  )

  const others = drawing(2, 24, [100, 100, 100])
  const leds = await place.file('noise.leds', ledsFile(others, 6, 4))
  await uploaded(t, place, board, leds, '--wiring', wiring)
  const settledAgainMs = await later(board, 300)
  await later(board, 1000)
  const second = compare((await board.pin()).pictures, others, strip, wiring, settledAgainMs)
  t.ok(
    second.gaps >= 8 && second.worstMs <= withinMs,
    `${second.gaps} times within ${second.worstMs.toFixed(2)} ms`,
  )
  t.equal((await board.stats()).rxOverruns, 0)
})

t.test(
  'an Uno that is reset or loses power while it receives goes on from what it holds',
  { skip: withoutAvr },
  async t => {
    const place = await workplace(t)
    const strip = { leds: 60 }
    const board = await startAvr(t, place, 'uno-nor', strip)
    const frames = drawing(
      3,
      60,
      Array.from({ length: 120 }, (_, i) => 40 + (i % 3) * 10),
    )
    const file = await place.file('row.bin', stdFile(frames, 60))
    const upload = uploaded(t, place, board, file, '--candidate', '0')
    const { rxBytes } = await board.stats()
    const received = (bytes: number) =>
      eventually(async () => (await board.stats()).rxBytes > rxBytes + bytes, `${bytes} bytes at the board`)
    await received(6000)
    await board.reset()
    await received(12_000)
    await board.cutPower()
    const { last } = await upload
    t.match(last, { resumed: true })
    t.ok(last['resentBlocks'] <= 2, `${last['resentBlocks']} blocks sent again`)
    const settledMs = await later(board, 200)
    await later(board, 2000)
    const { count, gaps, worstMs } = compare((await board.pin()).pictures, frames, strip, rows, settledMs)
    t.ok(
      gaps >= 30 && worstMs <= withinMs,
      `${count} pictures, ${gaps} times within ${worstMs.toFixed(2)} ms`,
    )
    const { stackBytes, ramFreeBytes, ...counted } = await board.stats()
    t.match(counted, { rxOverruns: 0, norClashes: 0 })
    t.ok(ramFreeBytes >= 100, `the stack took ${stackBytes} bytes, ${ramFreeBytes} were never used`)
  },
)

t.test(
  'a Mega plays 60 LEDs at 25 frames a second while it receives, and loses no byte',
  { skip: withoutAvr },
  async t => {
    const place = await workplace(t)
    const strip = { leds: 60 }
    const board = await startAvr(t, place, 'mega-nor', strip)
    const old = drawing(4, 60, [40, 40, 40, 40, 40])
    await uploaded(t, place, board, await place.file('old.bin', stdFile(old, 60)), '--candidate', '0')
    const beganMs = await later(board, 200)
    const frames = drawing(
      5,
      60,
      Array.from({ length: 100 }, () => 40),
    )
    const file = await place.file('new.bin', stdFile(frames, 60))
    const { last } = await uploaded(t, place, board, file, '--candidate', '0')
    t.match(last, { retransmittedBytes: 0, resentBlocks: 0 })
    await later(board, 1000)
    t.match(await board.stats(), { rxOverruns: 0, norClashes: 0 })

    const { pictures } = await board.pin()
    const since = pictures.filter(({ atMs }) => atMs > beganMs)
    const change = since.findIndex(({ bytes }) => wanted(frames[0] ?? none, strip, rows).equals(bytes))
    compare(since.slice(change), frames, strip, rows)
    const before = since.slice(0, change)
    compare(before, old, strip, rows)
    const offMs = before.slice(1).map(({ atMs }, i) => Math.abs(atMs - (before[i]?.atMs ?? 0) - 40))
    const late = offMs.filter(ms => ms > 5)
    t.ok(
      before.length > 10 && late.length <= 6,
      `of ${offMs.length} gaps ${late.length} beside an erase are off by more than 5 ms`,
    )
    t.ok(Math.max(...offMs) < 120, `by ${Math.max(...offMs).toFixed(1)} ms at most`)
  },
)
