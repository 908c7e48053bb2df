import { AppError } from '../kernel/errors.ts'
import type { OptionValues } from './command.ts'

/** The text of an option, or undefined when it was not given. */
export function text(options: OptionValues, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

/** All texts of an option that may be given several times. */
export const texts = (options: OptionValues, name: string): readonly string[] => {
  const value = options[name]
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : []
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
