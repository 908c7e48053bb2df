import { fail, ok, type Result } from '../../kernel/result.ts'
import type { ByteSource } from '../byte-source.ts'
import type { Candidate, Importer, ImportHint, OpenOptions } from '../candidate.ts'
import type { PatternFault } from '../fault.ts'
import { overLimit, type PatternLimits } from '../limits.ts'
import { createPattern, type Pattern, patternName } from '../pattern.ts'
import { describeRange, type Range } from '../range.ts'
import { readFrames } from './fseq/fseq-frames.ts'
import { readHeader, type Sequence } from './fseq/fseq-header.ts'

/** Channels that make one LED. */
type Grouping = 1 | 3 | 4

interface Reading {
  readonly perLed: Grouping
  readonly confidence: number
  readonly why: string
}

const names: Readonly<Record<Grouping, string>> = { 1: 'lights of one colour', 3: 'RGB', 4: 'RGBW' }
/** Controllers for lights of one colour have 16 to 48 channels. */
const fewChannels = 64
/** Used by Falcon Player where a file says nothing. */
const usualStepMs = 50
/** Expanding more than this takes half a minute on a Raspberry Pi, whatever little of it is wanted. */
const maxExpandedBytes = 4 * 1024 * 1024 * 1024

/** FSEQ versions 1 and 2 (xLights, Falcon Player) and ESEQ, layout in docs/formats.md. The bytes stay in the source until a part is opened. */
export const readFseq: Importer = (source, limits, hint) => {
  const header = readHeader(source)
  if (header === undefined) return ok([])
  if (!header.ok) return header
  const sequence = header.value
  const part = runsOf(sequence, hint.channels)
  if (!part.ok) return part
  const channels = countOf(part.value)
  const candidates = readingsOf(channels, channels < sequence.channels)
    .filter(({ perLed }) => channels >= perLed)
    .map(reading => candidate(source, sequence, reading, channels, limits, hint))
  return ok(candidates)
}

function candidate(
  source: ByteSource,
  sequence: Sequence,
  { perLed, confidence, why }: Reading,
  channels: number,
  limits: PatternLimits,
  hint: ImportHint,
): Candidate {
  const leds = Math.floor(channels / perLed)
  const size = hintedSize(hint, leds)
  const { kind, compression, frames, notes } = sequence
  const packed = compression === 'none' ? '' : ` with ${compression}`
  return {
    format: 'fseq',
    width: size?.width ?? null,
    height: size?.height ?? null,
    leds,
    channels: sequence.channels,
    frames,
    durationMs: frames * stepOf(sequence, hint),
    confidence,
    reason: [`${kind}${packed}, ${count(channels)} channels as ${names[perLed]}: ${why}`, ...notes].join(
      '; ',
    ),
    selfDescribing: true,
    byChannel: true,
    open: options => open(source, sequence, perLed, limits, hint, options),
  }
}

/**
 * Which readings are likely, by the number of channels alone. xLights rounds it up to a multiple of four, so a whole show may have some
 * left over; a part that somebody has `chosen` should have none, and is asked about when it has.
 */
function readingsOf(channels: number, chosen: boolean): readonly Reading[] {
  const fours = channels % 4 === 0
  const rgb = (confidence: number, why = leftOver(channels, 3)) => ({ perLed: 3, confidence, why }) as const
  const rgbw = (confidence: number) => ({ perLed: 4, confidence, why: leftOver(channels, 4) }) as const
  const single = (confidence: number, why = 'any number') => ({ perLed: 1, confidence, why }) as const
  if (channels % 3 === 0) return [rgb(0.95), rgbw(fours ? 0.4 : 0.2), single(0.3)]
  if (channels <= fewChannels)
    return [single(0.75, 'few, and no multiple of three'), rgbw(fours ? 0.45 : 0.2), rgb(0.3)]
  if (chosen) return [single(0.5), rgbw(fours ? 0.6 : 0.2), rgb(0.4)]
  return [rgb(0.8, `as most shows are, ${leftOver(channels, 3)}`), rgbw(fours ? 0.4 : 0.2), single(0.3)]
}

const leftOver = (channels: number, perLed: number): string =>
  channels % perLed === 0 ? `a multiple of ${perLed}` : `${channels % perLed} left over`

