import { fail, ok, type Result } from '../../kernel/result.ts'
import { wholeFile } from '../byte-source.ts'
import { type Candidate, defaultDelayMs, type Importer, type ImportHint } from '../candidate.ts'
import type { PatternFault } from '../fault.ts'
import { overLimit, type PatternLimits } from '../limits.ts'
import { createPattern, type Pattern, patternName } from '../pattern.ts'
import { commonLedCounts } from './common-led-counts.ts'
import { type FrameEvidence, PeriodEvidence } from './period-evidence.ts'

/** Readings shown; more only where more common LED counts than that divide the file, for none of those is ever dropped. */
const usualCandidates = 24
/** LEDs of a raw file without a hint; the limit of the headered formats of the same tools. */
const maxGuessedLeds = 10_000

/**
 * Raw RGB without header or times: LEDs × 3 × frames bytes in the order of the strip. Nothing in the file says how many LEDs;
 * every divisor is a possible reading. They are ranked by what the bytes show (see PeriodEvidence), but the choice is the user's.
 */
export const readBinHeaderless: Importer = (source, limits, hint) => {
  const { sizeBytes } = source
  if (sizeBytes % 3 !== 0 || sizeBytes === 0) {
    const message = `${sizeBytes} bytes are no whole number of RGB pixels (3 bytes each), and no header of a known format fits`
    return fail({ kind: 'invalid', offset: sizeBytes - (sizeBytes % 3), message })
  }
  if (sizeBytes > limits.maxBytes)
    return fail({
      kind: 'too_large',
      message: `the file has ${sizeBytes} bytes of pixels; ${limits.maxBytes} is the limit`,
    })
  const file = wholeFile(source, limits)
  if (!file.ok) return file
  const bytes = file.value
  const pixels = bytes.length / 3
  const told = toldLeds(hint)
  if (told !== undefined) return readAs(bytes, told, limits, hint)
  const evidence = new PeriodEvidence(bytes)
  const readings = divisors(pixels)
    .filter(
      leds =>
        leds <= maxGuessedLeds &&
        overLimit({ width: leds, height: 1, frames: pixels / leds }, limits) === undefined,
    )
    .filter(leds => leds >= 4 || pixels <= 64)
    .map(leds => ({ leds, evidence: evidence.of(leds) }))
    .sort((a, b) => b.evidence.score - a.evidence.score || a.leds - b.leds)
  if (readings.length === 0) {
    const message = `${pixels} pixels divide into no plausible number of LEDs; say how many LEDs a frame has`
    return fail({ kind: 'invalid', offset: sizeBytes, message })
  }
  const kept = keep(readings)
  const best = kept[0]?.evidence.score ?? 0
  const weights = kept.map(reading => Math.exp((reading.evidence.score - best) * 2))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return ok(
    kept.map((reading, index) =>
      candidate(
        bytes,
        reading.leds,
        limits,
        hint,
        (0.6 * (weights[index] ?? 0)) / total,
        reading.evidence.reason,
      ),
    ),
  )
}

interface Reading {
  readonly leds: number
  readonly evidence: FrameEvidence
}

/** The common counts and the best of the rest; the order stays that of the evidence. */
function keep(readings: readonly Reading[]): readonly Reading[] {
  const isCommon = (reading: Reading) => commonLedCounts.has(reading.leds)
  const places = Math.max(4, usualCandidates - readings.filter(isCommon).length)
  const rest = readings.filter(reading => !isCommon(reading)).slice(0, places)
  return readings.filter(reading => isCommon(reading) || rest.includes(reading))
}

function toldLeds(hint: ImportHint): number | undefined {
  if (hint.leds !== undefined) return hint.leds
  return hint.width !== undefined && hint.height !== undefined ? hint.width * hint.height : undefined
}

function readAs(
  bytes: Uint8Array,
  leds: number,
  limits: PatternLimits,
  hint: ImportHint,
): Result<readonly Candidate[], PatternFault> {
  const { width, height } = hint
  if (
    !Number.isInteger(leds) ||
    leds < 1 ||
    (width !== undefined && height !== undefined && width * height !== leds)
  ) {
    const message = `${leds} LEDs${width === undefined ? '' : ` as ${width}×${height}`} make no frame; give LEDs, or a width and a height whose product they are`
    return fail({ kind: 'bad_request', message })
  }
  const left = bytes.length % (leds * 3)
  if (left !== 0) {
    const message = `${bytes.length} bytes are no whole number of frames of ${leds} LEDs (${leds * 3} bytes each): ${left} are left over`
    return fail({ kind: 'invalid', offset: bytes.length - left, message })
  }
  const over = overLimit({ width: leds, height: 1, frames: bytes.length / 3 / leds }, limits)
  if (over !== undefined) return fail({ kind: 'too_large', message: `the file is too large: ${over}` })
  return ok([candidate(bytes, leds, limits, hint, 0.6, 'the number of LEDs was given')])
}

function candidate(
  bytes: Uint8Array,
  leds: number,
  limits: PatternLimits,
  hint: ImportHint,
  confidence: number,
  why: string,
): Candidate {
  const frames = bytes.length / 3 / leds
  const delayMs = defaultDelayMs(hint)
  const { width = null, height = null } = hint
  const size = width !== null && height !== null && width * height === leds ? { width, height } : null
  return {
    format: 'raw',
    width: size?.width ?? null,
    height: size?.height ?? null,
    leds,
    channels: 3,
    frames,
    durationMs: null,
    confidence: Math.round(confidence * 1000) / 1000,
    reason: `raw RGB without a header: ${why}; no times, so each frame is shown for ${delayMs} ms`,
    selfDescribing: false,
    open: () => createPattern(rawPattern(bytes, leds, size, delayMs, hint), limits),
  }
}

function rawPattern(
  bytes: Uint8Array,
  leds: number,
  size: { readonly width: number; readonly height: number } | null,
  delayMs: number,
  hint: ImportHint,
): Omit<Pattern, 'leds' | 'channels'> {
  const frames = Array.from({ length: bytes.length / 3 / leds }, (_, index) => ({
    delayMs,
    pixels: bytes.subarray(index * leds * 3, (index + 1) * leds * 3),
  }))
  return {
    name: patternName(hint.fileName),
    width: size?.width ?? leds,
    height: size?.height ?? 1,
    frames,
    loopCount: 0,
  }
}

/** Ascending. */
function divisors(value: number): readonly number[] {
  const low: number[] = []
  const high: number[] = []
  for (let divisor = 1; divisor * divisor <= value; divisor++) {
    if (value % divisor !== 0) continue
    low.push(divisor)
    if (divisor * divisor !== value) high.push(value / divisor)
  }
  return [...low, ...high.reverse()]
}
