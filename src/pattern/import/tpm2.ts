import { fail, ok, type Result } from '../../kernel/result.ts'
import { type ByteSource, wholeFile } from '../byte-source.ts'
import type { Importer, ImportHint } from '../candidate.ts'
import { invalidAt, type PatternFault } from '../fault.ts'
import type { PatternLimits } from '../limits.ts'
import { recordingCandidates } from './recording-candidates.ts'
import { beginsBlock, tpm2Block } from './tpm2-blocks.ts'

/** 30 frames a second, as the players of these files show them. */
const usualDelayMs = 33

/** TPM2 files (blocks back to back) and captures of TPM2.net, where several packets may make a frame. Neither holds times. */
export const readTpm2: Importer = (source, limits, hint) => {
  if (!beginsBlock(source.read(0, 2), 0)) return ok([])
  const sure = isRecording(source, hint)
  const file = wholeFile(source, limits)
  if (!file.ok) return sure ? file : ok([])
  const bytes = file.value
  const scanned = scan(bytes, limits)
  if (!scanned.ok) return sure ? scanned : ok([])
  const { starts, frameBytes, packets } = scanned.value
  const leds = frameBytes / 3
  return recordingCandidates(
    {
      format: 'tpm2',
      leds,
      frames: starts.length,
      delayMs: hint.defaultDelayMs ?? usualDelayMs,
      confidence: 0.99,
      reason:
        packets > 1
          ? `TPM2.net packets, ${packets} to a frame of ${leds} LEDs`
          : `TPM2 blocks of ${leds} LEDs each`,
      pixels: index => frameAt(bytes, starts[index] ?? 0, frameBytes),
    },
    limits,
    hint,
  )
}

/**
 * Two bytes alone may be a pixel of a raw file: the name, the end of the first block, a block after it, or a size that is no whole
 * number of pixels makes it a recording.
 */
function isRecording(source: ByteSource, hint: ImportHint): boolean {
  if (/\.tp(m)?2$/i.test(hint.fileName ?? '') || source.sizeBytes % 3 !== 0) return true
  const beginning = source.read(0, 0x10000 + 16)
  const first = tpm2Block(beginning, 0)
  if (first.ok) return true
  const net = beginning[0] === 0x9c
  const next = (net ? 7 : 5) + (((beginning[2] ?? 0) << 8) | (beginning[3] ?? 0))
  return beginsBlock(beginning, next)
}

interface Scan {
  /** First block of each frame. */
  readonly starts: readonly number[]
  readonly frameBytes: number
  /** Most packets of a frame. */
  readonly packets: number
}

function scan(bytes: Uint8Array, limits: PatternLimits): Result<Scan, PatternFault> {
  const starts: number[] = []
  let frameBytes = 0
  let most = 1
  let open = { start: 0, bytes: 0, packet: 0, packets: 0 }
  for (let at = 0; at < bytes.length; ) {
    const read = tpm2Block(bytes, at)
    if (!read.ok) return read
    const { kind, dataBytes, packet, packets, end } = read.value
    if (kind === 'data') {
      if (packet !== open.packet + 1 || (packet > 1 && packets !== open.packets) || packet > packets) {
        const wanted =
          open.packets === 0 ? 'packet 1 of a frame' : `packet ${open.packet + 1} of ${open.packets}`
        return fail(
          invalidAt(at, `packet ${packet} of ${packets}, expected ${wanted}; capture it again without loss`),
        )
      }
      if (packet === 1) open = { start: at, bytes: 0, packet, packets }
      open = { ...open, bytes: open.bytes + dataBytes, packet }
      if (packet === packets) {
        if (open.bytes === 0 || open.bytes % 3 !== 0)
          return fail(
            invalidAt(open.start, `a frame of ${open.bytes} bytes, which is no whole number of RGB pixels`),
          )
        if (starts.length > 0 && open.bytes !== frameBytes)
          return fail(
            invalidAt(
              open.start,
              `a frame of ${open.bytes / 3} LEDs after frames of ${frameBytes / 3}; all must have the same`,
            ),
          )
        if (starts.length >= limits.maxFrames)
          return fail({
            kind: 'too_large',
            message: `the tpm2 recording has more than ${limits.maxFrames} frames, which is the limit`,
          })
        frameBytes = open.bytes
        most = Math.max(most, packets)
        starts.push(open.start)
        open = { start: 0, bytes: 0, packet: 0, packets: 0 }
      }
    }
    at = end
  }
  if (open.packets > 0) {
    const message = `the last frame has ${open.packet} of ${open.packets} packets: the file was cut short`
    return fail(invalidAt(bytes.length, message))
  }
  if (starts.length === 0)
    return fail(invalidAt(bytes.length, 'the TPM2 file holds commands, but no frame with pixels'))
  return ok({ starts, frameBytes, packets: most })
}

/** The pixels of the frame whose first block is at `start`; a view where one block holds them all. */
function frameAt(bytes: Uint8Array, start: number, frameBytes: number): Uint8Array {
  let out: Uint8Array | undefined
  for (let at = start, filled = 0; filled < frameBytes; ) {
    const block = tpm2Block(bytes, at)
    if (!block.ok) throw new Error(`a block that was read before: ${block.fault.message}`)
    const { kind, dataAt, dataBytes, end } = block.value
    at = end
    if (kind !== 'data') continue
    const data = bytes.subarray(dataAt, dataAt + dataBytes)
    if (dataBytes === frameBytes) return data
    out ??= new Uint8Array(frameBytes)
    out.set(data, filled)
    filled += dataBytes
  }
  return out ?? new Uint8Array(frameBytes)
}
