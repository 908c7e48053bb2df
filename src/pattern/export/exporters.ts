import { apngExporter } from './apng.ts'
import type { Exporter } from './exporter.ts'
import { gifExporter } from './gif.ts'
import { pngExporter } from './png.ts'

/** Every format that can be written. A new one is a file beside this and a line here. */
export const exporters: readonly Exporter[] = [gifExporter, apngExporter, pngExporter]
