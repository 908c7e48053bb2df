import { chooseCandidate } from '../../../src/pattern/choose.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import type { PatternFault } from '../../../src/pattern/fault.ts'
import { commonLedCounts } from '../../../src/pattern/import/common-led-counts.ts'
import { defaultLimits, type PatternLimits } from '../../../src/pattern/limits.ts'
import { CpuTime } from '../../support/cpu-time.ts'

/** Longest that a file may take, in CPU time of this process: enough for a slow machine, far below what is quadratic. */
const longestMs = (sizeBytes: number): number => 2000 + sizeBytes / 10_000

/** Reads whatever it is given, and opens the two likeliest readings; returns what is wrong with how it went. */
export function ordeal(
  bytes: Uint8Array,
  fileName: string,
  limits: PatternLimits = defaultLimits,
): string | undefined {
  const cpu = new CpuTime()
  let problem: string | undefined
  try {
    problem = readAll(bytes, fileName, limits)
  } catch (thrown) {
    return `thrown: ${thrown instanceof Error ? thrown.stack?.split('\n').slice(0, 3).join(' ') : thrown}`
  }
  if (problem !== undefined) return problem
  return cpu.exceeds(longestMs(bytes.length)) ? `${Math.round(cpu.ms)} ms` : undefined
}

function readAll(bytes: Uint8Array, fileName: string, limits: PatternLimits): string | undefined {
  const detected = detectPattern(bytes, { fileName }, limits)
  if (!detected.ok) return wrongFault(detected.fault, bytes.length)
  const count = detected.value.length
  if (count === 0 || count > commonLedCounts.size + 4) return `${count} candidates`
  for (const candidate of detected.value.slice(0, 2)) {
    const opened = candidate.open()
    if (!opened.ok) {
      const problem = wrongFault(opened.fault, bytes.length)
      if (problem !== undefined) return problem
      continue
    }
    const { frames, leds } = opened.value
    if (frames.length * leds * 3 > limits.maxBytes) return 'more than the limit'
    if (frames.length !== candidate.frames || leds !== candidate.leds)
      return `${frames.length} frames of ${leds} LEDs, but the candidate said ${candidate.frames} of ${candidate.leds}`
  }
  chooseCandidate(detected.value)
  return undefined
}

/** A fault says in a few words what is wrong and, where the file is damaged, at which byte or line. */
function wrongFault(fault: PatternFault, sizeBytes: number): string | undefined {
  const { kind, message } = fault
  if (message.length < 10 || message.length > 400) return `message of ${message.length}: ${message}`
  if (kind !== 'invalid') return undefined
  const { offset, line } = fault
  if (offset === undefined && line === undefined) return `without a place: ${message}`
  if (offset !== undefined && !(Number.isInteger(offset) && offset >= 0 && offset <= sizeBytes))
    return `at byte ${offset} of ${sizeBytes}: ${message}`
  if (line !== undefined && !(Number.isInteger(line) && line >= 1 && line <= sizeBytes + 1))
    return `in line ${line}: ${message}`
  return undefined
}
