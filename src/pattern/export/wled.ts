import { fail, ok } from '../../kernel/result.ts'
import { defaultLimits } from '../limits.ts'
import { rowsLost } from './bin-timed.ts'
import type { Exporter } from './exporter.ts'
import { stripFrames } from './strip-frames.ts'

/** Colours of one call; a longer frame takes several (WLED, JSON API, "Per-segment individual LED control"). */
const callLeds = 256

/**
 * An array of states of WLED's JSON API, one a line, so that each line but its comma can be sent to `/json/state`. `dur` is the time of
 * the frame in ms, which WLED itself does not read. A matrix is told by the borders of the segment. Heeds `map`.
 */
export const wledExporter: Exporter = {
  format: 'wled',
  extensions: ['.json'],
  summary: "states of WLED's JSON API, a frame each",
  write: (pattern, options) => {
    const read = stripFrames(pattern, options)
    if (!read.ok) return read
    const { leds, order, frame, notes } = read.value
    if (order !== 'RGB') {
      const message = `colours in WLED JSON are always RGB; leave ${order} out and set it in WLED`
      return fail({ kind: 'bad_request', message })
    }
    const size = pattern.frames.length * (leds * 9 + 100 + Math.ceil(leds / callLeds) * 32)
    if (size > defaultLimits.maxFileBytes) {
      const message = `the WLED file would have about ${size} bytes, and ${defaultLimits.maxFileBytes} can be read again; write tpm2`
      return fail({ kind: 'does_not_fit', message })
    }
    const matrix = options.map === undefined && pattern.height > 1
    const { width, height } = pattern
    const bounds = matrix
      ? `"id":0,"start":0,"stop":${width},"startY":0,"stopY":${height},`
      : `"id":0,"start":0,"stop":${leds},`
    const parts: Buffer[] = [Buffer.from('[\n')]
    for (const [index, { delayMs }] of pattern.frames.entries()) {
      const hex = Buffer.from(frame(index)).toString('hex').toUpperCase()
      for (let from = 0; from < leds; from += callLeds) {
        const head = from === 0 ? `"dur":${delayMs},` : ''
        const places = from === 0 ? '' : `${from},`
        const segment = index === 0 && from === 0 ? bounds : ''
        const colors = hex.slice(from * 6, (from + callLeds) * 6).match(/.{6}/g) ?? []
        const last = index === pattern.frames.length - 1 && from + callLeds >= leds
        parts.push(
          Buffer.from(
            `{${head}"seg":{${segment}"i":[${places}"${colors.join('","')}"]}}${last ? '' : ','}\n`,
          ),
        )
      }
    }
    parts.push(Buffer.from(']\n'))
    return ok({
      bytes: new Uint8Array(Buffer.concat(parts)),
      notes: [...(matrix ? [] : rowsLost(pattern)), ...notes],
    })
  },
}
