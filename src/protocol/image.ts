import { createHash } from 'node:crypto'
import { fail, ok, type Result } from '../kernel/result.ts'
import { codecs, encodeBlock, hasCodec } from './block/block.ts'
import { crc32 } from './crc32.ts'
import { divide, frameHashes, type Span, type StoredFrame } from './grouping.ts'
import { encodeManifest, type Manifest, manifestKinds, maxBlocks, transferId } from './manifest.ts'
import type { BlockEntry } from './messages.ts'

/** What a board allows of an image; the fields of CAPS with the same names (SPEC §3.2). */
export interface ImageLimits {
  /** Bit per codec number; raw is always allowed. */
  readonly codecs: number
  readonly decodeBytes: number
  readonly blockBytes: number
}

/** A pattern as a board plays it: every frame has `leds · channels` bytes in strip order. */
export interface ImagePattern {
  readonly leds: number
  /** 0: not a matrix. */
  readonly width: number
  readonly height: number
  /** 3 or 4. */
  readonly channels: number
  /** SPEC §10.2, for information. */
  readonly colorOrder: number
  /** 0: for ever. */
  readonly loopCount: number
  readonly name: string
  readonly peakMa?: number
  readonly frames: readonly StoredFrame[]
}

/** Why no image can be made. `does-not-fit`: one frame alone is larger than a block of the board. */
export type ImageFault =
  | { readonly kind: 'empty' }
  | { readonly kind: 'bad-geometry'; readonly leds: number; readonly channels: number }
  | {
      readonly kind: 'bad-pixels'
      readonly frame: number
      readonly expectedBytes: number
      readonly gotBytes: number
    }
  | { readonly kind: 'bad-delay'; readonly frame: number; readonly delayMs: number }
  | {
      readonly kind: 'does-not-fit'
      readonly frame: number
      readonly storedBytes: number
      readonly blockBytes: number
    }
  | { readonly kind: 'too-many-blocks'; readonly blocks: number; readonly maxBlocks: number }

export interface BuiltImage {
  /** Encoded (SPEC §10.2). */
  readonly manifest: Uint8Array
  readonly image: Uint8Array
  /** 16 bytes (SPEC §4.1). */
  readonly id: Uint8Array
  /** Of the image. */
  readonly sha256: Uint8Array
  readonly blocks: readonly BlockEntry[]
  readonly decodedBytes: number
}

/** Most frames and decoded bytes that are put into one block: what one lost block, or one changed frame, costs. */
const maxGroupFrames = 255
const maxGroupBytes = 16_384
/** Widest length that a block table can state. */
const maxStoredBytes = 65_535
const opaqueBlockUnit = 4096

/** Compiles a pattern for a board. The same input gives the same bytes. */
export function buildImage(
  pattern: ImagePattern,
  limits: ImageLimits,
  generation: number,
): Result<BuiltImage, ImageFault> {
  const fault = patternFault(pattern)
  if (fault !== undefined) return fail(fault)
  const { frames, leds, channels } = pattern
  const capacity = groupFrames(leds, channels, limits)
  const blockBytes = Math.min(limits.blockBytes, maxStoredBytes)
  const stored: Uint8Array[] = []
  const blocks: BlockEntry[] = []
  let tooLarge: ImageFault | undefined
  let decodeBytes = 0

  const settle = ({ from, to }: Span): boolean => {
    if (to - from > capacity || tooLarge !== undefined) return tooLarge !== undefined
    const group = frames.slice(from, to)
    const pixels = Buffer.concat(group.map(frame => frame.pixels))
    const block = encodeBlock(
      pixels,
      group.map(frame => frame.delayMs),
      { leds, channels, codecs: limits.codecs, decodeBytes: limits.decodeBytes },
    )
    if (block.stored.length > blockBytes) {
      if (group.length === 1)
        tooLarge = { kind: 'does-not-fit', frame: from, storedBytes: block.stored.length, blockBytes }
      return false
    }
    stored.push(block.stored)
    blocks.push(entryOf(block.stored, block.codec, group.length))
    decodeBytes = Math.max(decodeBytes, windowBytes(block.codec, group.length * leds, channels))
    return true
  }
  divide(frameHashes(frames), settle)
  if (tooLarge !== undefined) return fail(tooLarge)

  return assemble(stored, blocks, {
    kind: manifestKinds.pattern,
    decodedBytes: frames.length * leds * channels,
    frames: frames.length,
    leds,
    width: pattern.width,
    height: pattern.height,
    channels,
    colorOrder: pattern.colorOrder,
    loopCount: pattern.loopCount,
    generation,
    decodeBytes,
    peakMa: pattern.peakMa ?? 0,
    name: pattern.name,
  })
}

