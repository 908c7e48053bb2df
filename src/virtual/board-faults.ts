import { AppError } from '../kernel/errors.ts'

/** Faults to inject into a virtual board. */
export interface BoardFaults {
  /** The supply fails in the middle of these flash operations, counted from the start of the program, the first being 1. */
  readonly powerCutAt: readonly number[]
  /** After this many received bytes the board neither hears nor answers, until the program or the power starts it again. */
  readonly muteAfterBytes: number
  /** Replies to VERIFY carry a wrong digest. */
  readonly lieHash: boolean
  /** Time that each write and each erased unit takes; meanwhile the board does nothing else. */
  readonly slowFlashMs: number
}

export const noFaults: BoardFaults = {
  powerCutAt: [],
  muteAfterBytes: Number.POSITIVE_INFINITY,
  lieHash: false,
  slowFlashMs: 0,
}

/** Reads `power-cut@N`, `mute@N`, `lie-hash`, `slow-flash=MS`; each may come once, power-cut more often. */
export function parseFaults(texts: readonly string[]): BoardFaults {
  let faults = noFaults
  for (const text of texts) {
    const [, name, value] = /^(lie-hash|power-cut@|mute@|slow-flash=)(.*)$/.exec(text) ?? []
    if (name === 'lie-hash' && value === '') faults = { ...faults, lieHash: true }
    else if (name === 'power-cut@') {
      faults = { ...faults, powerCutAt: [...faults.powerCutAt, wholeNumber(text, value, 1)] }
    } else if (name === 'mute@') faults = { ...faults, muteAfterBytes: wholeNumber(text, value, 0) }
    else if (name === 'slow-flash=') faults = { ...faults, slowFlashMs: wholeNumber(text, value, 0) }
    else {
      const known = 'power-cut@N, mute@N, lie-hash or slow-flash=MS'
      throw new AppError('usage', `--fault ${text} is unknown: give ${known}.`)
    }
  }
  return faults
}

const MAX_NUMBER = 2 ** 31 - 1

function wholeNumber(fault: string, text: string | undefined, least: number): number {
  const value = /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN
  if (value >= least && value <= MAX_NUMBER) return value
  throw new AppError('usage', `--fault ${fault} wants a whole number from ${least} after the sign.`)
}
