import { createHash } from 'node:crypto'
import { crc32 } from '../../src/protocol/crc32.ts'
import { sipHash128 } from '../../src/protocol/siphash.ts'
import { counting, hex } from './hex.ts'

const inputs: readonly Uint8Array[] = [
  new Uint8Array(0),
  Uint8Array.of(0),
  new TextEncoder().encode('123456789'),
  ...[7, 8, 9, 15, 16, 17, 55, 56, 63, 64, 65, 127, 128, 1000].map(size => counting(size)),
]
const key = counting(16)

/** firmware-protocol/vectors/digests.json: CRC-32 (SPEC §1.3), SipHash-2-4-128 and SHA-256 (SPEC §7.1). */
export const digestVectors = () => ({
  crc32: inputs.map(bytes => ({ bytes: hex(bytes), crc32: crc32(bytes) })),
  sipHash128: inputs.map(bytes => ({
    key: hex(key),
    bytes: hex(bytes),
    digest: hex(sipHash128(key, bytes)),
  })),
  sha256: inputs.map(bytes => ({
    bytes: hex(bytes),
    digest: createHash('sha256').update(bytes).digest('hex'),
  })),
})
