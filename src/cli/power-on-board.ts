import type { Result } from '../kernel/result.ts'
import { parseColorOrder } from '../pattern/color-order.ts'
import { compile } from '../pattern/compile.ts'
import { type PatternFault, patternError } from '../pattern/fault.ts'
import { parseLayout } from '../pattern/layout/parse-layout.ts'
import { defaultMaPerChannel, powerOf } from '../pattern/power.ts'
import { parseWiring } from '../pattern/wiring.ts'
import type { BoardView } from '../wire/board.ts'
import type { ControlClient } from './control-client.ts'
import { openPatternFile, type PatternReading } from './open-pattern.ts'

/** What a pattern would draw on a board, estimated. */
export interface BoardPower {
  readonly board: string
  readonly peakMa: number
  /** Frame with the highest current, from 1. */
  readonly peakFrame: number
  readonly meanMa: number
  /** null: nobody has given the board one. */
  readonly capMa: number | null
}

/** Lays a file out as an upload would. Rejects with the faults of reading and `does_not_fit`. */
export async function powerOnBoard(
  file: string,
  reading: PatternReading,
  idOrName: string,
  client: ControlClient,
): Promise<BoardPower> {
  const { board } = await client.get<{ board: BoardView }>(`/boards/${encodeURIComponent(idOrName)}`)
  const { name, leds, width, height } = board
  const pattern = await openPatternFile(file, reading, () =>
    width > 0 && height > 0 ? { width, height } : undefined,
  )
  const target = {
    ...{ leds, width, height },
    wiring: value(parseWiring(board.wiring)),
    layout: board.layout === null ? undefined : value(parseLayout(board.layout)),
    colorOrder: value(parseColorOrder(board.colorOrder)),
  }
  const { frames } = value(compile(pattern, target))
  const { peakMa, peakFrame, meanMa } = powerOf(frames, { leds, maPerChannel: defaultMaPerChannel })
  return { board: name, peakMa, peakFrame: peakFrame + 1, meanMa, capMa: board.powerCapMa }
}

export function powerLine({ board, peakMa, peakFrame, meanMa, capMa }: BoardPower): string {
  const cap =
    capMa === null
      ? 'it has no power cap'
      : peakMa > capMa
        ? `more than its cap of ${capMa} mA: dim it, or upload it with --scale-power`
        : `its cap is ${capMa} mA`
  return `${board}: draws about ${peakMa} mA at most (frame ${peakFrame}), ${meanMa} mA on average; ${cap}\n`
}

function value<T>(result: Result<T, PatternFault>): T {
  if (result.ok) return result.value
  throw patternError(result.fault)
}
