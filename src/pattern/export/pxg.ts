import { fail, ok } from '../../kernel/result.ts'
import { buildImage, type ImageFault } from '../../protocol/image.ts'
import { encodePxg } from '../../protocol/pxg.ts'
import { compile } from '../compile.ts'
import type { Exporter } from './exporter.ts'
import { refuseOrders } from './losses.ts'

const maxCount = 0xffff
/** Nobody decodes the file block by block in a small memory: all codecs, and blocks as large as a table can state. */
const imageLimits = { codecs: 0b1111, decodeBytes: 0xffffffff, blockBytes: maxCount }
/** It belongs to no board, hence to no sequence of generations either. */
const generation = 0

/** `.pxg` (SPEC §10.14): the image for a board whose LEDs run in rows from the top left and take RGB. Keeps everything. */
export const pxgExporter: Exporter = {
  format: 'pxg',
  extensions: ['.pxg'],
  summary: 'compiled image of pixelgate: compressed, with times, name and number of repeats',
  write: (pattern, options) => {
    const orders = refuseOrders('a .pxg file', options)
    if (!orders.ok) return orders
    const { leds, width, height } = pattern
    if (leds > maxCount) {
      const message = `the pattern has ${leds} LEDs; a .pxg file holds ${maxCount} at most`
      return fail({ kind: 'does_not_fit', message })
    }
    const name = options.name ?? pattern.name
    const compiled = compile(
      { ...pattern, name },
      { leds, width, height, wiring: 'row-straight-tl', colorOrder: 'RGB' },
    )
    if (!compiled.ok) return compiled
    const built = buildImage(compiled.value, imageLimits, generation)
    if (!built.ok) return fail({ kind: 'does_not_fit', message: explain(built.fault) })
    const short = compiled.value.name
    const notes = short === name ? [] : [`the name is cut to 32 bytes: '${short}'`]
    return ok({ bytes: encodePxg(built.value), notes })
  },
}

function explain(fault: ImageFault): string {
  switch (fault.kind) {
    case 'does-not-fit':
      return `frame ${fault.frame} has ${fault.storedBytes} bytes even when compressed; a block of a .pxg file holds ${fault.blockBytes}`
    case 'too-many-blocks':
      return `the pattern needs ${fault.blocks} blocks; a .pxg file holds ${fault.maxBlocks}: use fewer frames`
    default:
      return `the pattern is no image (${fault.kind})`
  }
}
