// A process that takes seeds, one a message, and tells how each damaged file went. Started by campaign.ts with --expose-gc.
import { readFileSync, writeFileSync } from 'node:fs'
import { corpus } from './corpus.ts'
import { mutantOf } from './mutant.ts'
import { ordeal } from './ordeal.ts'

/** Beside the frames: the parts of a file, what text becomes on the way, and what the collector has not yet taken. */
const allowanceBytes = 48 * 1024 * 1024

export interface Verdict {
  readonly seed: number
  readonly name: string
  readonly grownBytes: number
  readonly problem?: string
}

const only = process.argv[2] ?? ''
const files = corpus().filter(({ family }) => only === '' || family === only)

/** proc(5): writing 5 forgets the peak. */
const forgetPeak = (): void => writeFileSync('/proc/self/clear_refs', '5')
const peakBytes = (): number =>
  Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024

function judge(seed: number): Verdict {
  const { name, bytes, limits } = mutantOf(files, seed)
  globalThis.gc?.()
  forgetPeak()
  const before = process.memoryUsage.rss()
  const problem = ordeal(bytes, name, limits)
  const grownBytes = Math.max(0, peakBytes() - before)
  const capBytes = limits.maxBytes + allowanceBytes
  if (problem !== undefined) return { seed, name, grownBytes, problem }
  if (grownBytes <= capBytes) return { seed, name, grownBytes }
  return { seed, name, grownBytes, problem: `grew by ${grownBytes} bytes; ${capBytes} is the cap` }
}

process.on('message', seed => process.send?.(judge(Number(seed))))
process.send?.('ready')
