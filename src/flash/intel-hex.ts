import { fail, ok, type Result } from '../kernel/result.ts'

/** A run of bytes at an address. */
export interface HexSegment {
  readonly address: number
  readonly bytes: Uint8Array
}

/** Records as Intel's specification of 1988 has them (revision A). */
const record = { data: 0, end: 1, segment: 2, startSegment: 3, linear: 4, startLinear: 5 } as const

/**
 * Reads an Intel HEX file: segments by ascending address, neighbours joined. Fails with a sentence for a line that is none, a
 * wrong checksum, data that overlap, or a file without end record.
 */
export function parseIntelHex(text: string): Result<readonly HexSegment[], string> {
  const parts: { address: number; bytes: Buffer }[] = []
  let base = 0
  let ended = false
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line === '') continue
    if (ended) return fail(`line ${at + 1} comes after the end record`)
    if (!/^:(?:[0-9a-fA-F]{2}){5,260}$/.test(line)) return fail(`line ${at + 1} is no record`)
    const bytes = Buffer.from(line.slice(1), 'hex')
    const [count = 0, high = 0, low = 0, type = 0] = bytes
    if (bytes.length !== count + 5) return fail(`line ${at + 1} has another length than it says`)
    if (bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0) !== 0)
      return fail(`line ${at + 1} has a wrong checksum`)
    const data = bytes.subarray(4, -1)
    if (type === record.data) parts.push({ address: base + high * 256 + low, bytes: data })
    else if (type === record.end) ended = true
    else if ((type === record.segment || type === record.linear) && count === 2)
      base = type === record.segment ? data.readUInt16BE() * 16 : data.readUInt16BE() * 65_536
    else if (type !== record.startSegment && type !== record.startLinear)
      return fail(`line ${at + 1} has the unknown type ${type}`)
  }
  if (!ended) return fail('it has no end record')
  return joined(parts.sort((a, b) => a.address - b.address))
}

function joined(parts: readonly { address: number; bytes: Buffer }[]): Result<readonly HexSegment[], string> {
  const runs: { address: number; end: number; pieces: Buffer[] }[] = []
  for (const { address, bytes } of parts) {
    const last = runs.at(-1)
    if (last !== undefined && address < last.end) return fail(`two records hold address ${address}`)
    if (last !== undefined && address === last.end) {
      last.pieces.push(bytes)
      last.end += bytes.length
    } else runs.push({ address, end: address + bytes.length, pieces: [bytes] })
  }
  return ok(runs.map(({ address, pieces }) => ({ address, bytes: Buffer.concat(pieces) })))
}
