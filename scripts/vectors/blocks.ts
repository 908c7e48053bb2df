import { codecs, decodeBlock, encodeBlock } from '../../src/protocol/block/block.ts'
import type { BlockFault } from '../../src/protocol/block/block-fault.ts'
import { counting, hex, unhex } from './hex.ts'

interface Shape {
  readonly codec: number
  readonly leds: number
  readonly channels: number
  readonly frames: number
}

/** Written by hand, so that they hold what an encoder here never chooses. `delays 01 28` is one frame of 40 ms. */
const byHand: readonly (Shape & { readonly name: string; readonly stored: string })[] = [
  { name: 'raw, one frame', codec: 0, leds: 2, channels: 3, frames: 1, stored: '01 28 010203 040506' },
  {
    name: 'raw, four channels, two delays',
    codec: 0,
    leds: 1,
    channels: 4,
    frames: 2,
    stored: '01 0a 01 e807 01020304 05060708',
  },
  { name: 'a delay of 0 ms', codec: 0, leds: 1, channels: 3, frames: 1, stored: '01 00 aabbcc' },
  { name: 'the longest delay', codec: 0, leds: 1, channels: 3, frames: 1, stored: '01 ffffffff0f aabbcc' },
  {
    name: 'a varint of five bytes for a small value',
    codec: 0,
    leds: 1,
    channels: 3,
    frames: 1,
    stored: '8180808000 28 aabbcc',
  },
  {
    name: 'equal delays in two runs',
    codec: 0,
    leds: 1,
    channels: 3,
    frames: 3,
    stored: '02 28 01 28 010203 040506 070809',
  },
  {
    name: 'RLE, literals then a run',
    codec: 1,
    leds: 5,
    channels: 3,
    frames: 1,
    stored: '01 28 01 010203 040506 81 070809',
  },
  { name: 'RLE, the shortest run', codec: 1, leds: 2, channels: 3, frames: 1, stored: '01 28 80 070809' },
  { name: 'RLE, the longest run', codec: 1, leds: 129, channels: 3, frames: 1, stored: '01 28 ff 070809' },
  { name: 'RLE, a run across frames', codec: 1, leds: 2, channels: 3, frames: 2, stored: '02 28 82 070809' },
  {
    name: 'RLE, four channels',
    codec: 1,
    leds: 3,
    channels: 4,
    frames: 1,
    stored: '01 28 00 01020304 80 05060708',
  },
  {
    name: 'palette of one colour, all literals',
    codec: 2,
    leds: 3,
    channels: 3,
    frames: 1,
    stored: '01 28 00 102030 02 000000',
  },
  {
    name: 'palette, match at the first distance before any other',
    codec: 2,
    leds: 4,
    channels: 3,
    frames: 1,
    stored: '01 28 01 000000 ffffff 00 01 81',
  },
  {
    name: 'palette, match at the second distance before any other',
    codec: 2,
    leds: 4,
    channels: 3,
    frames: 1,
    stored: '01 28 01 000000 ffffff 00 01 a1',
  },
  {
    name: 'palette, colours that occur nowhere',
    codec: 2,
    leds: 1,
    channels: 4,
    frames: 1,
    stored: '01 28 02 00000001 00000002 00000003 00 02',
  },
  { name: 'LZ, a new distance', codec: 3, leds: 3, channels: 3, frames: 1, stored: '01 28 02 010203 c3 02' },
  {
    name: 'LZ, a match that overlaps itself',
    codec: 3,
    leds: 4,
    channels: 3,
    frames: 1,
    stored: '01 28 00 07 c8 00',
  },
  {
    name: 'LZ, both repeated distances in turn',
    codec: 3,
    leds: 6,
    channels: 3,
    frames: 1,
    stored: '01 28 03 01020304 c0 03 c0 01 a0 a0 80 a0',
  },
  { name: 'LZ, a match of 32 at d0', codec: 3, leds: 11, channels: 3, frames: 1, stored: '01 28 00 07 9e' },
  {
    name: 'LZ, a match of 33 at d0: a varint of 0',
    codec: 3,
    leds: 34,
    channels: 3,
    frames: 1,
    stored: '01 28 00 07 9f 00 00 01 9f 00 9f 00 00 02',
  },
  {
    name: 'LZ, a match of 161 at d1: a varint of two bytes',
    codec: 3,
    leds: 54,
    channels: 3,
    frames: 1,
    stored: '01 28 00 07 bf 8001',
  },
  {
    name: 'LZ, a match of 65 at a new distance',
    codec: 3,
    leds: 22,
    channels: 3,
    frames: 1,
    stored: '01 28 00 07 fe 00',
  },
  {
    name: 'LZ, a match of 66 at a new distance: length first, then distance',
    codec: 3,
    leds: 23,
    channels: 3,
    frames: 1,
    stored: '01 28 02 010203 ff 00 02',
  },
  {
    name: 'LZ, a distance of two bytes',
    codec: 3,
    leds: 66,
    channels: 3,
    frames: 1,
    stored: `01 28 7f ${'5a'.repeat(128)} 40 ${'5a'.repeat(64)}a5 c2 bf01`,
  },
]

