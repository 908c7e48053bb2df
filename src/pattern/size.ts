import { fail, ok, type Result } from '../kernel/result.ts'
import type { PatternFault } from './fault.ts'

export interface Size {
  readonly width: number
  readonly height: number
}

const longestSide = 65_535

/** `WxH`, such as `16x16`: whole numbers from 1 to 65,535; fault `bad_request`. */
export function parseSize(text: string): Result<Size, PatternFault> {
  const [, width, height] = (/^\s*([1-9]\d{0,4})\s*[x×]\s*([1-9]\d{0,4})\s*$/i.exec(text) ?? []).map(Number)
  if (width !== undefined && height !== undefined && Math.max(width, height) <= longestSide)
    return ok({ width, height })
  return fail({
    kind: 'bad_request',
    message: `a width and a height such as 16x16 are wanted, not "${text}"`,
  })
}
