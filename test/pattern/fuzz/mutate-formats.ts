import { createHash } from 'node:crypto'
import { deflateSync, inflateSync } from 'node:zlib'
import { crc32 } from '../../../src/protocol/crc32.ts'
import { encodeManifest } from '../../../src/protocol/manifest.ts'
import { decodePxg, encodePxg } from '../../../src/protocol/pxg.ts'
import { ascii, pngChunk, type Random } from './bytes.ts'

const pick = <T>(list: readonly T[], random: Random): T | undefined =>
  list[Math.floor(random() * list.length)]

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

function scratch(bytes: Uint8Array, random: Random): Uint8Array {
  const out = Uint8Array.from(bytes)
  for (let n = 0; n < 1 + random() * 4; n++) out[Math.floor(random() ** 2 * out.length)] = random() * 256
  return out
}

interface Chunk {
  readonly type: string
  readonly data: Uint8Array
}

const pngMagic = '\x89PNG\r\n\x1a\n'

/** A chunk damaged (the packed pixels also inside), doubled, dropped or moved; every CRC is sound. Undefined: no PNG. */
export function mutatePng(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  if (latin1(bytes.subarray(0, 8)) !== pngMagic) return undefined
  const chunks = chunksOf(bytes)
  const at = Math.floor(random() * chunks.length)
  const chunk = chunks[at]
  if (chunk === undefined) return undefined
  const how = random()
  if (how < 0.15) chunks.splice(at, 1)
  else if (how < 0.3) chunks.splice(at, 0, chunk)
  else if (how < 0.45) chunks.splice(Math.floor(random() * chunks.length), 0, ...chunks.splice(at, 1))
  else if (how < 0.6 && chunk.type === 'IDAT') chunks[at] = { ...chunk, data: repacked(chunk.data, random) }
  else if (how < 0.7) chunks[at] = { ...chunk, data: chunk.data.subarray(0, random() * chunk.data.length) }
  else chunks[at] = { ...chunk, data: scratch(chunk.data, random) }
  return Buffer.concat([ascii(pngMagic), ...chunks.map(({ type, data }) => pngChunk(type, data))])
}

function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks: Chunk[] = []
  for (let at = 8; at + 12 <= bytes.length; ) {
    const size = view.getUint32(at)
    chunks.push({ type: latin1(bytes.subarray(at + 4, at + 8)), data: bytes.subarray(at + 8, at + 8 + size) })
    at += 12 + size
  }
  return chunks
}

/** Other filters, other pixels, too many or too few of them. */
function repacked(data: Uint8Array, random: Random): Uint8Array {
  try {
    const raw = inflateSync(data, { maxOutputLength: 1e6 })
    const size = random() < 0.5 ? raw.length : Math.floor(raw.length * random() * 2)
    return deflateSync(scratch(Buffer.concat([raw, raw]).subarray(0, size), random))
  } catch {
    return scratch(data, random)
  }
}

/** A stored block damaged, or a field of the manifest; CRC and SHA-256 are sound. Undefined: no readable .pxg file. */
export function mutatePxg(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  const file = decodePxg(bytes)
  if (!file.ok) return undefined
  const { fields } = file.value
  const image = Buffer.from(scratch(file.value.image, random))
  let at = 0
  const blocks = fields.blocks.map(entry => {
    const stored = image.subarray(at, at + entry.storedBytes)
    at += entry.storedBytes
    const codec = random() < 0.1 ? Math.floor(random() * 5) : entry.codec
    return { ...entry, codec, crc32: crc32(stored) }
  })
  const sha256 = new Uint8Array(createHash('sha256').update(image).digest())
  const edge = () => pick([0, 1, 255, 4096, 65_535], random) ?? 0
  const name = pick(
    ['leds', 'width', 'height', 'frames', 'loopCount', 'colorOrder', 'none', 'none'] as const,
    random,
  )
  const changed =
    name === undefined || name === 'none' ? {} : { [name]: name === 'colorOrder' ? edge() & 255 : edge() }
  return encodePxg({ manifest: encodeManifest({ ...fields, ...changed, blocks, sha256 }), image })
}

/** Records of Intel HEX damaged, doubled, dropped or moved; their checksums are sound. Undefined: no HEX. */
export function mutateHex(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  if (!/^:[0-9a-f]{10}/i.test(latin1(bytes.subarray(0, 11)))) return undefined
  const lines = latin1(bytes).split('\n')
  for (let n = 0; n < 1 + random() * 3; n++) {
    const at = Math.floor(random() * lines.length)
    const record = Buffer.from((lines[at] ?? '').slice(1).trim(), 'hex')
    const how = random()
    if (how < 0.15) lines.splice(at, 1)
    else if (how < 0.3) lines.splice(at, 0, lines[at] ?? '')
    else if (how < 0.45) lines.splice(Math.floor(random() * lines.length), 0, ...lines.splice(at, 1))
    else if (record.length >= 5) lines[at] = hexRecord(scratch(record.subarray(0, -1), random))
  }
  return ascii(lines.join('\n'))
}

/** The first byte is made to count the data. */
function hexRecord(body: Uint8Array): string {
  body[0] = body.length - 4
  const sum = body.reduce((total, byte) => total + byte, 0)
  return `:${Buffer.from([...body, -sum & 255])
    .toString('hex')
    .toUpperCase()}\r`
}

const numbers = ['0', '1', '-1', '256', '65535', '65536', '99999999', '4294967296', '1e9', '0.5', 'NaN', '']
const words = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  '\\',
  '\n',
  '{anim4\n',
  '{header\n',
  '#',
  'FFFFFF',
  '0x',
  '\u0000',
]

/** Numbers at the edge of what fits, lines doubled, dropped or moved, brackets too many. Undefined: no text. */
export function mutateText(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  if (!/^[\t\n\r\x20-\x7e]{8,}$/.test(latin1(bytes.subarray(0, 256)))) return undefined
  const text = latin1(bytes)
  const how = random()
  if (how < 0.4) return ascii(withNumber(text, random))
  const at = Math.floor(random() ** 2 * text.length)
  if (how < 0.6)
    return ascii(
      text.slice(0, at) + (pick(words, random) ?? '').repeat(1 + random() ** 8 * 3000) + text.slice(at),
    )
  const lines = text.split('\n')
  const from = Math.floor(random() ** 2 * lines.length)
  const some = lines.splice(from, 1 + random() ** 4 * 20)
  if (how < 0.75) lines.splice(Math.floor(random() * lines.length), 0, ...some)
  else if (how < 0.9) lines.splice(from, 0, ...some, ...some)
  return ascii(lines.join('\n'))
}

/** The first number from a random place on. */
function withNumber(text: string, random: Random): string {
  const from = Math.floor((random() < 0.6 ? random() ** 4 : random()) * text.length)
  const found = /\d+/.exec(text.slice(from, from + 2000))
  if (found === null) return text
  const at = from + found.index
  return text.slice(0, at) + (pick(numbers, random) ?? '') + text.slice(at + found[0].length)
}
