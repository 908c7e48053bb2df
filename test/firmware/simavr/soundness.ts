import type { Test } from 'tap'
import { eventually } from '../../support/pixelgate.ts'
import type { AvrBoard, RigStats } from './avr-board.ts'

/** Waits for a moment that is reached within a ms of the board's time or so. */
export const when = (board: AvrBoard, what: string, reached: (stats: RigStats) => boolean) =>
  eventually(async () => reached(await board.stats()), what)

/** Nothing was lost on the line or asked of storage that it cannot do, and stack and variables kept apart. */
export async function sound(t: Test, board: AvrBoard): Promise<void> {
  const { stackBytes, ramFreeBytes, lateMs, sdReads, sdWrites, ...counted } = await board.stats()
  t.match(counted, { rxOverruns: 0, norClashes: 0, sdClashes: 0 })
  t.ok(ramFreeBytes >= 96, `the stack took ${stackBytes} bytes, ${ramFreeBytes} were never used`)
  t.comment(
    `${sdReads} reads and ${sdWrites} writes of a card; the machine was ${lateMs.toFixed(0)} ms late in all`,
  )
}