function open(
  source: ByteSource,
  sequence: Sequence,
  perLed: Grouping,
  limits: PatternLimits,
  hint: ImportHint,
  options: OpenOptions = {},
): Result<Pattern, PatternFault> {
  const runs = runsOf(sequence, options.channels ?? hint.channels)
  if (!runs.ok) return runs
  const channels = countOf(runs.value)
  const leds = Math.floor(channels / perLed)
  const frames = options.frames ?? { first: 0, count: sequence.frames }
  // With a hint the reading was chosen for these very channels, and says what is left over.
  if (hint.channels === undefined && options.channels !== undefined && channels % perLed !== 0) {
    const message = `${channels} channels make no whole number of ${names[perLed]} LEDs, which have ${perLed} each; choose a multiple of ${perLed}, or another reading with --candidate`
    return fail({ kind: 'bad_request', message })
  }
  const over = tooLarge(sequence, leds, frames, limits)
  if (over !== undefined) return fail({ kind: 'too_large', message: over })
  const pixels = new Uint8Array(leds * 3 * frames.count)
  let filled = 0
  const read = readFrames(source, sequence, cut(runs.value, leds * perLed), frames, values => {
    toRgb(values, perLed, pixels, filled)
    filled += leds * 3
  })
  if (!read.ok) return read
  const { width, height } = hintedSize(hint, leds) ?? { width: leds, height: 1 }
  const delayMs = stepOf(sequence, hint)
  const list = Array.from({ length: frames.count }, (_, index) => ({
    delayMs,
    pixels: pixels.subarray(index * leds * 3, (index + 1) * leds * 3),
  }))
  return createPattern(
    { name: patternName(hint.fileName), width, height, frames: list, loopCount: 0 },
    limits,
  )
}

/** Why this much is refused before memory is taken or anything is expanded. */
function tooLarge(
  { frames, strideBytes, blocks, channels }: Sequence,
  leds: number,
  wanted: Range,
  limits: PatternLimits,
): string | undefined {
  const over = overLimit({ width: leds, height: 1, frames: wanted.count }, limits)
  if (over !== undefined)
    return `the sequence (${count(channels)} channels × ${count(frames)} frames) is too large in one piece: ${over}; choose a part, e.g. --channels 1-300 for the first 300 channels (counted from 1, as in xLights), or --frames 1-1000`
  const expanded = blocks
    .filter(({ firstFrame, endFrame }) => firstFrame < wanted.first + wanted.count && endFrame > wanted.first)
    .reduce(
      (sum, block) =>
        sum + (Math.min(block.endFrame, wanted.first + wanted.count) - block.firstFrame) * strideBytes,
      0,
    )
  if (expanded <= maxExpandedBytes) return undefined
  return `${count(expanded)} bytes would have to be expanded for these frames; ${count(maxExpandedBytes)} is the limit, so choose fewer with --frames, e.g. --frames 1-1000`
}

/** Where the wanted channels of the show lie within a frame of the file. */
function runsOf(
  { sparse, channels }: Sequence,
  wanted: Range | undefined,
): Result<readonly Range[], PatternFault> {
  if (wanted === undefined) return ok([{ first: 0, count: channels }])
  const held = sparse.length === 0 ? [{ first: 0, count: channels }] : sparse
  let inFile = 0
  const places = held.map(range => {
    inFile += range.count
    return { ...range, inFile: inFile - range.count }
  })
  const runs: Range[] = []
  const end = wanted.first + wanted.count
  for (let at = wanted.first; at < end; ) {
    const place = places.find(({ first, count: length }) => at >= first && at < first + length)
    if (place === undefined) {
      const list = held.slice(0, 4).map(describeRange).join(', ')
      const more = held.length > 4 ? ` and ${held.length - 4} more ranges` : ''
      const message = `channel ${at + 1} of --channels ${wanted.first + 1}-${end} is not in the file, which holds the channels ${list}${more}; choose some of these`
      return fail({ kind: 'bad_request', message })
    }
    const length = Math.min(end, place.first + place.count) - at
    runs.push({ first: place.inFile + at - place.first, count: length })
    at += length
  }
  return ok(runs)
}

/** The first `length` bytes of the runs. */
function cut(runs: readonly Range[], length: number): readonly Range[] {
  let left = length
  return runs.flatMap(({ first, count: own }) => {
    const taken = Math.min(own, left)
    left -= taken
    return taken === 0 ? [] : [{ first, count: taken }]
  })
}

/** White is light that is added to all three colours; a single light is shown as white. */
function toRgb(values: Uint8Array, perLed: Grouping, out: Uint8Array, at: number): void {
  if (perLed === 3) {
    out.set(values, at)
    return
  }
  for (let from = 0, to = at; from < values.length; from += perLed, to += 3) {
    const white = values[from + perLed - 1] ?? 0
    for (let color = 0; color < 3; color++)
      out[to + color] = perLed === 1 ? white : Math.min(255, (values[from + color] ?? 0) + white)
  }
}

function hintedSize({ width, height }: ImportHint, leds: number) {
  return width !== undefined && height !== undefined && width * height === leds
    ? { width, height }
    : undefined
}

const stepOf = ({ stepMs }: Sequence, { defaultDelayMs }: ImportHint): number =>
  stepMs || (defaultDelayMs ?? usualStepMs)
const countOf = (runs: readonly Range[]): number => runs.reduce((sum, run) => sum + run.count, 0)
const count = (value: number): string => value.toLocaleString('en-US')
