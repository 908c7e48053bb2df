import { cHeaderExporter } from './c-header.ts'
import type { Exporter } from './exporter.ts'
import { hexDimExporter, hexExporter, hexRawExporter } from './intel-hex.ts'
import { jinxExporter } from './jinx.ts'
import { tpm2Exporter } from './tpm2.ts'
import { wledExporter } from './wled.ts'

/** Every format that can be written. A new one is a file beside this and a line here. */
export const exporters: readonly Exporter[] = [
  jinxExporter,
  tpm2Exporter,
  hexExporter,
  hexDimExporter,
  hexRawExporter,
  wledExporter,
  cHeaderExporter,
]
