import type { Result } from '../../src/kernel/result.ts'
import { type BuiltImage, buildImage, buildOpaqueImage } from '../../src/protocol/image.ts'
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
  refuseManifest,
  transferId,
} from '../../src/protocol/manifest.ts'
import { counting, hex, plain } from './hex.ts'

const sound: Manifest = {
  kind: 1,
  imageBytes: 300,
  decodedBytes: 5 * 64 * 3,
  frames: 5,
  leds: 64,
  width: 8,
  height: 8,
  channels: 3,
  colorOrder: 2,
  loopCount: 0,
  macType: 0,
  generation: 7,
  decodeBytes: 192,
  peakMa: 480,
  sha256: counting(32),
  name: 'Lauflicht ✨',
  blocks: [
    { crc32: 0x11223344, storedBytes: 100, codec: 2, frames: 3 },
    { crc32: 0xfedcba98, storedBytes: 200, codec: 1, frames: 2 },
  ],
  mac: new Uint8Array(0),
}

const opaque: Manifest = {
  ...sound,
  kind: 0,
  decodedBytes: 300,
  frames: 0,
  leds: 0,
  width: 0,
  height: 0,
  channels: 0,
  colorOrder: 0,
  decodeBytes: 0,
  peakMa: 0,
  name: 'firmware.bin',
  blocks: [
    { crc32: 1, storedBytes: 255, codec: 0, frames: 0 },
    { crc32: 2, storedBytes: 45, codec: 0, frames: 0 },
  ],
}

const limits = { codecs: 0b1111, decodeBytes: 16_384, blockBytes: 16_448 }
function built(image: Result<BuiltImage, unknown>): Uint8Array {
  if (!image.ok) throw new Error(JSON.stringify(image.fault))
  return image.value.manifest
}

const valid: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['a pattern of two blocks', encodeManifest(sound)],
  [
    'a strip with four channels that plays three times',
    encodeManifest({
      ...sound,
      width: 0,
      height: 0,
      channels: 4,
      colorOrder: 10,
      loopCount: 3,
      decodedBytes: 5 * 64 * 4,
    }),
  ],
  ['a pattern without a name, of unknown current', encodeManifest({ ...sound, name: '', peakMa: 0 })],
  ['a name of 32 bytes', encodeManifest({ ...sound, name: 'abcdefghijklmnopqrstuvwxyz012345' })],
  ['a MAC of 16 bytes', encodeManifest({ ...sound, macType: 1, mac: counting(16, 0x80) })],
  ['opaque bytes', encodeManifest(opaque)],
  [
    'a compiled pattern',
    built(
      buildImage(
        {
          leds: 4,
          width: 2,
          height: 2,
          channels: 3,
          colorOrder: 0,
          loopCount: 0,
          name: 'blink',
          frames: [new Uint8Array(12), new Uint8Array(12).fill(9)].map(pixels => ({ delayMs: 500, pixels })),
        },
        limits,
        1,
      ),
    ),
  ],
  ['a packed file', built(buildOpaqueImage(counting(200), 'notes.txt', { ...limits, blockBytes: 64 }, 2))],
]

interface Refused {
  readonly name: string
  readonly bytes: Uint8Array
  readonly boardLeds: number
  readonly codecs: number
  readonly decodeBytes: number
  readonly blockBytes: number
  /** What BEGIN said, where that is what the manifest contradicts. */
  readonly beginBlocks?: number
  readonly beginImageBytes?: number
  readonly error: 'BAD_MANIFEST' | 'BAD_GEOMETRY' | 'UNKNOWN_CODEC' | 'DECODE_MEMORY'
  readonly detail: number
}

const board = { boardLeds: 64, codecs: 0b1111, decodeBytes: 4096, blockBytes: 4096 }

/** The sound manifest with bytes overwritten. */
function patched(at: number, ...bytes: number[]): Uint8Array {
  const manifest = Uint8Array.from(encodeManifest(sound))
  manifest.set(bytes, at)
  return manifest
}

