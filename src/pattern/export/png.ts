import { fail, ok } from '../../kernel/result.ts'
import { refusedLayout } from './canvas-format.ts'
import type { Exporter } from './exporter.ts'
import { encodePng } from './png-encode.ts'

/** One frame, the first, as a PNG picture. */
export const pngExporter: Exporter = {
  format: 'png',
  extensions: ['.png'],
  summary: 'PNG picture of the first frame',
  write: (pattern, options) => {
    const refused = refusedLayout('PNG', options)
    if (refused !== undefined) return fail(refused)
    const [first] = pattern.frames
    if (first === undefined)
      return fail({ kind: 'does_not_fit', message: 'a PNG needs a frame; the pattern has none' })
    const more = pattern.frames.length - 1
    const notes = [
      more === 0
        ? 'a PNG is still: the frame time is not kept'
        : `a PNG is still: ${more} of ${more + 1} frames and all times are not kept; write an APNG or GIF to keep them`,
    ]
    return ok({ bytes: encodePng(first.pixels, pattern), notes })
  },
}
