/** Data bytes of a record, as every programmer takes them. */
const recordBytes = 16
/** ':' and the end of the line, and two digits for length, address, type and checksum each byte. */
const overhead = 2 + 2 * 5

const digits = Buffer.from('0123456789ABCDEF')

/** Characters of `bytes` bytes as Intel HEX from address 0. */
export function intelHexSize(bytes: number): number {
  const records = Math.ceil(bytes / recordBytes)
  const borders = Math.max(0, Math.ceil(bytes / 0x10000) - 1)
  return bytes * 2 + (records + borders + 1) * overhead + borders * 4
}

/**
 * Intel HEX from address 0: records of 16 bytes, type 04 at each border of 64 KiB, and the end record (Hexadecimal Object File Format
 * Specification, Intel 1988).
 */
export function intelHexRecords(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(intelHexSize(bytes.length))
  let to = 0
  const digitsOf = (byte: number) => {
    out[to++] = digits[byte >> 4] ?? 0
    out[to++] = digits[byte & 15] ?? 0
  }
  const record = (address: number, type: number, data: Uint8Array) => {
    out[to++] = 0x3a
    let sum = 0
    const put = (byte: number) => {
      sum += byte
      digitsOf(byte)
    }
    put(data.length)
    put((address >> 8) & 0xff)
    put(address & 0xff)
    put(type)
    for (const byte of data) put(byte)
    digitsOf(-sum & 0xff)
    out[to++] = 0x0a
  }
  for (let at = 0; at < bytes.length; at += recordBytes) {
    if (at > 0 && at % 0x10000 === 0) record(0, 4, Uint8Array.of(at >>> 24, (at >> 16) & 0xff))
    record(at & 0xffff, 0, bytes.subarray(at, at + recordBytes))
  }
  record(0, 1, new Uint8Array(0))
  return out
}
