import { fail, ok, type Result } from '../kernel/result.ts'
import type { PatternFault } from './fault.ts'

/** A run of channels or frames. */
export interface Range {
  /** From 0. */
  readonly first: number
  readonly count: number
}

const most = 0xffffffff

/**
 * `FIRST-LAST` or `FIRST+COUNT`, counted from 1 as xLights counts channels: `1-300` and `1+300` are the same. `what` names the
 * option in the fault `bad_request`.
 */
export function parseRange(text: string, what: 'channels' | 'frames'): Result<Range, PatternFault> {
  const [, first = '', sign, second = ''] = /^\s*(\d{1,10})([-+])(\d{1,10})\s*$/.exec(text) ?? []
  const from = Number(first)
  const count = sign === '+' ? Number(second) : Number(second) - from + 1
  if (sign !== undefined && from >= 1 && count >= 1 && from + count - 1 <= most)
    return ok({ first: from - 1, count })
  const message = `'${text.slice(0, 40)}' is no range of ${what}; write FIRST-LAST or FIRST+COUNT, counted from 1, e.g. --${what} 1-300 or --${what} 1+300`
  return fail({ kind: 'bad_request', message })
}

/** As people read it: from 1, both ends included. */
export const describeRange = ({ first, count }: Range): string => `${first + 1} to ${first + count}`
