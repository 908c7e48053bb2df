import { createHash } from 'node:crypto'

/** SHA-256 over a payload and what stands beside it in its row. */
export function rowHash(args: readonly (string | number)[], payload: Uint8Array): Buffer {
  return createHash('sha256').update(JSON.stringify(args)).update(payload).digest()
}
