import { Buffer } from 'node:buffer'
import { deflateSync } from 'node:zlib'
import { ascii, pngChunk, u16le, u32be, u32le } from './bytes.ts'

/** Small files that claim or unpack to far more than any board has. */
export function bombs(): readonly { name: string; bytes: Uint8Array }[] {
  return [
    { name: 'bomb-canvas.gif', bytes: gif(65_535, 65_535, 1) },
    { name: 'bomb-frames.gif', bytes: gif(4096, 4096, 2000) },
    { name: 'bomb-sides.png', bytes: png(65_535, 65_535, 1000) },
    { name: 'bomb-data.png', bytes: png(16, 16, 64_000_000) },
    { name: 'bomb-zlib.fseq', bytes: fseq(2, deflateSync(Buffer.alloc(64_000_000))) },
    { name: 'bomb-zstd.fseq', bytes: fseq(1, zstdOfOneByte(500)) },
    { name: 'bomb-addresses.hex', bytes: ascii(farApart()) },
    { name: 'bomb-nesting.json', bytes: ascii('['.repeat(50_000)) },
    { name: 'bomb-numbers.json', bytes: ascii(`{"seg":{"i":[${'0,1e9,"FFFFFF",'.repeat(4000)}0]}}`) },
    { name: 'bomb-size.leds', bytes: ascii('{header\nw:99999\nh:99999\n}\n{anim4\nw:99999\nh:99999\n}\n') },
    { name: 'bomb-lines.leds', bytes: ascii(`{header\n${'{anim4\n'.repeat(50_000)}`) },
    { name: 'bomb-length.tpm2', bytes: Uint8Array.of(0xc9, 0xda, 0xff, 0xff, ...Array<number>(300).fill(0)) },
    {
      name: 'bomb-counts.bin',
      bytes: Uint8Array.of(...u16le(10_000, 0xffff), ...Array<number>(3000).fill(1)),
    },
  ]
}

/** Images of the whole canvas, each of a few codes. */
function gif(width: number, height: number, images: number): Uint8Array {
  const image = [0x2c, ...u16le(0, 0, width, height), 0, 2, 3, 0x44, 0x01, 0x05, 0]
  const head = [...ascii('GIF89a'), ...u16le(width, height), 0x80, 0, 0, 0, 0, 0, 255, 255, 255]
  return Uint8Array.from([...head, ...Array<number[]>(images).fill(image).flat(), 0x3b])
}

function png(width: number, height: number, dataBytes: number): Uint8Array {
  return Buffer.concat([
    ascii('\x89PNG\r\n\x1a\n'),
    pngChunk('IHDR', Uint8Array.from([...u32be(width, height), 8, 2, 0, 0, 0])),
    pngChunk('IDAT', deflateSync(Buffer.alloc(dataBytes))),
    pngChunk('IEND', new Uint8Array(0)),
  ])
}

/** FSEQ 2.0 with one block that says it holds 1,000,000 frames of 65,535 channels. */
function fseq(compression: number, block: Uint8Array): Uint8Array {
  const head = [
    ...ascii('PSEQ'),
    ...u16le(40),
    ...[0, 2],
    ...u16le(40),
    ...u32le(65_535, 1_000_000),
    ...[50, 0, compression, 1, 0, 0],
    ...u32le(1, 2),
    ...u32le(0, block.length),
  ]
  return Buffer.concat([Uint8Array.from(head), block])
}

/** A Zstandard frame (RFC 8878 §3.1.1) of blocks that repeat one byte 128 KiB times each. */
function zstdOfOneByte(blocks: number): Uint8Array {
  const size = 128 * 1024
  const block = (last: number) => {
    const header = (size << 3) | (1 << 1) | last
    return [header & 0xff, (header >> 8) & 0xff, (header >> 16) & 0xff, 7]
  }
  const all = Array.from({ length: blocks }, (_, at) => block(at === blocks - 1 ? 1 : 0)).flat()
  return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, ...all])
}

/** Intel HEX whose few bytes lie 4 GiB apart. */
const farApart = (): string => ':020000040000FA\n:0100000001FE\n:02000004FFFFFC\n:01FFFF000100\n:00000001FF\n'
