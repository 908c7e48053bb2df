import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError, toError } from '../kernel/errors.ts'
import type { BoardKind } from './board-kinds.ts'
import { parseIntelHex } from './intel-hex.ts'

/** Images that come with the program. Two folders below the package's root both in `src` and in `dist`. */
const prebuiltFolder = fileURLToPath(new URL('../../firmware-protocol/boards/prebuilt/', import.meta.url))
/** The largest flash of an ESP32; a HEX file of a Mega has 700 KB at most. */
const largestBytes = 32 * 1024 * 1024

export interface FirmwareImage {
  readonly file: string
  /** Hexadecimal, of the file. */
  readonly sha256: string
  /** Bytes that go into the chip. */
  readonly sizeBytes: number
}

/**
 * The image for a kind of board: `ownFile`, or the one that comes with the program, whose SHA-256 must be that of SHA256SUMS.
 * Rejects with `usage`, `file_missing` or `file_invalid`.
 */
export async function firmwareImage(
  kind: BoardKind,
  ownFile: string | undefined,
  folder: string = prebuiltFolder,
): Promise<FirmwareImage> {
  const { image, tool, label } = kind
  if (ownFile === undefined && image === undefined)
    throw new AppError(
      'usage',
      `No firmware for ${label} comes with the program. Build a sketch of the Arduino library (docs/arduino.md) and give its file: --image FILE`,
    )
  const file = ownFile === undefined ? `${folder}${image}` : resolve(ownFile)
  if (!tool.imageSuffixes.some(suffix => file.endsWith(suffix)))
    throw new AppError(
      'usage',
      `For ${label} an image is a ${tool.imageSuffixes.join(' or ')} file, not ${file}.`,
    )
  const bytes = await contents(file)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (ownFile === undefined) await checkSum(folder, file, sha256)
  return { file, sha256, sizeBytes: file.endsWith('.hex') ? hexBytes(file, bytes) : bytes.length }
}

async function contents(file: string): Promise<Buffer> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (thrown) {
    const cause = toError(thrown)
    throw new AppError('file_missing', `${file} cannot be read: ${cause.message}`, { cause })
  }
  if (bytes.length === 0 || bytes.length > largestBytes)
    throw new AppError('file_invalid', `${file} has ${bytes.length} bytes, so it is no firmware.`)
  return bytes
}

async function checkSum(folder: string, file: string, sha256: string): Promise<void> {
  const sums = (await contents(`${folder}SHA256SUMS`)).toString('utf8')
  const [, stated] = new RegExp(`^([0-9a-f]{64}) [ *]${basename(file)}$`, 'm').exec(sums) ?? []
  if (stated !== sha256)
    throw new AppError(
      'file_invalid',
      `${file} is not the file that came with the program. Install the package again.`,
    )
}

function hexBytes(file: string, bytes: Buffer): number {
  const parsed = parseIntelHex(bytes.toString('latin1'))
  if (!parsed.ok) throw new AppError('file_invalid', `${file} is no whole Intel HEX file: ${parsed.fault}.`)
  return parsed.value.reduce((sum, segment) => sum + segment.bytes.length, 0)
}
