import { createHash } from 'node:crypto'
import { fail, ok, type Result } from '../../kernel/result.ts'
import { decodeDelays } from '../../protocol/block/delays.ts'
import { crc32 } from '../../protocol/crc32.ts'
import { decodeManifest, type Manifest, manifestFixedBytes, manifestKinds } from '../../protocol/manifest.ts'
import { blockEntry } from '../../protocol/message-layouts.ts'
import type { ByteSource } from '../byte-source.ts'
import type { Candidate, Importer, ImportHint } from '../candidate.ts'
import { type ColorOrder, channelsOf, colorOrderOf } from '../color-order.ts'
import { invalidAt, type PatternFault } from '../fault.ts'
import { overLimit } from '../limits.ts'
import { patternName } from '../pattern.ts'
import { openPxg, type PxgBlock, type PxgLayout } from './pxg-frames.ts'
import { u16 } from './timed-frames.ts'

const magic = 'PXG1'
/** Offset in the file of what stands at `offset` of the manifest. */
const inFile = (offset: number): number => magic.length + offset
/** Offsets in the manifest (SPEC §10.2) of what faults name. */
const at = { blocks: 2, macBytes: 27, width: 18, colorOrder: 23, sha256: 40 } as const

/**
 * `.pxg`: a compiled image as a file (SPEC §10.14). The whole image is checked against its hash and every block's checksum before a
 * reading is offered; pixels are decoded when it is opened. Pixels lie in the order of a strip, and the file does not say which.
 */
export const readPxg: Importer = (source, limits, hint) => {
  const front = source.read(0, inFile(manifestFixedBytes))
  if (Buffer.from(front.subarray(0, magic.length)).toString('latin1') !== magic) return ok([])
  const read = readManifest(source, front)
  if (!read.ok) return read
  const { manifest, imageAt } = read.value
  if (manifest.kind === manifestKinds.opaque)
    return fail({
      kind: 'unsupported',
      format: 'pxg',
      message: `this .pxg file holds ${manifest.imageBytes} bytes of something else than a pattern (an opaque image); only patterns can be shown`,
    })
  const laidOut = layoutOf(manifest, hint)
  if (!laidOut.ok) return laidOut
  const layout = laidOut.value
  const { width, height } = layout
  const over =
    overLimit({ width: manifest.leds, height: 1, frames: manifest.frames }, limits) ??
    overLimit({ width, height, frames: manifest.frames }, limits)
  if (over !== undefined)
    return fail({ kind: 'too_large', message: `the pattern of the .pxg file is too large: ${over}` })
  const checked = checkBlocks(source, manifest, imageAt)
  if (!checked.ok) return checked
  const blocks = checked.value
  const name = manifest.name.replace(/\p{Cc}+/gu, ' ').trim() || patternName(hint.fileName)
  const candidate: Candidate = {
    format: 'pxg',
    width: layout.matrix ? width : null,
    height: layout.matrix ? height : null,
    leds: width * height,
    channels: 3,
    frames: manifest.frames,
    durationMs: blocks.reduce(
      (sum, { delaysMs }) => sum + delaysMs.reduce((block, delay) => block + delay, 0),
      0,
    ),
    confidence: 0.99,
    reason: reasonOf(manifest, layout),
    selfDescribing: true,
    open: options =>
      openPxg(source, blocks, layout, { name, loopCount: manifest.loopCount }, limits, options?.frames),
  }
  return ok([candidate])
}

interface Read {
  readonly manifest: Manifest
  /** Offset of the image in the file. */
  readonly imageAt: number
}

