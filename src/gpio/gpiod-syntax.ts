import type { Chip } from './chip-choice.ts'
import type { PinRequest } from './pin.ts'

/** The two command lines of libgpiod's tools: 1.x (Debian 12 and before) and 2.x (Debian 13). */
export interface ToolsVersion {
  readonly major: 1 | 2
  readonly minor: number
}

/** From `gpiodetect --version`: "gpiodetect (libgpiod) v1.6.3". undefined: a version that nobody here knows. */
export function parseVersion(told: string): ToolsVersion | undefined {
  const [, major = '', minor = ''] = /\(libgpiod\) v(\d+)\.(\d+)/.exec(told) ?? []
  if (major === '1') return { major: 1, minor: Number(minor) }
  return major === '2' ? { major: 2, minor: Number(minor) } : undefined
}

/** From gpiodetect: a line such as "gpiochip0 [pinctrl-bcm2711] (58 lines)" for each chip. */
export const parseChips = (told: string): Chip[] =>
  [...told.matchAll(/^(\S+) \[(.*)\] \((\d+) lines\)$/gm)].map(([, name = '', label = '', lines]) => ({
    name,
    label,
    lines: Number(lines),
  }))

/** What the kernel shows as the holder of our lines; version 1 cannot be told. */
export const consumer = 'pixelgate'

/** Polarity and bias; 1.4 and before know no bias. */
function lineArgs({ major, minor }: ToolsVersion, { activeLow, bias, drive }: PinRequest): string[] {
  const args = activeLow ? ['--active-low'] : []
  const takesBias = major === 2 || minor >= 5
  if (bias !== 'as-is' && takesBias)
    args.push(`--bias=${bias === 'disabled' && major === 1 ? 'disable' : bias}`)
  if (drive === 'open-drain' && takesBias) args.push('--drive=open-drain')
  return args
}

/** gpioget: the level as 0 or 1. */
export const getArgs = (version: ToolsVersion, chip: string, request: PinRequest): string[] =>
  version.major === 1
    ? [...lineArgs(version, request), chip, `${request.line}`]
    : [
        '--numeric',
        `--consumer=${consumer}`,
        ...lineArgs(version, request),
        `--chip=${chip}`,
        `${request.line}`,
      ]

/** gpiomon: a line for each edge; version 2 also says when it has the line. */
export const monitorArgs = (version: ToolsVersion, chip: string, request: PinRequest): string[] =>
  version.major === 1
    ? ['--line-buffered', '--format=%e', ...lineArgs(version, request), chip, `${request.line}`]
    : [
        '--banner',
        '--edges=both',
        request.timed === true ? '--format=%E %S' : '--format=%E',
        `--consumer=${consumer}`,
        ...lineArgs(version, request),
        `--chip=${chip}`,
        `${request.line}`,
      ]

/** gpioset: holds the level until it is told to end, for a line falls back when its holder exits. */
export const setArgs = (
  version: ToolsVersion,
  chip: string,
  request: PinRequest,
  active: boolean,
): string[] => {
  const setting = `${request.line}=${active ? 1 : 0}`
  return version.major === 1
    ? ['--mode=signal', ...lineArgs(version, request), chip, setting]
    : ['--banner', `--consumer=${consumer}`, ...lineArgs(version, request), `--chip=${chip}`, setting]
}

/** gpioinfo: the lines of a chip and who holds them. */
export const infoArgs = ({ major }: ToolsVersion, chip: string): string[] =>
  major === 1 ? [chip] : [`--chip=${chip}`]

/** Who holds the line, from gpioinfo; undefined: nobody, or it does not say. */
export function parseHolder(told: string, line: number): string | undefined {
  const rest = new RegExp(`^\\s+line\\s+${line}:\\s+(.*)$`, 'm').exec(told)?.[1]
  if (rest === undefined) return undefined
  const [, named] = /consumer="?([^"]+?)"?\s*$/.exec(rest) ?? []
  if (named !== undefined) return named
  // Version 1: name, holder, direction, polarity.
  const [, holder] = /^(?:"[^"]*"|unnamed)\s+("[^"]*"|\S+)\s+(?:input|output)\s/.exec(rest) ?? []
  return holder === undefined || holder === 'unused' ? undefined : holder.replaceAll('"', '')
}

/**
 * When the kernel has seen the edge of a line of gpiomon, in milliseconds of CLOCK_MONOTONIC; undefined: it does not say. Version 1
 * is not asked: with older kernels its times are those of the wall clock.
 */
export function parseEdgeTime({ major }: ToolsVersion, text: string): number | undefined {
  const [, seconds] = /^(?:rising|falling) (\d+\.\d{9})$/.exec(text) ?? []
  return major === 2 && seconds !== undefined ? Number(seconds) * 1000 : undefined
}

/** A line of gpiomon: the level after the edge; `ready`: it has the line; undefined: nothing of meaning. */
export function parseEdge({ major }: ToolsVersion, text: string): boolean | 'ready' | undefined {
  if (major === 2 && text.startsWith('Monitoring line')) return 'ready'
  const [rising, falling] = major === 1 ? ['1', '0'] : ['rising', 'falling']
  const [edge] = major === 2 ? text.split(' ', 1) : [text]
  if (edge === rising) return true
  return edge === falling ? false : undefined
}
