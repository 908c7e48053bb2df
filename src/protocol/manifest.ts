import { createHash } from 'node:crypto'
import { fail, ok, type Result } from '../kernel/result.ts'
import { bytesOf, layout, u8, u16, u32 } from './fields.ts'
import { blockEntry } from './message-layouts.ts'
import type { BlockEntry } from './messages.ts'
import { decodeText, encodeName, maxNameBytes } from './utf8.ts'

/** SPEC §10.2, `kind`. */
export const manifestKinds = { opaque: 0, pattern: 1 } as const
/** Bytes before the block table. */
export const manifestFixedBytes = 104
/** Most blocks that a manifest may list. */
export const maxBlocks = 65000

const formatVersion = 1

/** SPEC §10.2. An opaque manifest has zero frames, LEDs, width, height and channels. */
export interface Manifest {
  readonly kind: number
  readonly imageBytes: number
  readonly decodedBytes: number
  readonly frames: number
  readonly leds: number
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly colorOrder: number
  readonly loopCount: number
  readonly macType: number
  readonly generation: number
  /** Largest decoded block of the codecs 2 and 3, in bytes. */
  readonly decodeBytes: number
  readonly peakMa: number
  /** 32 bytes. */
  readonly sha256: Uint8Array
  /** At most 32 bytes of UTF-8; what is beyond is cut. */
  readonly name: string
  readonly blocks: readonly BlockEntry[]
  readonly mac: Uint8Array
}

/** Why a manifest is refused, by the ERR name that a board answers (SPEC §10.3). */
export type ManifestFault =
  | { readonly error: 'BAD_MANIFEST'; readonly offset: number }
  | { readonly error: 'BAD_GEOMETRY'; readonly boardLeds: number }
  | { readonly error: 'UNKNOWN_CODEC'; readonly codec: number }
  | { readonly error: 'DECODE_MEMORY'; readonly availableBytes: number }

const fixedPart = layout({
  version: u8,
  kind: u8,
  blockCount: u16,
  imageBytes: u32,
  decodedBytes: u32,
  frames: u32,
  leds: u16,
  width: u16,
  height: u16,
  channels: u8,
  colorOrder: u8,
  loopCount: u16,
  macType: u8,
  macBytes: u8,
  generation: u32,
  decodeBytes: u32,
  peakMa: u16,
  nameBytes: u8,
  zero: u8,
  sha256: bytesOf(32),
  nameField: bytesOf(maxNameBytes),
})

/** Offsets of the fields that faults name. */
const offsets = {
  version: 0,
  kind: 1,
  blocks: 2,
  imageBytes: 4,
  decodedBytes: 8,
  frames: 12,
  leds: 16,
  channels: 22,
  macBytes: 27,
  nameBytes: 38,
} as const

/** Where the entry of a block begins, and its fields within (SPEC §10.4). */
const entryOffset = (block: number) => manifestFixedBytes + block * blockEntry.sizeBytes
const storedBytesAt = 4
const codecAt = 6
const framesAt = 7

export function encodeManifest(manifest: Manifest): Uint8Array {
  const name = encodeName(manifest.name)
  const nameField = new Uint8Array(maxNameBytes)
  nameField.set(name)
  const fixed = fixedPart.write({
    ...manifest,
    version: formatVersion,
    blockCount: manifest.blocks.length,
    macBytes: manifest.mac.length,
    nameBytes: name.length,
    zero: 0,
    nameField,
  })
  return Buffer.concat([fixed, ...manifest.blocks.map(entry => blockEntry.write(entry)), manifest.mac])
}

