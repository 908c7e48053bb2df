import { AppError } from '../../kernel/errors.ts'
import { ledmExporter } from '../../pattern/export/bin-ledm.ts'
import { checkingCard, findingCard } from '../../pattern/test-card/test-card.ts'
import { unwrap } from '../unwrap.ts'

export interface CardOrder {
  readonly card: 'checking' | 'finding'
  readonly width: number
  readonly height: number
}

export interface CardFile {
  /** Such as holds size and times and can be read in one way only. */
  readonly bytes: Uint8Array
  readonly steps: readonly { readonly caption: string; readonly frames: number }[]
}

/**
 * A test card as a file. One that finds the wiring is a strip, which goes onto any board as it is, whatever is known of its
 * wiring. Throws `usage` for a size that no board has.
 */
export function makeTestCard(_source: Uint8Array, { card, width, height }: CardOrder): CardFile {
  const { pattern, steps } = unwrap((card === 'checking' ? checkingCard : findingCard)({ width, height }))
  const drawn = card === 'checking' ? pattern : { ...pattern, width: pattern.leds, height: 1 }
  const file = ledmExporter.write(drawn, {})
  if (!file.ok)
    throw new AppError('does_not_fit', `There is no test card of this size: ${file.fault.message}`)
  const told = steps.map(({ caption, frames }) => ({ caption, frames: frames.length }))
  return { bytes: file.value.bytes, steps: told }
}
