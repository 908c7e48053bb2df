import { compile } from '../../../src/pattern/compile.ts'
import type { Pattern } from '../../../src/pattern/pattern.ts'
import { type BuiltImage, buildImage } from '../../../src/protocol/image.ts'
import { type PatternKind, patternKinds } from '../../support/synthetic-patterns.ts'
import type { Context } from '../context.ts'
import { atLeast, atMost, type Row, row, type Target } from '../row.ts'
import { drawing } from './drawings.ts'
import { askChild } from './in-child.ts'
import { type Cost, medianCost, medianOf } from './paired-runs.ts'

const frames = 300
/** What the kinds must shrink to; of noise the manifest counts as well. */
const ratios: Readonly<Partial<Record<PatternKind, Target>>> = {
  text: atLeast(10),
  sprites: atLeast(10),
  'fire-37': atLeast(2),
  'fire-256': atLeast(2),
  noise: atLeast(0.97),
}

/** 16 × 16 pixels, 300 frames: laid out for a serpentine of WS2812 and made an image, for every kind of drawing. */
export async function* compileTimes({ seed, quick }: Context): AsyncGenerator<Row> {
  const fields = { case: 'compile', seed } as const
  for (const kind of patternKinds) {
    const pattern = drawing(kind, frames, seed)
    let image = compiled(pattern)
    const { cpuMs, wallMs } = medianOf(quick ? 7 : 25, () => {
      image = compiled(pattern)
    })
    const starts: Cost[] = []
    for (let start = 0; start < (quick ? 1 : 5); start++)
      starts.push((await askChild({ work: 'first-compile', kind, frames, seed })) as Cost)
    const first = medianCost(starts)
    yield row({
      ...fields,
      line: kind,
      what: `16×16, ${frames} frames, CPU time`,
      figure: cpuMs,
      unit: 'ms',
      target: atMost(50),
      detail: {
        ms: wallMs,
        'first in a process, CPU ms': first.cpuMs,
        'first in a process, ms': first.wallMs,
      },
    })
    const storedBytes = image.image.length + (kind === 'noise' ? image.manifest.length : 0)
    const target = ratios[kind]
    yield row({
      ...fields,
      line: kind,
      what: 'raw frames over the image',
      figure: image.decodedBytes / storedBytes,
      unit: '×',
      detail: { B: image.image.length },
      ...(target && { target }),
    })
  }
}

export function compiled(pattern: Pattern): BuiltImage {
  const { width, height, leds } = pattern
  const laidOut = compile(pattern, {
    leds,
    width,
    height,
    wiring: 'row-serpentine-tl',
    colorOrder: 'GRB',
  })
  if (!laidOut.ok) throw new Error(laidOut.fault.message)
  const image = buildImage(laidOut.value, { codecs: 0b1111, decodeBytes: 16_384, blockBytes: 16_448 }, 1)
  if (!image.ok) throw new Error(image.fault.kind)
  return image.value
}
