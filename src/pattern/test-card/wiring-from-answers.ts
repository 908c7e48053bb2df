import { fail, ok, type Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'
import type { Wiring } from '../wiring.ts'

/** What somebody saw of the card that finds the wiring. */
export interface Answers {
  /** Of the first LED. */
  readonly corner: 'tl' | 'tr' | 'bl' | 'br'
  /** How the first LEDs lie: a row is horizontal. */
  readonly line: 'row' | 'column'
  /** The first LED of the second line: near the first LED, or at the far end. */
  readonly second: 'near' | 'far'
}

/** The one wiring that shows the card so. */
export const wiringFromAnswers = ({ corner, line, second }: Answers): Wiring =>
  `${line}-${second === 'near' ? 'straight' : 'serpentine'}-${corner}`

/** `CORNER,LINE,SECOND` in any order, e.g. `bl,column,far`; horizontal and vertical are understood too. Fault `bad_request`. */
export function parseAnswers(text: string): Result<Answers, PatternFault> {
  const words = text.toLowerCase().split(/[\s,]+/)
  const among = <Word extends string>(known: Readonly<Record<string, Word>>): Word | undefined => {
    const found = words.flatMap(word => (Object.hasOwn(known, word) ? known[word] : undefined) ?? [])
    return found.length === 1 ? found[0] : undefined
  }
  const corner = among({ tl: 'tl', tr: 'tr', bl: 'bl', br: 'br' })
  const line = among({ row: 'row', horizontal: 'row', column: 'column', vertical: 'column' })
  const second = among({ near: 'near', far: 'far' })
  if (words.length === 3 && corner !== undefined && line !== undefined && second !== undefined)
    return ok({ corner, line, second })
  return fail({
    kind: 'bad_request',
    message: `'${text}' does not answer the three questions; write the corner of the first LED (tl, tr, bl, br), row or column, and near or far, e.g. bl,column,far`,
  })
}
