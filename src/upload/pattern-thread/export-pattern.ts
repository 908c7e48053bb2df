import { chooseCandidate } from '../../pattern/choose.ts'
import { detectPattern } from '../../pattern/detect.ts'
import { exporters } from '../../pattern/export/exporters.ts'
import { fromSourceWiring, parseWiring } from '../../pattern/wiring.ts'
import { unwrap } from '../unwrap.ts'
import type { UploadOptions } from '../upload-options.ts'

export interface ExportOrder
  extends Pick<
    UploadOptions,
    'fileName' | 'candidate' | 'leds' | 'width' | 'height' | 'sourceWiring' | 'colorOrder'
  > {
  readonly format: string
  /** Without an ending. */
  readonly name: string
}

/** A file in another format, at its own size. Throws AppErrors of the pattern module. */
export function exportPattern(source: Uint8Array, order: ExportOrder): Uint8Array {
  const exporter = exporters.find(({ format }) => format === order.format)
  if (exporter === undefined) throw new Error(`there is no exporter for ${order.format}`)
  const { width, height, sourceWiring, name, colorOrder } = order
  const candidates = unwrap(detectPattern(source, order))
  const opened = unwrap(unwrap(chooseCandidate(candidates, order.candidate)).open())
  const size = width !== undefined && height !== undefined ? { width, height } : opened
  const pattern =
    sourceWiring === undefined
      ? opened
      : unwrap(fromSourceWiring(opened, unwrap(parseWiring(sourceWiring)), size))
  return unwrap(exporter.write(pattern, { name, colorOrder })).bytes
}
