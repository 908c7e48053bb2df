import { fail, ok, type Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'
import { defaultLimits } from '../limits.ts'
import type { Frame } from '../pattern.ts'
import type { Exporter } from './exporter.ts'
import { intelHexRecords, intelHexSize } from './intel-hex-records.ts'
import { type StripBytes, stripBytes, stripNotes, threeByteStrip } from './strip-bytes.ts'

const maxDelayMs = 0xffff

/** Intel HEX of an STD file. Heeds `map` and `colorOrder`. */
export const hexExporter: Exporter = {
  format: 'hex',
  extensions: ['.hex', '.ihex'],
  summary: 'Intel HEX of an STD file, for programmers of flash',
  write: (pattern, options) => {
    const strip = threeByteStrip(pattern, options, 'an STD file')
    if (!strip.ok) return strip
    const frames = splitDelays(pattern.frames)
    const { leds } = strip.value
    if (leds > 10_000) return doesNotFit(`an STD file holds 10,000 LEDs; the pattern has ${leds}`)
    if (frames.length > 0xffff) return tooManyFrames('an STD file', 0xffff, frames.length)
    const bytes = timedBytes([leds, frames.length], frames, strip.value)
    return asHex(bytes, stripNotes(pattern, { times: true, rows: false }))
  },
}

/** Intel HEX of a DIM file, which knows width and height. Heeds `colorOrder`. */
export const hexDimExporter: Exporter = {
  format: 'hex-dim',
  extensions: ['.dim.hex'],
  summary: 'Intel HEX of a DIM file, with width and height',
  write: (pattern, options) => {
    if (options.map !== undefined)
      return fail({
        kind: 'bad_request',
        message:
          'a DIM file is drawn as a canvas and has no order of a strip; leave the wiring out, or use hex',
      })
    const strip = threeByteStrip(pattern, options, 'a DIM file')
    if (!strip.ok) return strip
    const { width, height } = pattern
    const frames = splitDelays(pattern.frames)
    if (Math.max(width, height) > 4096)
      return doesNotFit(`a side of a DIM file has 4096 pixels at most; the pattern is ${width}×${height}`)
    if (frames.length > 20_000) return tooManyFrames('a DIM file', 20_000, frames.length)
    const bytes = timedBytes([width, height, frames.length], frames, strip.value)
    return asHex(bytes, stripNotes(pattern, { times: true, rows: true }))
  },
}

/** Intel HEX of the pixels alone. Heeds `map` and `colorOrder`. */
export const hexRawExporter: Exporter = {
  format: 'hex-raw',
  extensions: ['.raw.hex'],
  summary: 'Intel HEX of raw pixels, without header and times',
  write: (pattern, options) => {
    const strip = stripBytes(pattern, options)
    if (!strip.ok) return strip
    const size = strip.value.leds * strip.value.bytesPerLed
    const bytes = new Uint8Array(size * pattern.frames.length)
    for (let index = 0; index < pattern.frames.length; index++)
      bytes.set(strip.value.frame(index), index * size)
    const notes = stripNotes(pattern, { times: false, rows: false })
    return asHex(bytes, [...notes, `The number of LEDs (${strip.value.leds}) is not kept.`])
  },
}

const doesNotFit = (message: string): Result<never, PatternFault> => fail({ kind: 'does_not_fit', message })

const tooManyFrames = (what: string, most: number, frames: number) =>
  doesNotFit(`${what} holds ${most} frames; the pattern needs ${frames}`)

/** A frame with its place in the pattern and the time of this repetition. */
interface Shown {
  readonly index: number
  readonly delayMs: number
}

/** Frames shown longer than 65,535 ms are repeated. */
function splitDelays(frames: readonly Frame[]): readonly Shown[] {
  return frames.flatMap(({ delayMs }, index) => {
    const whole = Math.ceil(delayMs / maxDelayMs) - 1
    if (whole > 0xffff) return Array<Shown>(0x10000).fill({ index, delayMs: maxDelayMs })
    const rest = { index, delayMs: delayMs - whole * maxDelayMs }
    return [...Array<Shown>(whole).fill({ index, delayMs: maxDelayMs }), rest]
  })
}

/** The header, then each frame's delay and pixels. */
function timedBytes(header: readonly number[], frames: readonly Shown[], strip: StripBytes): Uint8Array {
  const stride = 2 + strip.leds * 3
  const bytes = Buffer.alloc(header.length * 2 + frames.length * stride)
  for (const [index, value] of header.entries()) bytes.writeUInt16LE(value, index * 2)
  for (const [place, { index, delayMs }] of frames.entries()) {
    const at = header.length * 2 + place * stride
    bytes.writeUInt16LE(delayMs, at)
    bytes.set(strip.frame(index), at + 2)
  }
  return bytes
}

function asHex(bytes: Uint8Array, notes: readonly string[]) {
  const size = intelHexSize(bytes.length)
  const { maxFileBytes } = defaultLimits
  if (size > maxFileBytes)
    return doesNotFit(
      `the Intel HEX file would have ${size} bytes, and ${maxFileBytes} can be read again; write a .bin`,
    )
  return ok({ bytes: intelHexRecords(bytes), notes })
}