function readManifest(source: ByteSource, front: Uint8Array): Result<Read, PatternFault> {
  const { sizeBytes } = source
  const cut = (expected: number) =>
    fail(
      invalidAt(
        sizeBytes,
        `the .pxg file was cut short: ${expected} bytes were expected, it has ${sizeBytes}; get it anew`,
      ),
    )
  if (front.length < inFile(manifestFixedBytes)) return cut(inFile(manifestFixedBytes))
  const blocks = u16(front, inFile(at.blocks))
  const imageAt =
    inFile(manifestFixedBytes) + blocks * blockEntry.sizeBytes + (front[inFile(at.macBytes)] ?? 0)
  if (sizeBytes < imageAt) return cut(imageAt)
  const decoded = decodeManifest(source.read(inFile(0), imageAt - inFile(0)))
  if (!decoded.ok) {
    const offset = inFile('offset' in decoded.fault ? decoded.fault.offset : 0)
    return fail(
      invalidAt(
        offset,
        'the manifest of the .pxg file contradicts itself here (SPEC §10.2); it is damaged, get it anew',
      ),
    )
  }
  const manifest = decoded.value
  const expected = imageAt + manifest.imageBytes
  if (sizeBytes < expected) return cut(expected)
  if (sizeBytes > expected)
    return fail(
      invalidAt(
        expected,
        `${sizeBytes - expected} bytes follow the image of the .pxg file; it should end here`,
      ),
    )
  return ok({ manifest, imageAt })
}

/** Canvas and colours that a manifest names. */
function layoutOf(manifest: Manifest, hint: ImportHint): Result<PxgLayout, PatternFault> {
  const { leds, width, height, channels } = manifest
  const order: ColorOrder | undefined = colorOrderOf(manifest.colorOrder)
  if (order === undefined || channelsOf(order) !== channels) {
    const message = `colour order ${manifest.colorOrder} with ${channels} channels is none of SPEC §10.2; the manifest is damaged`
    return fail(invalidAt(inFile(at.colorOrder), message))
  }
  const matrix = width > 0 && height > 0
  if (matrix && width * height > leds) {
    const message = `a canvas of ${width}×${height} does not fit on the ${leds} LEDs of the image; the manifest is damaged`
    return fail(invalidAt(inFile(at.width), message))
  }
  if (matrix) return ok({ width, height, matrix, leds, order })
  const told = hint.width !== undefined && hint.height !== undefined && hint.width * hint.height === leds
  const canvas = told ? { width: hint.width, height: hint.height } : { width: leds, height: 1 }
  return ok({ ...canvas, matrix: told, leds, order })
}

function reasonOf({ frames }: Manifest, { width, height, matrix, leds, order }: PxgLayout): string {
  const beyond = leds - width * height
  return [
    `compiled image of pixelgate, ${matrix ? `${width}×${height}` : `${leds} LEDs in a row`}, ${frames} frames; its hash is right`,
    ...(order === 'RGB' ? [] : [`colours turned back from ${order}`]),
    ...(channelsOf(order) === 4 ? ['the white of each LED is added to red, green and blue'] : []),
    ...(beyond > 0 ? [`${beyond} LEDs beyond the matrix are left out`] : []),
    ...(matrix
      ? [
          'if it was made for a board, its pixels lie in the order of that strip: give the wiring of the source',
        ]
      : []),
  ].join('; ')
}

/** The blocks with their delays, after the whole image was found undamaged. */
function checkBlocks(
  source: ByteSource,
  manifest: Manifest,
  imageAt: number,
): Result<readonly PxgBlock[], PatternFault> {
  const hash = createHash('sha256')
  const blocks: PxgBlock[] = []
  let offset = imageAt
  for (const [index, entry] of manifest.blocks.entries()) {
    const stored = source.read(offset, entry.storedBytes)
    const damaged = (what: string) =>
      fail(invalidAt(offset, `block ${index} of the .pxg file ${what}; the file is damaged, get it anew`))
    if (crc32(stored) !== entry.crc32) return damaged('does not have the checksum that its manifest says')
    const delays = decodeDelays({ bytes: stored, at: 0 }, entry.frames)
    if (!delays.ok) return damaged('does not begin with the times of its frames')
    hash.update(stored)
    blocks.push({ ...entry, offset, delaysMs: delays.value.map(delayMs => Math.max(1, delayMs)) })
    offset += entry.storedBytes
  }
  if (Buffer.compare(hash.digest(), manifest.sha256) === 0) return ok(blocks)
  return fail(
    invalidAt(
      inFile(at.sha256),
      'the image of the .pxg file does not have the SHA-256 that its manifest says; the file is damaged, get it anew',
    ),
  )
}
