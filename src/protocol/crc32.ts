import { crc32 as nativeCrc32 } from 'node:zlib'

/**
 * CRC-32/ISO-HDLC, unsigned (SPEC §1.3). `seed` is the CRC of the bytes before, so that
 * `crc32(b, crc32(a))` is the CRC of a followed by b.
 */
export const crc32 = (bytes: Uint8Array, seed = 0): number => nativeCrc32(bytes, seed)
