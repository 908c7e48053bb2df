import t from 'tap'
import { workplace } from '../support/pixelgate.ts'
import { drawing, gifFile, ledsFile, type Strip, steadyDrawing } from './drawings.ts'
import { later, offBy, type Run, runsOf, timeMs, unexplained } from './runs.ts'
import { type AvrBoard, buildAvr, startAvr, withoutAvr } from './simavr/avr-board.ts'
import { sound, when } from './simavr/soundness.ts'
import { uploaded, uploadedFrames } from './uploaded.ts'

/** Boards are emulated in real time, a tenth of a core each, so they run side by side. */
t.jobs = 3
/** New for each test: tap writes into it. */
const options = () => ({ skip: withoutAvr, buffered: true })

const matrix: Strip = { leds: 24, width: 6, height: 4 }
const row: Strip = { leds: 60 }
const wiring = 'column-serpentine-bl'
const alongRow = 'row-straight-tl'
/** What was promised of a frame's time. */
const jitterMs = 1

/** Bytes that the board has received from now on. */
async function receiving(board: AvrBoard): Promise<(bytes: number) => Promise<boolean>> {
  const { rxBytes: before } = await board.stats()
  return bytes => when(board, `${bytes} bytes at the board`, ({ rxBytes }) => rxBytes > before + bytes)
}

const patternsOf = (runs: readonly Run[]) => runs.map(({ pattern }) => pattern)

if (withoutAvr === false)
  await buildAvr([
    ['uno', matrix],
    ['uno', row],
    ['uno-nor', row],
    ['mega-nor', row],
    ['mega', matrix],
  ])

for (const target of ['uno', 'mega'] as const)
  t.test(`what leaves the pin of an ${target} with EEPROM is the file, bit by bit`, options(), async t => {
    const place = await workplace(t)
    const board = await startAvr(t, place, target, matrix)
    const frames = drawing(1, 24, [60, 100, 150, 80])
    const others = drawing(2, 24, [100, 100, 100])
    const gif = await place.file('noise.gif', gifFile(frames, 6, 4))
    const leds = await place.file('noise.leds', ledsFile(others, 6, 4))

    const { last } = await uploaded(t, place, board, gif, '--wiring', wiring)
    t.equal(last['digest'].alg, 'siphash128', 'the chip is too small for SHA-256')
    t.ok((await board.stats()).lights > 0, 'the status light was on')
    // A record is being written when the upload ends.
    const firstMs = await later(board, 300)
    const betweenMs = await later(board, 1200)
    await uploaded(t, place, board, leds, '--wiring', wiring)
    const secondMs = await later(board, 300)
    await later(board, 1000)

    const pin = await board.pin()
    t.same(pin.faults, [], `low for ${pin.longestLowUs} µs at most`)
    const runs = runsOf(pin.pictures, [frames, others], matrix, wiring)
    t.same(
      patternsOf(runs),
      [-1, 0, -1, 1],
      'black, the GIF, black while the only slot is written, the drawing',
    )
    const [, first, , second] = runs
    if (first === undefined || second === undefined) return
    const early = { ...first, off: first.off.filter(({ atMs }) => atMs < betweenMs) }
    t.ok(early.off.length >= 8 && second.off.length >= 8, 'over and over')
    t.same(offBy(jitterMs, [early], firstMs), [])
    t.same(offBy(jitterMs, [second], secondMs), [])
    await sound(t, board)
  })

t.test(
  'an Uno with one slot goes dark while it receives, through a power cut too, and then plays',
  options(),
  async t => {
    const place = await workplace(t)
    const board = await startAvr(t, place, 'uno', row)
    const [old, next] = [drawing(3, 60, [100, 50]), drawing(4, 60, [50, 60, 70])]
    await uploadedFrames(t, place, board, old)
    await later(board, 400)
    const received = await receiving(board)
    const upload = uploadedFrames(t, place, board, next)
    await received(350)
    const cut = await board.cutPower()
    const { last } = await upload
    t.match(last, { resumed: true })
    await later(board, 500)
    const { pictures, faults } = await board.pin()
    t.same(faults, [])
    const runs = runsOf(pictures, [old, next], row, alongRow)
    t.same(patternsOf(runs), [-1, 0, -1, -1, 1], 'after the cut it does not play a pattern that is gone')
    t.ok((runs[3]?.fromMs ?? 0) >= timeMs(cut) - 1)
    await sound(t, board)
  },
)