/** Puts any bytes into blocks as they are, in units of 4 KiB where the board's blocks are that large. */
export function buildOpaqueImage(
  bytes: Uint8Array,
  name: string,
  limits: ImageLimits,
  generation: number,
  blockBytes: number = opaqueBlockBytes(limits.blockBytes),
): Result<BuiltImage, ImageFault> {
  if (bytes.length === 0) return fail({ kind: 'empty' })
  const stored: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += blockBytes) stored.push(bytes.subarray(at, at + blockBytes))
  return assemble(
    stored,
    stored.map(block => entryOf(block, codecs.raw, 0)),
    {
      kind: manifestKinds.opaque,
      decodedBytes: bytes.length,
      frames: 0,
      leds: 0,
      width: 0,
      height: 0,
      channels: 0,
      colorOrder: 0,
      loopCount: 0,
      generation,
      decodeBytes: 0,
      peakMa: 0,
      name,
    },
  )
}

function opaqueBlockBytes(limitBytes: number): number {
  const limit = Math.min(limitBytes, maxStoredBytes)
  return Math.max(limit - (limit % opaqueBlockUnit), Math.min(limit, opaqueBlockUnit))
}

/** Frames that a block may hold at most, at least one. */
function groupFrames(leds: number, channels: number, { codecs: mask, decodeBytes }: ImageLimits): number {
  const fits = (bytesPerFrame: number, limitBytes: number) =>
    bytesPerFrame > limitBytes ? maxGroupFrames : Math.floor(limitBytes / bytesPerFrame)
  const bySize = Math.floor(maxGroupBytes / (leds * channels))
  const byWindow = hasCodec(mask, codecs.palette)
    ? fits(leds, decodeBytes)
    : hasCodec(mask, codecs.lz)
      ? fits(leds * channels, decodeBytes)
      : maxGroupFrames
  return Math.max(1, Math.min(maxGroupFrames, bySize, byWindow))
}

/** Decoded bytes that a board must hold to decode a block. */
const windowBytes = (codec: number, pixels: number, channels: number): number =>
  codec === codecs.palette ? pixels : codec === codecs.lz ? pixels * channels : 0

const entryOf = (stored: Uint8Array, codec: number, frames: number): BlockEntry => ({
  crc32: crc32(stored),
  storedBytes: stored.length,
  codec,
  frames,
})

type Description = Omit<Manifest, 'imageBytes' | 'macType' | 'mac' | 'sha256' | 'blocks'>

function assemble(
  stored: readonly Uint8Array[],
  blocks: readonly BlockEntry[],
  description: Description,
): Result<BuiltImage, ImageFault> {
  if (blocks.length > maxBlocks) return fail({ kind: 'too-many-blocks', blocks: blocks.length, maxBlocks })
  const image = Buffer.concat(stored)
  const sha256 = new Uint8Array(createHash('sha256').update(image).digest())
  const manifest = encodeManifest({
    ...description,
    imageBytes: image.length,
    macType: 0,
    mac: new Uint8Array(0),
    sha256,
    blocks,
  })
  return ok({
    manifest,
    image,
    id: transferId(manifest),
    sha256,
    blocks,
    decodedBytes: description.decodedBytes,
  })
}

function patternFault({ frames, leds, channels }: ImagePattern): ImageFault | undefined {
  if (frames.length === 0) return { kind: 'empty' }
  const sound = Number.isInteger(leds) && leds > 0 && leds <= 0xffff && (channels === 3 || channels === 4)
  if (!sound) return { kind: 'bad-geometry', leds, channels }
  const expectedBytes = leds * channels
  for (const [frame, { pixels, delayMs }] of frames.entries()) {
    if (pixels.length !== expectedBytes)
      return { kind: 'bad-pixels', frame, expectedBytes, gotBytes: pixels.length }
    if (!Number.isInteger(delayMs) || delayMs < 0 || delayMs > 0xffffffff)
      return { kind: 'bad-delay', frame, delayMs }
  }
  return undefined
}
