import { drawing, stdFile } from '../firmware/drawings.ts'
import { later, offBy, runsOf } from '../firmware/runs.ts'
import { buildAvr, startAvr, type Target } from '../firmware/simavr/avr-board.ts'
import { sdCard } from '../firmware/simavr/sd-card.ts'
import { eventually, workplace } from '../support/pixelgate.ts'

/** What docs/boards.md tells of the AVR boards with flash or a card; an argument names one target. Slowed down, so that a busy machine does not hold the board up. */
const speed = 0.4
const imageBytes = 36_000
const only = process.argv[2]
const all: readonly (readonly [Target, number])[] = [
  ['uno-nor', 60],
  ['uno-nor', 150],
  ['mega-nor', 60],
  ['mega-nor', 200],
  ['mega-sd', 60],
  ['mega-sd', 200],
]
const cases = all.filter(([target]) => only === undefined || target === only)
/** 115,200 asked for: 16 MHz / 8 / 17. */
const cyclesPerBit = 8 * 17

const endings: (() => unknown)[] = []
const teardown = (end: () => unknown) => {
  endings.push(end)
}
const quarter = imageBytes / 4

await buildAvr(cases.map(([target, leds]) => [target, { leds }] as const))
for (const [target, leds] of cases) {
  const place = await workplace({ teardown } as never)
  const card = target === 'mega-sd' ? { storage: await sdCard(place) } : {}
  const board = await startAvr({ teardown } as never, place, target, { leds }, { speed, ...card })
  const old = drawing(1, leds, [40, 40, 40, 40, 40])
  const next = drawing(
    2,
    leds,
    Array.from({ length: imageBytes / leds / 3 }, () => 40),
  )
  const flags = ['--port', board.port, '--color-order', 'GRB', '--json', '--candidate', '0']
  await place.here('upload', await place.file('old.bin', stdFile(old)), ...flags)
  const { rxBytes } = await board.stats()
  const upload = place.here('upload', await place.file('new.bin', stdFile(next)), ...flags)
  const reached = async (bytes: number) => {
    const stats = await eventually(async () => {
      const now = await board.stats()
      return now.rxBytes > rxBytes + bytes && now
    }, 'bytes')
    return stats
  }
  const from = await reached(2000)
  const to = await reached(2000 + quarter)
  const { last } = await upload
  await later(board, 400)
  const { pictures, faultCount, longestLowUs } = await board.pin()
  const runs = runsOf(pictures, [old, next], { leds }, 'row-straight-tl')
  const off = runs.flatMap(run => run.off).map(({ ms }) => Math.abs(ms))
  const { rxOverruns, norSuspends, norClashes, sdClashes, stackBytes, ramFreeBytes, lateMs } =
    await board.stats()
  const lineBusy = ((to.rxBytes - from.rxBytes) * 10 * cyclesPerBit) / (to.cycles - from.cycles)
  const figures = {
    ...{ target, leds, ended: last['event'], payloadBytes: last['payloadBytes'], lineBusy },
    ...{
      again: last['retransmittedBytes'],
      frames: off.length,
      worstMs: Math.max(...off),
      over1: offBy(1, runs),
    },
    ...{
      faultCount,
      longestLowUs,
      rxOverruns,
      norSuspends,
      norClashes,
      sdClashes,
      stackBytes,
      ramFreeBytes,
      lateMs,
    },
  }
  process.stdout.write(`${JSON.stringify(figures)}\n`)
  await board.unplug()
}
for (const end of endings.reverse()) await end()