const bad = (name: string, detail: number, bytes: Uint8Array, more: Partial<Refused> = {}): Refused => ({
  name,
  bytes,
  ...board,
  error: 'BAD_MANIFEST',
  detail,
  ...more,
})

const invalid: readonly Refused[] = [
  bad('format version 0', 0, patched(0, 0)),
  bad('format version 2', 0, patched(0, 2)),
  bad('an unknown kind', 1, patched(1, 2)),
  bad('a manifest of 103 bytes', 0, encodeManifest(sound).subarray(0, 103)),
  bad('no blocks', 2, Uint8Array.from(encodeManifest({ ...sound, imageBytes: 0, blocks: [] }))),
  bad('more than 65000 blocks', 2, patched(2, 0xe9, 0xfd)),
  bad('a name of 33 bytes', 38, patched(38, 33)),
  bad('a block of a pattern without frames', 119, patched(104 + 7, 5, 0x98, 0xba, 0xdc, 0xfe, 200, 0, 1, 0)),
  bad('more blocks than BEGIN announced', 2, encodeManifest(sound), { beginBlocks: 1 }),
  bad('fewer blocks than BEGIN announced', 2, encodeManifest(sound), { beginBlocks: 3 }),
  bad('another image size than BEGIN announced', 4, encodeManifest(sound), { beginImageBytes: 301 }),
  bad('an image size that is not the sum of the blocks', 4, patched(4, 45, 1, 0, 0), {
    beginImageBytes: 301,
  }),
  bad(
    'a byte more than the fields account for',
    27,
    Buffer.concat([encodeManifest(sound), Uint8Array.of(0)]),
  ),
  bad('a byte less than the fields account for', 27, encodeManifest(sound).subarray(0, -1)),
  bad('a MAC that is announced and not there', 27, patched(27, 16)),
  bad('a pattern without frames', 12, patched(12, 0, 0, 0, 0)),
  bad('a pattern without LEDs', 16, patched(16, 0, 0)),
  bad('two channels', 22, patched(22, 2)),
  bad('five channels', 22, patched(22, 5)),
  bad('one frame more than the blocks hold', 12, patched(12, 6, 0, 0, 0)),
  bad('one frame less than the blocks hold', 12, patched(12, 4, 0, 0, 0)),
  bad('a block without stored bytes', 116, patched(104 + 8 + 4, 0, 0)),
  bad('a block above the largest of the board', 116, encodeManifest(sound), { blockBytes: 199 }),
  bad('more LEDs than the board has', 63, encodeManifest(sound), { boardLeds: 63, error: 'BAD_GEOMETRY' }),
  bad('a codec that is reserved', 4, patched(104 + 6, 4), { error: 'UNKNOWN_CODEC' }),
  bad('a codec above 15', 200, patched(104 + 6, 200), { error: 'UNKNOWN_CODEC' }),
  bad('a codec that this board lacks', 2, encodeManifest(sound), { codecs: 0b0011, error: 'UNKNOWN_CODEC' }),
  bad('more memory for decoding than the board has', 191, encodeManifest(sound), {
    decodeBytes: 191,
    error: 'DECODE_MEMORY',
  }),
]

function checked(vector: Refused): Refused {
  if (vector.beginBlocks !== undefined || vector.beginImageBytes !== undefined) return vector
  const decoded = decodeManifest(vector.bytes)
  const fault = decoded.ok
    ? refuseManifest(decoded.value, { ...vector, leds: vector.boardLeds })
    : decoded.fault
  if (fault?.error !== vector.error) throw new Error(`${vector.name}: ${JSON.stringify(fault)}`)
  return vector
}

/** firmware-protocol/vectors/manifests.json. BEGIN says what the manifest says, unless a vector says otherwise. */
export const manifestVectors = () => ({
  valid: valid.map(([name, bytes]) => {
    const decoded = decodeManifest(bytes)
    if (!decoded.ok) throw new Error(`${name}: ${JSON.stringify(decoded.fault)}`)
    return { name, bytes: hex(bytes), id: hex(transferId(bytes)), fields: plain(decoded.value) }
  }),
  invalid: invalid.map(vector => ({ ...checked(vector), bytes: hex(vector.bytes) })),
})
