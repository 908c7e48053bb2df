import { open } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { eventually, type Finished, type Workplace, workplace } from '../support/pixelgate.ts'
import { drawing, later, offBy, runsOf, stdFile, timeMs } from './drawings.ts'
import {
  type AvrBoard,
  buildAvr,
  type RigStats,
  type Strip,
  startAvr,
  withoutAvr,
} from './simavr/avr-board.ts'

t.jobs = 2
/** New for each test: tap writes into it. */
const options = () => ({ skip: withoutAvr, buffered: true })

const row: Strip = { leds: 60 }
const alongRow = 'row-straight-tl'
const sectorBytes = 512
const firstSector = 2048
const ownType = 0x7f
const pauseMs = 100

/** A card with a DOS partition table of one partition, as sfdisk makes it. */
async function card(place: Workplace, { type = ownType, sectors = 69_632 } = {}): Promise<string> {
  const table = Buffer.alloc(sectorBytes)
  const entry = table.subarray(446)
  entry[4] = type
  entry.writeUInt32LE(firstSector, 8)
  entry.writeUInt32LE(sectors, 12)
  table.writeUInt16LE(0xaa55, 510)
  const file = await open(place.path('card'), 'w')
  await file.truncate((firstSector + sectors) * sectorBytes)
  await file.write(table, 0, sectorBytes, 0)
  await file.close()
  return 'card'
}

const steps = (seed: number, frames: number) => drawing(seed, 60, Array.from({ length: frames }, () => 40))

const pattern = (place: Workplace, name: string, frames: ReturnType<typeof steps>) =>
  place.file(name, stdFile(frames, 60))

async function uploaded(t: Test, place: Workplace, board: AvrBoard, file: string): Promise<Finished> {
  const flags = ['--port', board.port, '--color-order', 'GRB', '--candidate', '0', '--json']
  const done = await place.here('upload', file, ...flags)
  t.equal(done.status, 0, `${done.status} ${done.last['event']} ${done.last['message'] ?? ''}`)
  return done
}

const when = (board: AvrBoard, what: string, reached: (stats: RigStats) => boolean) =>
  eventually(async () => reached(await board.stats()), what)

async function sound(t: Test, board: AvrBoard): Promise<void> {
  const { stackBytes, ramFreeBytes, lateMs, sdReads, sdWrites, ...counted } = await board.stats()
  t.match(counted, { rxOverruns: 0, sdClashes: 0 })
  t.ok(ramFreeBytes >= 96, `the stack took ${stackBytes} bytes, ${ramFreeBytes} were never used`)
  t.comment(`${sdReads} reads, ${sdWrites} writes; the machine was ${lateMs.toFixed(0)} ms late in all`)
}

if (withoutAvr === false) await buildAvr([['mega-sd', row]])

t.test('a Mega plays from an SD card in time while it receives, and loses no byte', options(), async t => {
  const place = await workplace(t)
  const board = await startAvr(t, place, 'mega-sd', row, { storage: await card(place) })
  const [old, next] = [steps(21, 5), steps(22, 100)]
  await uploaded(t, place, board, await pattern(place, 'old.bin', old))
  await later(board, 200)
  const { last } = await uploaded(t, place, board, await pattern(place, 'new.bin', next))
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
