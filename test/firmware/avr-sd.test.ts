import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type Workplace, workplace } from '../support/pixelgate.ts'
import { type Strip, steadyDrawing } from './drawings.ts'
import { later, offBy, runsOf, timeMs, unexplained } from './runs.ts'
import { buildAvr, startAvr, withoutAvr } from './simavr/avr-board.ts'
import { sdCard } from './simavr/sd-card.ts'
import { sound, when } from './simavr/soundness.ts'
import { uploadedFrames } from './uploaded.ts'

t.jobs = 2
/** New for each test: tap writes into it. */
const options = () => ({ skip: withoutAvr, buffered: true })

const row: Strip = { leds: 60 }
const alongRow = 'row-straight-tl'
const pauseMs = 100
const prebuilt = new URL('../../firmware-protocol/boards/prebuilt/mega-sd.hex', import.meta.url)

if (withoutAvr === false) await buildAvr([['mega-sd', row]])

t.test('a Mega plays from an SD card in time while it receives, and loses no byte', options(), async t => {
  const place = await workplace(t)
  const board = await startAvr(t, place, 'mega-sd', row, { storage: await sdCard(place) })
  const [old, next] = [steadyDrawing(21, 60, 5), steadyDrawing(22, 60, 100)]
  await uploadedFrames(t, place, board, old)
  await later(board, 200)
  const { last } = await uploadedFrames(t, place, board, next)
  t.match(last, { retransmittedBytes: 0, resentBlocks: 0 })
  await later(board, 1000)
  const { pictures, faults } = await board.pin()
  t.same(faults, [])
  const runs = runsOf(pictures, [old, next], row, alongRow)
  t.same(
    runs.map(({ pattern }) => pattern),
    [-1, 0, 1],
  )
  t.ok((runs[1]?.off.length ?? 0) >= 20, 'many while it received')
  const worst = Math.max(...runs.slice(1).flatMap(({ off }) => off.map(({ ms }) => Math.abs(ms))))
  t.comment(`frames were off by ${worst.toFixed(3)} ms at most`)
  t.same(offBy(1, runs), [])
  await sound(t, board)
})

t.test(
  'the old pattern plays on through power cuts, five of them in the middle of a sector, then the new',
  options(),
  async t => {
    const place = await workplace(t)
    const board = await startAvr(t, place, 'mega-sd', row, { storage: await sdCard(place) })
    const [old, next] = [steadyDrawing(23, 60, 5), steadyDrawing(24, 60, 250)]
    await uploadedFrames(t, place, board, old)
    const { rxBytes } = await board.stats()
    const upload = uploadedFrames(t, place, board, next)
    const restartsMs: number[] = []
    await when(board, 'a part of the pattern', stats => stats.rxBytes > rxBytes + 2000)
    restartsMs.push(timeMs(await board.cutPower()))
    for (const [torn, inth] of [9, 14, 5, 16, 11].entries()) {
      await board.tear(inth)
      await when(board, 'a torn sector', ({ sdTorn }) => sdTorn === torn + 1)
      restartsMs.push((await board.stats()).cutCycle / 16e3)
    }
    const { last } = await upload
    t.match(last, { resumed: true })
    t.comment(`${last['resentBlocks']} blocks went again`)
    await later(board, 2000)
    const { pictures, faults } = await board.pin()
    t.same(unexplained(faults, restartsMs), [])
    const whole = pictures.filter(
      ({ atMs, bytes }) =>
        bytes.length === row.leds * 3 || !restartsMs.some(ms => ms > atMs && ms < atMs + 3),
    )
    const runs = runsOf(whole, [old, next], row, alongRow, restartsMs).filter(({ pattern }) => pattern >= 0)
    t.same(
      runs.map(({ pattern }) => pattern),
      [0, 0, 0, 0, 0, 0, 0, 1],
    )
    t.ok((runs.at(-1)?.pictures ?? 0) > 30)
    await sound(t, board)
  },
)

t.test('while the card tidies up a frame is late, and the time is made up', options(), async t => {
  const place = await workplace(t)
  const board = await startAvr(t, place, 'mega-sd', row, { storage: await sdCard(place), pauseEvery: 9 })
  const [old, next] = [steadyDrawing(25, 60, 5), steadyDrawing(26, 60, 100)]
  await uploadedFrames(t, place, board, old)
  const { last } = await uploadedFrames(t, place, board, next)
  t.match(last, { retransmittedBytes: 0, resentBlocks: 0 })
  await later(board, 1000)
  const { pictures, faults } = await board.pin()
  t.same(faults, [])
  const runs = runsOf(pictures, [old, next], row, alongRow)
  t.same(
    runs.map(({ pattern }) => pattern),
    [-1, 0, 1],
  )
  const offs = runs.slice(1).flatMap(({ off }) => off.map(({ ms }) => ms))
  const { sdPauses } = await board.stats()
  t.ok(sdPauses >= 3)
  t.ok(offs.filter(ms => Math.abs(ms) > 1).length <= 5 * sdPauses)
  t.same(offBy(pauseMs + 10, runs), [])
  t.comment(`${sdPauses} pauses, frames late by ${Math.max(...offs).toFixed(1)} ms at most`)
  await sound(t, board)
})

t.test(
  'a card of standard capacity, and a small partition, will do for the prebuilt image',
  options(),
  async t => {
    const place = await workplace(t)
    const storage = await sdCard(place, { sectors: 2048 })
    const image = fileURLToPath(prebuilt)
    const board = await startAvr(t, place, 'mega-sd', row, { storage, standard: true, image })
    const frames = steadyDrawing(27, 60, 30)
    await uploadedFrames(t, place, board, frames)
    await later(board, 1500)
    const runs = runsOf((await board.pin()).pictures, [frames], row, alongRow)
    t.same(
      runs.map(({ pattern }) => pattern),
      [-1, 0],
    )
    t.same(offBy(1, runs), [])
    await sound(t, board)
  },
)

for (const [what, prepare] of [
  ['a card with files', async (place: Workplace) => sdCard(place, { type: 0x0c, sectors: 2048 })],
  ['an empty socket', async () => ''],
] as const)
  t.test(`${what} is left alone, and the light blinks`, options(), async t => {
    const place = await workplace(t)
    const storage = await prepare(place)
    const before = storage === '' ? undefined : await readFile(place.path(storage))
    const board = await startAvr(t, place, 'mega-sd', row, { storage })
    await later(board, 300)
    const { lights } = await board.stats()
    await later(board, 2000)
    const after = await board.stats()
    t.match(after, { sdWrites: 0, sdClashes: 0, txBytes: 0 })
    t.ok(Math.abs(after.lights - lights - 10) <= 1, `${after.lights - lights} blinks in 2 s`)
    if (before !== undefined) t.ok(before.equals(await readFile(place.path(storage))))
  })
