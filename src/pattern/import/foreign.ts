import type { ByteSource } from '../byte-source.ts'
import { u16 } from './timed-frames.ts'

interface Signature {
  readonly name: string
  readonly matches: (bytes: Uint8Array) => boolean
}

/** How much of a file is looked at. */
const lookedAtBytes = 4 * 1024 * 1024

const ascii = (bytes: Uint8Array, at: number, length: number): string =>
  Buffer.from(bytes.subarray(at, at + length)).toString('latin1')

const begins =
  (...starts: readonly string[]) =>
  (bytes: Uint8Array): boolean =>
    starts.some(start => ascii(bytes, 0, start.length) === start)

/** Files that are clearly something else, most specific first. A format leaves this list when its importer arrives. */
const signatures: readonly Signature[] = [
  { name: 'a JPEG picture', matches: begins('\xff\xd8\xff') },
  {
    name: 'a WebP picture',
    matches: bytes => ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP',
  },
  { name: 'a RIFF file (WAV sound or AVI film)', matches: begins('RIFF') },
  {
    name: 'a BMP picture',
    matches: bytes =>
      begins('BM')(bytes) && u16(bytes, 6) === 0 && u16(bytes, 8) === 0 && u16(bytes, 12) === 0,
  },
  { name: 'a TIFF picture', matches: begins('II*\0', 'MM\0*') },
  { name: 'an MP4 film', matches: bytes => ascii(bytes, 4, 4) === 'ftyp' },
  { name: 'a Matroska or WebM film', matches: begins('\x1aE\xdf\xa3') },
  { name: 'an Ogg file', matches: begins('OggS') },
  { name: 'an MP3 sound', matches: begins('ID3') },
  { name: 'a ZIP archive', matches: begins('PK\x03\x04', 'PK\x05\x06') },
  { name: 'a gzip archive', matches: begins('\x1f\x8b\x08') },
  { name: 'an xz archive', matches: begins('\xfd7zXZ\0') },
  { name: 'a 7z archive', matches: begins('7z\xbc\xaf\x27\x1c') },
  { name: 'a RAR archive', matches: begins('Rar!\x1a\x07') },
  { name: 'a Zstandard archive', matches: begins('\x28\xb5\x2f\xfd') },
  { name: 'a tar archive', matches: bytes => ascii(bytes, 257, 5) === 'ustar' },
  { name: 'a program (ELF)', matches: begins('\x7fELF') },
  { name: 'a program (Windows)', matches: isWindowsProgram },
  { name: 'a program (Mach-O)', matches: begins('\xcf\xfa\xed\xfe', '\xca\xfe\xba\xbe') },
  { name: 'a WebAssembly module', matches: begins('\0asm') },
  { name: 'a PDF document', matches: begins('%PDF-') },
  { name: 'an SQLite database', matches: begins('SQLite format 3\0') },
  { name: 'a TPM2 recording', matches: isTpm2 },
  { name: 'a Jinx! or Glediator recording (.out)', matches: isJinx },
  {
    name: 'an Intel HEX file',
    matches: bytes => /^:[0-9A-F]{10,}\r?\n(:[0-9A-F]+\s*)*/i.test(ascii(bytes, 0, 600)) && isText(bytes),
  },
  {
    name: 'a JSON file',
    matches: bytes =>
      isText(bytes) && /^\s*(\{\s*"|\[\s*[[{"\d-]|\{\s*\}|\[\s*\])/.test(ascii(bytes, 0, 600)),
  },
  {
    name: 'an XML, SVG or HTML file',
    matches: bytes => isText(bytes) && /^\s*<[?!a-z]/i.test(ascii(bytes, 0, 600)),
  },
  { name: 'a text file', matches: isText },
]

/** What the file is if it clearly is something that no importer reads; undefined when it may be raw pixels. */
export function recogniseForeign(source: ByteSource): string | undefined {
  const bytes = source.read(0, lookedAtBytes)
  return signatures.find(signature => signature.matches(bytes))?.name
}

function isWindowsProgram(bytes: Uint8Array): boolean {
  const header = u16(bytes, 0x3c) + u16(bytes, 0x3e) * 0x10000
  return ascii(bytes, 0, 2) === 'MZ' && ascii(bytes, header, 4) === 'PE\0\0'
}

/** Blocks `C9 DA hi lo data 36` (length big-endian) or tpm2.net `9C DA hi lo number total data 36`; the first must be whole. */
function isTpm2(bytes: Uint8Array): boolean {
  const start = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
  const length = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)
  return (start === 0xc9da && bytes[4 + length] === 0x36) || (start === 0x9cda && bytes[6 + length] === 0x36)
}

/** 0x01 begins each frame and never occurs within one. At least two frames, all of one length that holds whole LEDs. */
function isJinx(bytes: Uint8Array): boolean {
  if (bytes[0] !== 1) return false
  const stride = bytes.indexOf(1, 1)
  if (stride < 4 || (stride - 1) % 3 !== 0 || bytes.length % stride !== 0) return false
  for (let at = stride; at < bytes.length; ) {
    const next = bytes.indexOf(1, at + 1)
    if (bytes[at] !== 1 || (next === -1 ? bytes.length : next) !== at + stride) return false
    at += stride
  }
  return true
}

/** Nothing but printable characters and white space (ASCII, or UTF-8 beyond it) in the first 4 KiB, and letters or digits among them. */
function isText(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, 4096)
  let plain = 0
  for (const byte of sample) {
    if (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13) return false
    if (byte === 0x7f) return false
    if (byte < 0x80) plain++
  }
  const lines = sample.includes(10) || sample.length < 200
  return lines && plain >= sample.length * 0.9
}
