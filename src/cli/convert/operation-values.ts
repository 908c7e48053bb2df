import { AppError } from '../../kernel/errors.ts'
import { parseSize, type Size } from '../../pattern/size.ts'

const refused = (option: string, wanted: string, text: string): never => {
  throw new AppError('usage', `--${option} takes ${wanted}, not "${text}".`)
}

const plainNumber = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i

/** A number; whether it is within its bounds says who takes it. Throws `usage`. */
export const decimal = (text: string, option: string): number =>
  plainNumber.test(text) ? Number(text) : refused(option, 'a number', text)

/** As many numbers between commas as one of `counts` says; throws `usage`. */
export function numbers(
  text: string,
  option: string,
  counts: readonly number[],
  form: string,
): readonly number[] {
  const parts = text.split(',')
  if (!counts.includes(parts.length) || !parts.every(part => plainNumber.test(part)))
    refused(option, form, text)
  return parts.map(Number)
}

/** Whole numbers from 0, as `numbers`. */
export function wholes(
  text: string,
  option: string,
  counts: readonly number[],
  form: string,
): readonly number[] {
  const values = numbers(text, option, counts, form)
  return values.every(value => Number.isInteger(value) && value >= 0)
    ? values
    : refused(option, `whole numbers ${form}`, text)
}

/** `WxH`; throws `usage`. */
export function sizeOf(text: string, option: string): Size {
  const size = parseSize(text)
  return size.ok ? size.value : refused(option, 'WIDTHxHEIGHT', text)
}

/** One of some words or numbers; throws `usage`. */
export function oneOf<Value extends string | number>(
  value: string | number,
  option: string,
  known: readonly Value[],
): Value {
  const found = known.find(one => one === value)
  return found === undefined ? refused(option, known.join(', '), String(value)) : found
}
