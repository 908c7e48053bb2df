import { detectPattern } from '../../../src/pattern/detect.ts'
import type { Exporter } from '../../../src/pattern/export/exporter.ts'
import { exporters } from '../../../src/pattern/export/exporters.ts'
import type { Frame, Pattern } from '../../../src/pattern/pattern.ts'
import type { Context } from '../context.ts'
import { stdFile } from '../payload.ts'
import { atLeast, type Row, row, type Target } from '../row.ts'
import { drawing } from './drawings.ts'
import { medianOf } from './paired-runs.ts'

const targets: Readonly<Record<string, Target>> = {
  std: atLeast(100),
  raw: atLeast(100),
  jinx: atLeast(100),
}

interface Written {
  readonly format: string
  readonly bytes: Uint8Array
  readonly pattern: Pattern
}

/** Raw bytes of frames a second, from the file in memory to the pattern, for every format that can be written. */
export async function* decodeRates({ seed, quick }: Context): AsyncGenerator<Row> {
  const full = drawing('plasma', quick ? 300 : 5000, seed)
  const own: readonly Written[] = [
    { format: 'std', bytes: stdFile({ ...full, colorOrder: 0 }), pattern: full },
    { format: 'raw', bytes: Buffer.concat(full.frames.map(frame => frame.pixels)), pattern: full },
  ]
  const files = [
    ...own,
    ...exporters
      .filter(({ format }) => own.every(file => file.format !== format))
      .flatMap(exporter => written(exporter, full) ?? []),
  ]
  for (const file of files) {
    const frames = read(file)?.frames
    if (frames !== undefined) yield rate(file, frames, quick ? 5 : 15, seed)
  }
}

/** Formats that cannot hold all frames get fewer. */
function written(exporter: Exporter, pattern: Pattern): Written | undefined {
  for (const share of [1, 0.1, 0.01, 0.002]) {
    const part = { ...pattern, frames: pattern.frames.slice(0, Math.max(1, pattern.frames.length * share)) }
    const file = exporter.write(part, {})
    if (file.ok) return { format: exporter.format, bytes: file.value.bytes, pattern: part }
  }
  return undefined
}

/** Undefined: a format that is only written, such as source code. */
function read({ bytes, pattern }: Written): Pattern | undefined {
  const found = detectPattern(bytes, { leds: pattern.leds })
  const opened = found.ok ? found.value[0]?.open() : found
  return opened?.ok === true ? opened.value : undefined
}

function rate(file: Written, frames: readonly Frame[], rounds: number, seed: number): Row {
  const { format, bytes, pattern } = file
  const decodedBytes = frames.reduce((sum, { pixels }) => sum + pixels.length, 0)
  const exact = frames.every((frame, at) => same(frame.pixels, pattern.frames[at]?.pixels))
  const { cpuMs, wallMs } = medianOf(rounds, () => read(file))
  const target = targets[format]
  return row({
    case: 'decode',
    line: format,
    what: 'frames read from memory',
    figure: decodedBytes / 1000 / cpuMs,
    unit: 'MB/s',
    seed,
    detail: {
      'file B': bytes.length,
      frames: frames.length,
      'decoded B': decodedBytes,
      'CPU ms': cpuMs,
      ms: wallMs,
      pixels: exact ? 'as drawn' : 'changed by the format',
    },
    ...(target && { target }),
  })
}

const same = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b !== undefined && Buffer.compare(a, b) === 0
