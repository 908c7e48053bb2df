import { fail, type Result } from '../../kernel/result.ts'
import { decodeBlock } from '../../protocol/block/block.ts'
import type { BlockFault } from '../../protocol/block/block-fault.ts'
import type { BlockEntry } from '../../protocol/messages.ts'
import type { ByteSource } from '../byte-source.ts'
import { type ColorOrder, channelsOf, decodeColors } from '../color-order.ts'
import { invalidAt, type PatternFault } from '../fault.ts'
import type { PatternLimits } from '../limits.ts'
import { createPattern, type Frame, type Pattern } from '../pattern.ts'
import type { Range } from '../range.ts'

/** How the pixels of an image lie. */
export interface PxgLayout {
  readonly width: number
  readonly height: number
  /** false: the image is of a strip, and the height is 1. */
  readonly matrix: boolean
  /** Of the image; width × height at least. */
  readonly leds: number
  readonly order: ColorOrder
}

export interface PxgBlock extends BlockEntry {
  /** In the file. */
  readonly offset: number
  /** One a frame, at least 1. */
  readonly delaysMs: readonly number[]
}

/** The pattern of an image that was checked; only the blocks of the frames that are asked for are decoded. */
export function openPxg(
  source: ByteSource,
  blocks: readonly PxgBlock[],
  layout: PxgLayout,
  facts: Pick<Pattern, 'name' | 'loopCount'>,
  limits: PatternLimits,
  range: Range = { first: 0, count: Number.POSITIVE_INFINITY },
): Result<Pattern, PatternFault> {
  const { width, height, leds, order } = layout
  const frames: Frame[] = []
  let first = 0
  for (const [index, block] of blocks.entries()) {
    const from = Math.max(0, range.first - first)
    const to = Math.min(block.frames, range.first + range.count - first)
    first += block.frames
    if (from >= to) continue
    const stored = source.read(block.offset, block.storedBytes)
    const decoded = decodeBlock(block.codec, stored, block.frames, leds, channelsOf(order))
    if (!decoded.ok)
      return fail(
        invalidAt(
          block.offset,
          `block ${index} of the .pxg file ${faults[decoded.fault]}; make the file anew`,
        ),
      )
    const pixels = order === 'RGB' ? decoded.value.pixels : decodeColors(decoded.value.pixels, order)
    for (let frame = from; frame < to; frame++) {
      const start = frame * leds * 3
      frames.push({
        delayMs: block.delaysMs[frame] ?? 1,
        pixels: pixels.subarray(start, start + width * height * 3),
      })
    }
  }
  return createPattern({ ...facts, width, height, frames }, limits)
}

/** SPEC §10.5 – §10.12. */
const faults: Readonly<Record<BlockFault, string>> = {
  'unknown-codec': 'is coded in a way that is not known here',
  'bad-delays': 'does not begin with the times of its frames',
  truncated: 'ends too early',
  overrun: 'holds more than its frames',
  'bad-index': 'names a colour that it does not have',
  'bad-distance': 'repeats something from before its beginning',
  leftover: 'goes on after its last frame',
}
