import { fail, ok, type Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'
import type { Pattern } from '../pattern.ts'
import type { ExportOptions } from './exporter.ts'

/** e.g. `the time of the frames (50 ms each) is not kept`; for formats without times. */
export function timesLost(pattern: Pattern): string {
  let shortest = Number.POSITIVE_INFINITY
  let longest = 0
  for (const { delayMs } of pattern.frames) {
    shortest = Math.min(shortest, delayMs)
    longest = Math.max(longest, delayMs)
  }
  return shortest === longest
    ? `the time of the frames (${shortest} ms each) is not kept`
    : `the times of the frames (${shortest} to ${longest} ms) are not kept`
}

/** A note for formats that repeat for ever, when the pattern does not. */
export const loopsLost = ({ loopCount }: Pattern): readonly string[] =>
  loopCount === 0
    ? []
    : [`the number of repeats (${loopCount}) is not kept: it repeats for as long as the player lets it`]

/** For formats that hold a picture as it is drawn, in colours of their own: an order of pixels or colours is a `bad_request`. */
export function refuseOrders(format: string, options: ExportOptions): Result<null, PatternFault> {
  if (options.map !== undefined)
    return fail({
      kind: 'bad_request',
      message: `${format} holds the picture as it is drawn, in no order of a strip; leave the wiring out`,
    })
  if (options.colorOrder !== undefined && options.colorOrder.trim().toUpperCase() !== 'RGB')
    return fail({
      kind: 'bad_request',
      message: `${format} has its own order of colours; leave '${options.colorOrder}' out`,
    })
  return ok(null)
}