/** The boundary between 256 and 257 colours, and what an encoder makes of small pictures. */
const byEncoder: readonly {
  readonly name: string
  readonly pixels: Uint8Array
  readonly delays: readonly number[]
  readonly leds: number
  readonly channels: number
  readonly codecs: number
}[] = [
  {
    name: 'encoder: noise stays raw',
    pixels: counting(48),
    delays: [40],
    leds: 16,
    channels: 3,
    codecs: 0b0001,
  },
  {
    name: 'encoder: black as RLE',
    pixels: new Uint8Array(900),
    delays: [40, 40, 40],
    leds: 100,
    channels: 3,
    codecs: 0b0011,
  },
  {
    name: 'encoder: 256 colours',
    pixels: Uint8Array.from({ length: 2304 }, (_, at) => (at % 3 === 0 ? Math.floor(at / 3) : 7)),
    delays: [20, 20, 30],
    leds: 256,
    channels: 3,
    codecs: 0b0101,
  },
  {
    name: 'encoder: a bar that moves along a serpentine strip',
    pixels: bar(8, 8, 12, 3),
    delays: Array.from({ length: 12 }, (_, frame) => (frame < 6 ? 40 : 50)),
    leds: 64,
    channels: 3,
    codecs: 0b1111,
  },
  {
    name: 'encoder: plain LZ with four channels',
    pixels: bar(8, 4, 6, 4),
    delays: [1, 2, 3, 4, 5, 6],
    leds: 32,
    channels: 4,
    codecs: 0b1001,
  },
  {
    name: 'encoder: 255 frames',
    pixels: new Uint8Array(255 * 3).map((_, at) => Math.floor(at / 30)),
    delays: new Array<number>(255).fill(100),
    leds: 1,
    channels: 3,
    codecs: 0b1111,
  },
]

/** A bright column that moves right by one pixel a frame; every second row runs backwards. */
function bar(width: number, height: number, frames: number, channels: number): Uint8Array {
  const pixels = new Uint8Array(width * height * frames * channels)
  for (let frame = 0; frame < frames; frame++)
    for (let y = 0; y < height; y++) {
      const x = y % 2 === 0 ? frame % width : width - 1 - (frame % width)
      pixels.fill(
        200,
        ((frame * height + y) * width + x) * channels,
        ((frame * height + y) * width + x) * channels + 2,
      )
    }
  return pixels
}

