import { median } from '../row.ts'

const enoughMs = 3000

/** Of one run: CPU time of this process with its helper threads, which does not grow with what else the machine does, and time on the clock. */
export interface Cost {
  readonly cpuMs: number
  readonly wallMs: number
}

export interface PairedRuns {
  /** Medians. */
  readonly first: Cost
  readonly second: Cost
  /** Median of the CPU time of first over that of second, each pair for itself. */
  readonly ratio: number
}

/** Runs two ways to do the same by turns, `rounds` times after three that warm up, and each first in every other round. */
export function pairedRuns(rounds: number, first: () => unknown, second: () => unknown): PairedRuns {
  const firsts: Cost[] = []
  const seconds: Cost[] = []
  for (let round = -3; round < rounds; round++) {
    const swapped = round % 2 !== 0
    const one = costOf(swapped ? second : first)
    const two = costOf(swapped ? first : second)
    if (round < 0) continue
    firsts.push(swapped ? two : one)
    seconds.push(swapped ? one : two)
  }
  return {
    first: medianCost(firsts),
    second: medianCost(seconds),
    ratio: median(firsts.map(({ cpuMs }, at) => cpuMs / (seconds[at]?.cpuMs ?? Number.NaN))),
  }
}

/** Medians of a thing that has no peer, after two runs that warm up; slow things get fewer rounds, one at least. */
export function medianOf(rounds: number, run: () => unknown): Cost {
  for (let round = 0; round < 2; round++) run()
  const costs: Cost[] = []
  const startMs = performance.now()
  do costs.push(costOf(run))
  while (costs.length < rounds && performance.now() - startMs < enoughMs)
  return medianCost(costs)
}

export function costOf(run: () => unknown): Cost {
  const startMs = performance.now()
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() - startMs }
}

export const medianCost = (costs: readonly Cost[]): Cost => ({
  cpuMs: median(costs.map(({ cpuMs }) => cpuMs)),
  wallMs: median(costs.map(({ wallMs }) => wallMs)),
})
