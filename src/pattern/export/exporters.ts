import type { Exporter } from './exporter.ts'
import { fseqExporter, plainFseqExporter } from './fseq.ts'

/** Every format that can be written. A new one is a file beside this and a line here. */
export const exporters: readonly Exporter[] = [fseqExporter, plainFseqExporter]