const one: Omit<Shape, 'codec'> = { leds: 2, channels: 3, frames: 1 }
const invalid: readonly (Shape & {
  readonly name: string
  readonly stored: string
  readonly reason: BlockFault
})[] = [
  { name: 'no bytes at all', codec: 0, ...one, stored: '', reason: 'bad-delays' },
  { name: 'delays that end too early', codec: 0, ...one, frames: 2, stored: '01 28', reason: 'bad-delays' },
  {
    name: 'delays of more frames than the block has',
    codec: 0,
    ...one,
    stored: '02 28 010203040506',
    reason: 'bad-delays',
  },
  {
    name: 'a delay run of no frames',
    codec: 0,
    ...one,
    stored: '00 28 01 28 010203040506',
    reason: 'bad-delays',
  },
  { name: 'a delay of 2^32', codec: 0, ...one, stored: '01 8080808010 010203040506', reason: 'bad-delays' },
  {
    name: 'a varint of six bytes',
    codec: 0,
    ...one,
    stored: '01 808080808000 010203040506',
    reason: 'bad-delays',
  },
  { name: 'raw, one byte short', codec: 0, ...one, stored: '01 28 0102030405', reason: 'truncated' },
  { name: 'raw, one byte left over', codec: 0, ...one, stored: '01 28 01020304050607', reason: 'leftover' },
  { name: 'RLE without its last token', codec: 1, ...one, stored: '01 28 00 010203', reason: 'truncated' },
  { name: 'RLE with a cut literal', codec: 1, ...one, stored: '01 28 01 0102030405', reason: 'truncated' },
  { name: 'RLE with a cut run', codec: 1, ...one, stored: '01 28 80 0102', reason: 'truncated' },
  {
    name: 'RLE literals past the end of the block',
    codec: 1,
    ...one,
    stored: '01 28 02 010203040506070809',
    reason: 'overrun',
  },
  {
    name: 'an RLE run past the end of the block',
    codec: 1,
    ...one,
    stored: '01 28 81 010203',
    reason: 'overrun',
  },
  { name: 'RLE with a byte left over', codec: 1, ...one, stored: '01 28 80 010203 00', reason: 'leftover' },
  { name: 'palette without its count', codec: 2, ...one, stored: '01 28', reason: 'truncated' },
  { name: 'a cut palette', codec: 2, ...one, stored: '01 28 01 010203 0405', reason: 'truncated' },
  { name: 'palette without an LZ stream', codec: 2, ...one, stored: '01 28 00 010203', reason: 'truncated' },
  {
    name: 'a palette index that is too large',
    codec: 2,
    ...one,
    stored: '01 28 00 010203 01 0001',
    reason: 'bad-index',
  },
  {
    name: 'palette with a byte left over',
    codec: 2,
    ...one,
    stored: '01 28 00 010203 01 0000 00',
    reason: 'leftover',
  },
  { name: 'LZ with cut literals', codec: 3, ...one, stored: '01 28 05 0102030405', reason: 'truncated' },
  {
    name: 'LZ literals past the end of the block',
    codec: 3,
    ...one,
    stored: '01 28 06 01020304050607',
    reason: 'overrun',
  },
  {
    name: 'an LZ match past the end of the block',
    codec: 3,
    ...one,
    stored: '01 28 00 01 84',
    reason: 'overrun',
  },
  { name: 'an LZ match before any byte', codec: 3, ...one, stored: '01 28 84', reason: 'bad-distance' },
  {
    name: 'an LZ distance beyond the start',
    codec: 3,
    ...one,
    stored: '01 28 01 0102 c1 02',
    reason: 'bad-distance',
  },
  {
    name: 'an LZ token without its distance',
    codec: 3,
    ...one,
    stored: '01 28 00 01 c2',
    reason: 'truncated',
  },
  {
    name: 'an LZ token without the varint of its length',
    codec: 3,
    ...one,
    leds: 40,
    stored: '01 28 00 01 9f',
    reason: 'truncated',
  },
  {
    name: 'an LZ length of 2^32 and more',
    codec: 3,
    ...one,
    stored: '01 28 00 01 9f ffffffff1f',
    reason: 'truncated',
  },
  { name: 'the largest LZ length', codec: 3, ...one, stored: '01 28 00 01 9f ffffffff0f', reason: 'overrun' },
  {
    name: 'the largest LZ distance',
    codec: 3,
    ...one,
    stored: '01 28 00 01 c2 ffffffff0f',
    reason: 'bad-distance',
  },
  {
    name: 'an LZ match at the second distance before any byte',
    codec: 3,
    ...one,
    stored: '01 28 a4',
    reason: 'bad-distance',
  },
  { name: 'LZ with a byte left over', codec: 3, ...one, stored: '01 28 00 01 83 00', reason: 'leftover' },
  { name: 'deflate, which is reserved', codec: 4, ...one, stored: '01 28 00', reason: 'unknown-codec' },
  { name: 'codec 255', codec: 255, ...one, stored: '01 28 00', reason: 'unknown-codec' },
]

function vectorOf(name: string, shape: Shape, stored: Uint8Array) {
  const { codec, leds, channels, frames } = shape
  const decoded = decodeBlock(codec, stored, frames, leds, channels)
  if (!decoded.ok) throw new Error(`${name}: ${decoded.fault}`)
  return {
    name,
    codec,
    leds,
    channels,
    frames,
    delays: decoded.value.delaysMs,
    stored: hex(stored),
    decoded: hex(decoded.value.pixels),
  }
}

/** firmware-protocol/vectors/blocks.json */
export const blockVectors = () => ({
  valid: [
    ...byHand.map(({ name, stored, ...shape }) => vectorOf(name, shape, unhex(stored))),
    ...byEncoder.map(({ name, pixels, delays, leds, channels, codecs: mask }) => {
      const { codec, stored } = encodeBlock(pixels, delays, {
        leds,
        channels,
        codecs: mask,
        decodeBytes: 65_536,
      })
      return vectorOf(name, { codec, leds, channels, frames: delays.length }, stored)
    }),
  ],
  invalid: invalid.map(({ stored, ...vector }) => {
    const fault = decodeBlock(vector.codec, unhex(stored), vector.frames, vector.leds, vector.channels)
    if (fault.ok || fault.fault !== vector.reason)
      throw new Error(`${vector.name}: ${fault.ok ? 'accepted' : fault.fault}`)
    return { ...vector, stored: hex(unhex(stored)) }
  }),
  codecs: Object.entries(codecs).map(([name, codec]) => ({ name, codec })),
})
