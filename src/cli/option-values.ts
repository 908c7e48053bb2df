import { AppError } from '../kernel/errors.ts'
import type { OptionValues } from './command.ts'

/** The text of an option, or undefined when it was not given. */
export function text(options: OptionValues, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

export const flag = (options: OptionValues, name: string): boolean => options[name] === true

/** A whole number from `least` to `most`; throws `usage`. */
export function whole(options: OptionValues, name: string, least: number, most: number): number | undefined {
  const value = text(options, name)
  if (value === undefined) return undefined
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= least && number <= most) return number
  throw new AppError('usage', `--${name} takes a whole number from ${least} to ${most}, not "${value}".`)
}

/** `HOST:PORT`, `[v6]:PORT` or `PORT`; throws `usage`. */
export function hostAndPort(value: string, option: string): { host: string; port: number } {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(value)
  const port = Number(match?.[3])
  if (match === null || port < 1 || port > 65_535)
    throw new AppError('usage', `--${option} takes HOST:PORT, not "${value}".`)
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port }
}

/** `WxH`, whole numbers up to 65,535; throws `usage`. */
export function widthAndHeight(
  options: OptionValues,
  name: string,
): { width: number; height: number } | undefined {
  const value = text(options, name)
  if (value === undefined) return undefined
  const [, width, height] = (/^([1-9]\d{0,4})[x×]([1-9]\d{0,4})$/i.exec(value) ?? []).map(Number)
  if (width !== undefined && height !== undefined && Math.max(width, height) <= 65_535)
    return { width, height }
  throw new AppError('usage', `--${name} takes a width and a height such as 16x16, not "${value}".`)
}
