import { apngExporter } from './apng.ts'
import { dimExporter } from './bin-dim.ts'
import { rawExporter } from './bin-headerless.ts'
import { ledmExporter } from './bin-ledm.ts'
import { stdExporter } from './bin-std.ts'
import type { Exporter } from './exporter.ts'
import { fseqExporter, plainFseqExporter } from './fseq.ts'
import { gifExporter } from './gif.ts'
import { ledsExporter } from './leds.ts'
import { pngExporter } from './png.ts'
import { pxgExporter } from './pxg.ts'

/** Every format that can be written; of those with one extension the first is meant. A new one is a file beside this and a line here. */
export const exporters: readonly Exporter[] = [
  ledsExporter,
  gifExporter,
  apngExporter,
  pngExporter,
  stdExporter,
  dimExporter,
  ledmExporter,
  rawExporter,
  pxgExporter,
  fseqExporter,
  plainFseqExporter,
]
