import { extname } from 'node:path'
import { AppError } from '../kernel/errors.ts'
import type { Result } from '../kernel/result.ts'
import { apngExporter } from '../pattern/export/apng.ts'
import type { ExportedFile } from '../pattern/export/exporter.ts'
import { gifExporter } from '../pattern/export/gif.ts'
import { encodePng } from '../pattern/export/png-encode.ts'
import { type PatternFault, patternError } from '../pattern/fault.ts'
import { contactSheet } from '../pattern/look/contact-sheet.ts'
import type { Look } from '../pattern/look/led-look.ts'
import { lookPattern } from '../pattern/look/look-pattern.ts'
import type { Pattern } from '../pattern/pattern.ts'
import { type LocalReading, openPatternFile } from './open-pattern.ts'
import type { PatternOutput } from './pattern-inspect.ts'
import { mayWrite, writeNewFile } from './write-new-file.ts'

export interface PictureOptions extends LocalReading {
  /** `.gif`, or `.png` and `.apng`: an animated PNG. */
  readonly out?: string | undefined
  /** A PNG with frames side by side. */
  readonly contactSheet?: string | undefined
  readonly look: Look
  /** Pixels of an LED's side. */
  readonly cell?: number | undefined
  readonly force: boolean
}

/** A picture that is no drawing for LEDs is shown on a panel of so many at most. */
const panelSide = 64

/**
 * `pixelgate pattern preview --out … --contact-sheet …`: the pattern as pictures for people. Names are judged before anything is done;
 * rejects with AppError as `openPatternFile` and `writeNewFile` do.
 */
export async function writePictures(
  file: string,
  options: PictureOptions,
  out: PatternOutput,
): Promise<number> {
  const { force, look, cell } = options
  const animation = options.out === undefined ? undefined : animationFormat(options.out)
  const sheet = options.contactSheet
  if (sheet !== undefined && extname(sheet).toLowerCase() !== '.png')
    throw new AppError(
      'usage',
      `A contact sheet is a PNG picture; give --contact-sheet a name that ends in .png.`,
    )
  for (const path of [options.out, sheet]) if (path !== undefined) await mayWrite(path, { force })
  const pattern = await openPatternFile(file, options, ({ picture, width, height }) =>
    picture === true && look === 'led' ? panelSize(width ?? 1, height ?? 1) : undefined,
  )
  if (options.out !== undefined && animation !== undefined) {
    const drawn = value(lookPattern(pattern, { look, cell }))
    const { bytes, notes } = value(animation(drawn))
    await writeNewFile(options.out, bytes, { force })
    const frames = drawn.frames.length === 1 ? '1 frame' : `${drawn.frames.length} frames`
    out.write(`${options.out}: ${frames} of ${drawn.width}×${drawn.height}, ${bytes.length} bytes\n`)
    for (const note of notes) out.write(`  ${note}\n`)
  }
  if (sheet !== undefined) {
    const picture = contactSheet(pattern, { look, cell })
    const bytes = encodePng(picture.pixels, picture)
    await writeNewFile(sheet, bytes, { force })
    out.write(`${sheet}: ${picture.width}×${picture.height}, ${bytes.length} bytes\n`)
  }
  return 0
}

type Write = (pattern: Pattern) => Result<ExportedFile, PatternFault>

function animationFormat(path: string): Write {
  const extension = extname(path).toLowerCase()
  if (extension === '.gif') return pattern => gifExporter.write(pattern, {})
  if (extension === '.png' || extension === '.apng') return pattern => apngExporter.write(pattern, {})
  throw new AppError(
    'usage',
    `--out writes .gif, .png or .apng, not "${path}". For other formats there is: pixelgate pattern convert`,
  )
}

function panelSize(width: number, height: number): { width: number; height: number } | undefined {
  const factor = panelSide / Math.max(width, height)
  if (factor >= 1) return undefined
  const side = (length: number) => Math.max(1, Math.round(length * factor))
  return { width: side(width), height: side(height) }
}

function value<T>(result: Result<T, PatternFault>): T {
  if (result.ok) return result.value
  throw patternError(result.fault)
}
