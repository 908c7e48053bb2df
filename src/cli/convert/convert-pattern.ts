import { readFile } from 'node:fs/promises'
import { AppError, toError } from '../../kernel/errors.ts'
import type { Result } from '../../kernel/result.ts'
import type { OpenOptions } from '../../pattern/candidate.ts'
import { exporters } from '../../pattern/export/exporters.ts'
import { type PatternFault, patternError } from '../../pattern/fault.ts'
import type { Layout } from '../../pattern/layout/layout.ts'
import { layoutFromText } from '../../pattern/layout/parse-layout.ts'
import { ditherMethods } from '../../pattern/operations/dither.ts'
import type { Operation } from '../../pattern/operations/operation.ts'
import { scaleModes } from '../../pattern/operations/resize.ts'
import { fromStrip, toStrip } from '../../pattern/operations/through-layout.ts'
import { createPattern, durationMs, type Pattern } from '../../pattern/pattern.ts'
import { defaultMaPerChannel, powerOf } from '../../pattern/power.ts'
import { parseWiring, wiringMap } from '../../pattern/wiring.ts'
import type { GivenOption, OptionValues, Surroundings } from '../command.ts'
import { localReading, openPatternFile } from '../open-pattern.ts'
import { flag, text, whole } from '../option-values.ts'
import { mayWrite, writeNewFile } from '../write-new-file.ts'
import { chooseExporter } from './choose-exporter.ts'
import { operationOptions } from './operation-options.ts'
import { oneOf, sizeOf } from './operation-values.ts'

/** What was done, in words and numbers; keys are a contract with scripts (docs/cli.md). */
export interface Conversion {
  readonly file: string
  readonly format: string
  readonly sizeBytes: number
  readonly width: number
  readonly height: number
  readonly leds: number
  readonly frames: number
  readonly durationMs: number
  /** Estimated; docs/formats.md. */
  readonly peakMa: number
  readonly meanMa: number
  /** Each step with what came of it. */
  readonly steps: readonly string[]
  /** What the format cannot keep. */
  readonly notes: readonly string[]
}

/** Reads a file, changes the pattern step by step as `given` says, and writes it anew. Rejects with AppError. */
export async function convertPattern(
  file: string,
  out: string,
  options: OptionValues,
  given: readonly GivenOption[],
  surroundings: Surroundings,
): Promise<Conversion> {
  const force = flag(options, 'force')
  await mayWrite(out, { force })
  chooseExporter(exporters, out, text(options, 'format'))
  const steps: string[] = []
  let sourceFormat: string | undefined
  const reading = await localReading(options, surroundings)
  let pattern = await openPatternFile(file, reading, candidate => {
    sourceFormat = candidate.format
    return firstScale(given)
  })
  const apply = (step: string, operation: Operation) => {
    const before = pattern
    pattern = value(operation(pattern))
    steps.push(`${step}: ${change(before, pattern)}`)
  }
  const sourceLayout = await layoutAt(text(options, 'source-layout'))
  if (sourceLayout !== undefined) apply('--source-layout', fromStrip(sourceLayout))
  const context = {
    scaleMode: oneOf(text(options, 'scale-mode') ?? 'area', 'scale-mode', scaleModes),
    dither: oneOf(text(options, 'dither') ?? 'none', 'dither', ditherMethods),
    open: (path: string) => openPatternFile(path, { limits: reading.limits }),
  }
  for (const { name, value: written = '' } of given) {
    const operation = await operationOptions[name]?.make(written, context)
    if (operation !== undefined) apply(`--${name} ${written}`.trim(), operation)
  }
  pattern = named(pattern, text(options, 'name'), whole(options, 'loop-count', 0, 65_535))
  const power = powerOf(pattern.frames, { leds: pattern.leds, maPerChannel: defaultMaPerChannel })

  const [wiring, layout] = [text(options, 'wiring'), await layoutAt(text(options, 'layout'))]
  if (wiring !== undefined && layout !== undefined)
    throw new AppError('usage', 'Give --wiring or --layout: both say in which order the pixels are written.')
  if (layout !== undefined) apply('--layout', toStrip(layout))
  const { width, height } = pattern
  const { exporter, others } = chooseExporter(exporters, out, text(options, 'format'), sourceFormat)
  const written = value(
    exporter.write(pattern, {
      map: wiring === undefined ? undefined : wiringMap(width, height, value(parseWiring(wiring))),
      colorOrder: text(options, 'color-order'),
      colorMode: text(options, 'color-mode'),
      dither: context.dither !== 'none',
      name: text(options, 'name'),
    }),
  )
  await writeNewFile(out, written.bytes, { force })
  const guess =
    others.length === 0 ? [] : [`files of this name may also be ${others.join(', ')}: see --format`]
  return {
    file: out,
    format: exporter.format,
    sizeBytes: written.bytes.length,
    ...{ width, height, leds: pattern.leds },
    frames: pattern.frames.length,
    durationMs: durationMs(pattern.frames),
    peakMa: power.peakMa,
    meanMa: power.meanMa,
    steps,
    notes: [...written.notes, ...guess],
  }
}

/** A picture that is scaled first is scaled while it is read, so that a large one need not be in memory whole. */
function firstScale(given: readonly GivenOption[]): OpenOptions['scaleTo'] {
  const first = given.find(({ name }) => operationOptions[name] !== undefined)
  const nearest = given.some(({ name, value }) => name === 'scale-mode' && value !== 'area')
  return first?.name === 'scale' && !nearest ? sizeOf(first.value ?? '', 'scale') : undefined
}

/** What became different, in a few words. */
function change(before: Pattern, after: Pattern): string {
  const size = `${after.width}×${after.height}`
  const parts = [before.width === after.width && before.height === after.height ? undefined : size]
  if (before.frames.length !== after.frames.length) parts.push(`${after.frames.length} frames`)
  const [was, is] = [durationMs(before.frames), durationMs(after.frames)]
  if (was !== is) parts.push(`${(is / 1000).toFixed(2)} s`)
  return parts.filter(part => part !== undefined).join(', ') || 'done'
}

function named(pattern: Pattern, name = pattern.name, loopCount = pattern.loopCount): Pattern {
  return value(createPattern({ ...pattern, name, loopCount }))
}

async function layoutAt(path: string | undefined): Promise<Layout | undefined> {
  if (path === undefined) return undefined
  try {
    return value(layoutFromText(await readFile(path, 'utf8')))
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown
    const cause = toError(thrown)
    throw new AppError('file_missing', `The layout cannot be read: ${cause.message}`, { cause })
  }
}

function value<T>(result: Result<T, PatternFault>): T {
  if (result.ok) return result.value
  throw patternError(result.fault)
}
