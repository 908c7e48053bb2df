import { fail, ok, type Result } from '../../kernel/result.ts'
import { type ByteSource, bytesSource, wholeFile } from '../byte-source.ts'
import type { Candidate, Importer, ImportHint } from '../candidate.ts'
import { invalidLine, type PatternFault } from '../fault.ts'
import type { PatternLimits } from '../limits.ts'
import { readBinDim } from './bin-dim.ts'
import { readBinHeaderless } from './bin-headerless.ts'
import { readBinLedm } from './bin-ledm.ts'
import { readBinStd } from './bin-std.ts'
import { type HexImage, isHexRecord, readHexImage } from './intel-hex-records.ts'

/** Files with a header that are sent as HEX. */
const wrapped: readonly Importer[] = [readBinLedm, readBinStd, readBinDim]

/** Looked at to know the format: a few records, the first of which may be damaged. */
const sniffedBytes = 4096

/**
 * Intel HEX around another file: STD (`hex`), DIM (`hex-dim`), LEDM (`hex-ledm`) or raw pixels (`hex-raw`). The decoded bytes are read
 * as a file of their own, so raw pixels are as ambiguous as in a `.bin`.
 */
export const readIntelHex: Importer = (source, limits, hint) => {
  if (!looksLikeHex(source)) return ok([])
  const file = wholeFile(source, limits)
  if (!file.ok) return file
  const image = readHexImage(file.value)
  if (!image.ok) return image
  const inner = readWrapped(image.value, limits, hint)
  if (!inner.ok) return fail(atLine(inner.fault, image.value))
  return ok(inner.value.map(candidate => described(candidate, image.value)))
}

/** Among the first lines is a record, or the only line begins like one. */
function looksLikeHex(source: ByteSource): boolean {
  const text = Buffer.from(source.read(0, sniffedBytes)).toString('latin1')
  if (/^\s*:[0-9A-Fa-f]*\s*$/.test(text)) return true
  const lines = text.split('\n', 8)
  return lines.some(line => isHexRecord(Buffer.from(line.trimEnd(), 'latin1')))
}

function readWrapped(
  image: HexImage,
  limits: PatternLimits,
  hint: ImportHint,
): Result<readonly Candidate[], PatternFault> {
  const source = bytesSource(image.bytes)
  const found: Candidate[] = []
  let damage: PatternFault | undefined
  for (const importer of wrapped) {
    const read = importer(source, limits, hint)
    if (read.ok) found.push(...read.value)
    else damage ??= read.fault
  }
  if (found.length > 0) return ok(found)
  return damage === undefined ? readBinHeaderless(source, limits, hint) : fail(damage)
}

function described(candidate: Candidate, image: HexImage): Candidate {
  const { bytes, address, startsProgram } = image
  const where = address === 0 ? '' : ` from address ${address.toString(16).toUpperCase().padStart(4, '0')}`
  const program = startsProgram ? '; it says where a program starts, so it may be one' : ''
  return {
    ...candidate,
    format: candidate.format === 'std' ? 'hex' : `hex-${candidate.format}`,
    // Checksums, addresses and a length that fits leave no doubt.
    confidence: candidate.selfDescribing ? 0.99 : candidate.confidence,
    reason: `Intel HEX of ${bytes.length} bytes${where}${program}: ${candidate.reason}`,
  }
}

/** The place of a fault in the decoded bytes, as the line of the file that holds it. */
function atLine(fault: PatternFault, image: HexImage): PatternFault {
  if (fault.kind !== 'invalid') return fault
  const message = `in the ${image.bytes.length} bytes of the Intel HEX file, ${fault.message}`
  return invalidLine(image.lineOf(fault.offset ?? image.bytes.length), message)
}
