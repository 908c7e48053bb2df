import { fail, ok } from '../../kernel/result.ts'
import { wholeFile } from '../byte-source.ts'
import { defaultDelayMs, type Importer } from '../candidate.ts'
import { invalidAt, type PatternFault } from '../fault.ts'
import { recordingCandidates } from './recording-candidates.ts'

/** Begins each frame and stands nowhere else: a value 1 is recorded as 2. */
const mark = 1
/** Marks looked at for the length of a frame. */
const marksSeen = 32

/**
 * Jinx! `.out` and the serial stream of Glediator: per frame a byte 1, then RGB of each LED with 1 sent as 2. The distance of the
 * marks gives the number of LEDs with certainty.
 */
export const readJinx: Importer = (source, limits, hint) => {
  if (source.read(0, 1)[0] !== mark) return ok([])
  const window = asBuffer(source.read(0, limits.maxLeds * 3 + 2))
  const { stride, sure } = frameLength(window, source.sizeBytes)
  const named = /\.out$/i.test(hint.fileName ?? '')
  if (stride < 4 || (stride - 1) % 3 !== 0) {
    const message = `the bytes 1 that begin frames are ${stride} bytes apart, which leaves no whole number of RGB pixels`
    return named && stride > 0 ? fail(invalidAt(Math.min(stride, source.sizeBytes), message)) : ok([])
  }
  const file = wholeFile(source, limits)
  if (!file.ok) return sure || named ? file : ok([])
  const bytes = asBuffer(file.value)
  const damage = damageOf(bytes, stride)
  if (damage !== undefined) return sure || named ? fail(damage) : ok([])
  const leds = (stride - 1) / 3
  const frames = bytes.length / stride
  return recordingCandidates(
    {
      format: 'jinx',
      leds,
      frames,
      delayMs: defaultDelayMs(hint),
      // A single frame is one mark and any bytes but 1 after it.
      confidence: frames === 1 ? 0.7 : frames === 2 ? 0.95 : 0.99,
      reason: `Jinx! or Glediator recording: a byte 1 every ${stride} bytes and nowhere else begins a frame of ${leds} LEDs`,
      pixels: index => bytes.subarray(index * stride + 1, (index + 1) * stride),
    },
    limits,
    hint,
  )
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The usual distance of marks at the beginning of the file; `sure`: most of them, and at least three, have it. */
function frameLength(window: Buffer, sizeBytes: number): { readonly stride: number; readonly sure: boolean } {
  const counts = new Map<number, number>()
  let at = 0
  for (let seen = 0; seen < marksSeen; seen++) {
    const next = window.indexOf(mark, at + 1)
    if (next === -1) break
    counts.set(next - at, (counts.get(next - at) ?? 0) + 1)
    at = next
  }
  if (counts.size === 0) return { stride: window.length === sizeBytes ? sizeBytes : 0, sure: false }
  const [[stride, count] = [0, 0]] = [...counts].sort((a, b) => b[1] - a[1])
  const all = [...counts.values()].reduce((sum, value) => sum + value, 0)
  return { stride, sure: count >= 3 && count >= all * 0.6 }
}

/** The first place where the marks are not where frames of `stride` bytes have them. */
function damageOf(bytes: Buffer, stride: number): PatternFault | undefined {
  for (let at = 0, frame = 0; at < bytes.length; at += stride, frame++) {
    const end = at + stride
    const next = bytes.indexOf(mark, at + 1)
    if (next !== -1 && next < end)
      return invalidAt(next, `a byte 1 within frame ${frame}, where 1 is written as 2; record it again`)
    if (end > bytes.length) {
      const message = `frame ${frame} has ${bytes.length - at} of ${stride} bytes: the file was cut short`
      return invalidAt(bytes.length, message)
    }
    if (end < bytes.length && next !== end)
      return invalidAt(end, `frame ${frame + 1} begins with ${bytes[end]}, expected 1; record it again`)
  }
  return undefined
}