t.test(
  'an Uno with flash plays the old pattern through a reset and two cuts of its power, then the new',
  options(),
  async t => {
    const place = await workplace(t)
    const board = await startAvr(t, place, 'uno-nor', row)
    const old = steadyDrawing(5, 60, 5)
    const next = drawing(
      6,
      60,
      Array.from({ length: 120 }, (_, i) => 40 + (i % 3) * 10),
    )
    await uploadedFrames(t, place, board, old)
    const { norErases } = await board.stats()
    const received = await receiving(board)
    const upload = uploadedFrames(t, place, board, next)
    await when(board, 'the third sector', stats => stats.norErases >= norErases + 3)
    const restartsMs = [timeMs(await board.cutPower())]
    await received(6000)
    restartsMs.push(timeMs(await board.reset()))
    await received(12_000)
    restartsMs.push(timeMs(await board.cutPower()))
    const { last } = await upload
    t.match(last, { resumed: true })
    t.ok(last['resentBlocks'] <= 2, `${last['resentBlocks']} blocks sent again`)
    await later(board, 2000)
    const { pictures, faults } = await board.pin()
    t.same(unexplained(faults, restartsMs), [])
    const runs = runsOf(pictures, [old, next], row, alongRow, restartsMs).filter(
      ({ pattern }) => pattern >= 0,
    )
    t.same(patternsOf(runs), [0, 0, 0, 0, 1])
    t.ok((runs.at(-1)?.pictures ?? 0) > 30)
    t.same(offBy(jitterMs, runs), [])
    await sound(t, board)
  },
)

t.test(
  'a Mega plays 60 LEDs at 25 frames a second in time while it receives, and loses no byte',
  options(),
  async t => {
    const place = await workplace(t)
    const board = await startAvr(t, place, 'mega-nor', row)
    const old = steadyDrawing(7, 60, 5)
    const next = steadyDrawing(8, 60, 100)
    await uploadedFrames(t, place, board, old)
    await later(board, 200)
    const { last } = await uploadedFrames(t, place, board, next)
    t.match(last, { retransmittedBytes: 0, resentBlocks: 0 })
    await later(board, 1000)
    const { pictures, faults } = await board.pin()
    t.same(faults, [])
    const runs = runsOf(pictures, [old, next], row, alongRow)
    t.same(patternsOf(runs), [-1, 0, 1])
    t.ok((runs[1]?.off.length ?? 0) >= 20, 'many while it received')
    t.same(offBy(jitterMs, runs), [])
    t.ok((await board.stats()).norSuspends > 0, 'frames were read while a sector was being erased')
    await sound(t, board)
  },
)

t.test('a noisy line and a flash that cannot suspend change no picture', options(), async t => {
  const place = await workplace(t)
  const board = await startAvr(t, place, 'uno-nor', row, { suspends: false })
  const [old, next] = [steadyDrawing(9, 60, 3), steadyDrawing(10, 60, 60)]
  await uploadedFrames(t, place, board, old)
  await board.disturb(1500)
  const { last } = await uploadedFrames(t, place, board, next)
  t.ok(last['retransmittedBytes'] > 0, `${last['retransmittedBytes']} bytes went again`)
  await later(board, 1000)
  const { pictures, faults } = await board.pin()
  t.same(faults, [])
  const runs = runsOf(pictures, [old, next], row, alongRow)
  t.same(patternsOf(runs), [-1, 0, 1])
  t.same(offBy(60, runs), [], 'a frame waits for a sector at most')
  await sound(t, board)
})
