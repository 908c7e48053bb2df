import { createHash } from 'node:crypto'
import { chooseCandidate } from '../../pattern/choose.ts'
import { detectPattern } from '../../pattern/detect.ts'
import { exporters } from '../../pattern/export/exporters.ts'
import type { PatternLimits } from '../../pattern/limits.ts'
import { openPart } from '../../pattern/open-part.ts'
import { fromSourceWiring, parseWiring } from '../../pattern/wiring.ts'
import { readingHint, wantedPart } from '../reading-hint.ts'
import { unwrap } from '../unwrap.ts'
import type { UploadOptions } from '../upload-options.ts'

export interface ExportOrder
  extends Pick<
    UploadOptions,
    | 'fileName'
    | 'candidate'
    | 'leds'
    | 'width'
    | 'height'
    | 'sprite'
    | 'channels'
    | 'frames'
    | 'sourceWiring'
    | 'colorOrder'
  > {
  readonly format: string
  /** Without an ending. */
  readonly name: string
}

export interface ExportWork {
  readonly bytes: Uint8Array
  /** Hexadecimal. */
  readonly sha256: string
  /** One sentence for each thing that the format cannot keep. */
  readonly notes: readonly string[]
}

/** A file in another format, at its own size. Throws AppErrors of the pattern module. */
export function exportPattern(source: Uint8Array, order: ExportOrder, limits: PatternLimits): ExportWork {
  const exporter = exporters.find(({ format }) => format === order.format)
  if (exporter === undefined) throw new Error(`there is no exporter for ${order.format}`)
  const { width, height, sourceWiring, name, colorOrder } = order
  const candidates = unwrap(detectPattern(source, readingHint(order), limits))
  const candidate = unwrap(chooseCandidate(candidates, order.candidate))
  const opened = unwrap(openPart(candidate, wantedPart(order)))
  const size = width !== undefined && height !== undefined ? { width, height } : opened
  const pattern =
    sourceWiring === undefined
      ? opened
      : unwrap(fromSourceWiring(opened, unwrap(parseWiring(sourceWiring)), size))
  const { bytes, notes } = unwrap(exporter.write(pattern, { name, colorOrder }))
  return { bytes, notes, sha256: createHash('sha256').update(bytes).digest('hex') }
}
