// Turns vectors/*.json into C tables for test/vectors.c. A file that is absent becomes an empty table and a name in `vectors_absent`.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.argv[2] ?? 'vectors'
const absent = []
const out = ['/* Made by test/vectors-to-c.mjs from the files in vectors/. */', '#include "vector-types.h"']
let arrays = 0

const load = name => {
  const path = join(folder, `${name}.json`)
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'))
  absent.push(`vectors/${name}.json`)
  return {}
}

const bytes = hex => {
  const raw = [...Buffer.from(hex ?? '', 'hex')]
  const name = `bytes_${arrays++}`
  out.push(`static const uint8_t ${name}[] = {${raw.length ? raw.join(',') : '0'}};`)
  return `{${name}, ${raw.length}}`
}

const numbers = list => {
  const name = `numbers_${arrays++}`
  out.push(`static const uint32_t ${name}[] = {${list.length ? list.map(n => `${n}u`).join(',') : '0'}};`)
  return name
}

const text = value => JSON.stringify(String(value).replace(/[^\x20-\x7e]/g, '?'))

const table = (type, name, rows) => {
  out.push(`static const ${type} ${name}[] = {${rows.length ? rows.join(',\n') : '{0}'}};`)
  out.push(`static const size_t ${name}_count = ${rows.length};`)
}

const frame = f => `{${text(f.name ?? '')}, ${f.version ?? 1}, ${f.type}, ${f.session}, ${f.seq}, ${bytes(f.body)}, ${bytes(f.wire)}}`

const frames = load('frames')
table('vector_frame', 'vector_frames', (frames.valid ?? []).map(frame))
table('vector_named', 'vector_bad_frames', (frames.invalid ?? []).map(f => `{${text(f.name)}, ${bytes(f.wire)}}`))
table(
  'vector_stream',
  'vector_streams',
  (frames.streams ?? []).map((s, i) => {
    table('vector_frame', `stream_${i}`, s.frames.map(frame))
    return `{${text(s.name)}, ${bytes(s.wire)}, stream_${i}, ${s.frames.length}}`
  }),
)

const blocks = load('blocks')
const block = b =>
  `{${text(b.name)}, ${b.codec}, ${b.channels}, ${b.leds}, ${b.frames}, ${numbers(b.delays ?? [])}, ${bytes(b.stored)}, ${bytes(b.decoded)}}`
table('vector_block', 'vector_blocks', (blocks.valid ?? []).map(block))
table('vector_block', 'vector_bad_blocks', (blocks.invalid ?? []).map(block))

const manifests = load('manifests')
const manifest = m => {
  const raw = Buffer.from(m.bytes, 'hex')
  const begunBlocks = m.beginBlocks ?? (raw.length >= 4 ? raw.readUInt16LE(2) : 0)
  const begunImage = m.beginImageBytes ?? (raw.length >= 8 ? raw.readUInt32LE(4) : 0)
  const error = m.error ? `PG_${m.error}` : 'PG_OK'
  const limits = [m.boardLeds ?? 65535, m.codecs ?? 15, m.decodeBytes ?? 0xffffffff, m.blockBytes ?? 65535]
  return `{${text(m.name)}, ${bytes(m.bytes)}, ${begunBlocks}, ${begunImage}u, ${limits.map(n => `${n}u`).join(', ')}, ${error}, ${m.detail ?? -1}}`
}
table('vector_manifest', 'vector_manifests', [...(manifests.valid ?? []), ...(manifests.invalid ?? [])].map(manifest))

const errors = [
  'UNSUPPORTED BAD_LENGTH BAD_STATE NO_SESSION NO_TRANSFER BAD_MANIFEST TOO_LARGE BAD_GEOMETRY UNKNOWN_CODEC DECODE_MEMORY',
  'NO_SLOT STORAGE BLOCK_CRC DIGEST NOT_VERIFIED BUSY BAD_ARGUMENT NOT_FOUND OLD_GENERATION UNAUTHORIZED BAD_VERSION',
].flatMap(line => line.split(' '))
const messages = load('messages')
// ERR itself is never answered by the board: on a line that echoes, the answers would go round in circles.
const refused = (messages.invalid ?? []).filter(m => m.direction === 'host' && m.type !== 3)
table(
  'vector_message',
  'vector_refused',
  refused.map(m => `{${text(m.name)}, ${m.type}, ${bytes(m.body)}, ${errors.indexOf(m.error) + 1}, ${m.detail ?? -1}}`),
)

const digests = load('digests')
table('vector_crc', 'vector_crcs', (digests.crc32 ?? []).map(d => `{${bytes(d.bytes)}, ${d.crc32}u}`))
table(
  'vector_digest',
  'vector_sips',
  (digests.sipHash128 ?? []).map(d => `{${bytes(d.key)}, ${bytes(d.bytes)}, ${bytes(d.digest)}}`),
)
table('vector_digest', 'vector_shas', (digests.sha256 ?? []).map(d => `{${bytes('')}, ${bytes(d.bytes)}, ${bytes(d.digest)}}`))

const fields = [
  'leds', 'width', 'height', 'slots', 'storageBytes', 'eraseUnit', 'maxBody', 'rxBuffer', 'window', 'lineRateBaud',
  'maxBaud', 'decodeBytes', 'blockBytes', 'maxPowerMa', 'codecs', 'digests', 'flags', 'macs',
]
const dialogues = ['handshake', 'transfer', 'pairing'].flatMap(name => {
  const file = load(name)
  const cases = Array.isArray(file) ? file : (file.cases ?? file.scenarios ?? (file.steps ? [file] : []))
  return cases.map((c, i) => ({ label: `${name}.json ${c.name ?? i}`, ...c }))
})
table(
  'vector_dialogue',
  'vector_dialogues',
  dialogues.map((d, i) => {
    const board = d.board
    const step = s => {
      if (s.host !== undefined) return `{VECTOR_HOST, 0, ${bytes(s.host)}}`
      if (s.board !== undefined) return `{VECTOR_BOARD, 0, ${bytes(s.board)}}`
      return `{VECTOR_ADVANCE, ${s.advanceMs}, ${bytes('')}}`
    }
    table('vector_step', `steps_${i}`, d.steps.map(step))
    const names = [board.firmwareName, board.firmwareVersion, board.boardName].map(n => text(n ?? ''))
    return `{${text(d.label)}, ${numbers(fields.map(f => board[f] ?? 0))}, ${bytes(board.uuid ?? '00'.repeat(16))}, ${names.join(', ')}, steps_${i}, ${d.steps.length}}`
  }),
)
out.push(`static const char *const vectors_absent[] = {${[...absent.map(text), '0'].join(', ')}};`)
process.stdout.write(`${out.join('\n')}\n`)