/** The manifest in `bytes`, which it must fill; refuses what contradicts itself (SPEC §10.3). */
export function decodeManifest(bytes: Uint8Array): Result<Manifest, ManifestFault> {
  const front = fixedPart.readFront(bytes)
  if (!front.ok) return bad(0)
  const { version, blockCount, macBytes, nameBytes, zero: _, nameField, ...fields } = front.value
  if (version !== formatVersion) return bad(offsets.version)
  if (fields.kind !== manifestKinds.opaque && fields.kind !== manifestKinds.pattern) return bad(offsets.kind)
  if (blockCount === 0 || blockCount > maxBlocks) return bad(offsets.blocks)
  const macAt = entryOffset(blockCount)
  if (bytes.length !== macAt + macBytes) return bad(offsets.macBytes)
  if (nameBytes > maxNameBytes) return bad(offsets.nameBytes)
  const blocks: BlockEntry[] = []
  for (let block = 0; block < blockCount; block++) {
    const entry = blockEntry.readFront(bytes.subarray(entryOffset(block)))
    if (entry.ok) blocks.push(entry.value)
  }
  const manifest = {
    ...fields,
    name: decodeText(nameField.subarray(0, nameBytes)),
    blocks,
    mac: new Uint8Array(bytes.subarray(macAt)),
  }
  const offset = manifest.kind === manifestKinds.pattern ? patternFault(manifest) : opaqueFault(manifest)
  return offset === undefined ? ok(manifest) : bad(offset)
}

/** What a board asks of a manifest beyond that it is sound. */
export interface BoardLimits {
  readonly leds: number
  /** Bit per codec number. */
  readonly codecs: number
  readonly decodeBytes: number
  readonly blockBytes: number
}

/** Why a board refuses a sound manifest (SPEC §10.3), or undefined. */
export function refuseManifest(manifest: Manifest, board: BoardLimits): ManifestFault | undefined {
  if (manifest.leds > board.leds) return { error: 'BAD_GEOMETRY', boardLeds: board.leds }
  const unknown = manifest.blocks.find(
    entry => entry.codec > 15 || ((board.codecs >>> entry.codec) & 1) === 0,
  )
  if (unknown !== undefined) return { error: 'UNKNOWN_CODEC', codec: unknown.codec }
  if (manifest.decodeBytes > board.decodeBytes)
    return { error: 'DECODE_MEMORY', availableBytes: board.decodeBytes }
  const large = manifest.blocks.findIndex(entry => entry.storedBytes > board.blockBytes)
  return large < 0 ? undefined : { error: 'BAD_MANIFEST', offset: entryOffset(large) + storedBytesAt }
}

/** Identifies a transfer: the first 16 bytes of the SHA-256 of the manifest (SPEC §4.1). */
export const transferId = (manifestBytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(manifestBytes).digest().subarray(0, 16))

const bad = (offset: number) => fail({ error: 'BAD_MANIFEST' as const, offset })

function storedFault({ blocks, imageBytes }: Manifest): number | undefined {
  const empty = blocks.findIndex(entry => entry.storedBytes === 0)
  if (empty >= 0) return entryOffset(empty) + storedBytesAt
  return blocks.reduce((sum, entry) => sum + entry.storedBytes, 0) === imageBytes
    ? undefined
    : offsets.imageBytes
}

function opaqueFault(manifest: Manifest): number | undefined {
  const coded = manifest.blocks.findIndex(entry => entry.codec !== 0)
  if (coded >= 0) return entryOffset(coded) + codecAt
  if (manifest.decodedBytes !== manifest.imageBytes) return offsets.decodedBytes
  return storedFault(manifest)
}

function patternFault(manifest: Manifest): number | undefined {
  const { frames, leds, channels, blocks } = manifest
  if (frames === 0) return offsets.frames
  if (leds === 0) return offsets.leds
  if (channels !== 3 && channels !== 4) return offsets.channels
  const empty = blocks.findIndex(entry => entry.frames === 0)
  if (empty >= 0) return entryOffset(empty) + framesAt
  if (blocks.reduce((sum, entry) => sum + entry.frames, 0) !== frames) return offsets.frames
  if (manifest.decodedBytes !== frames * leds * channels) return offsets.decodedBytes
  return storedFault(manifest)
}
