import { readFileSync } from 'node:fs'
import { GifReader } from 'omggif'
import { parseGif } from '../../../src/pattern/import/gif-blocks.ts'
import { composeGif } from '../../../src/pattern/import/gif-compose.ts'
import { ownPath, sharedPath, withoutSamples } from '../../pattern/pattern-files.ts'
import type { Context } from '../context.ts'
import { atMost, type Row, row } from '../row.ts'
import { pairedRuns } from './paired-runs.ts'

/** All frames of a GIF as full canvases, each copied, beside omggif alone by turns. */
export async function* gifRates({ seed, quick }: Context): AsyncGenerator<Row> {
  const files = [
    ownPath('comet.gif'),
    ...(withoutSamples === false ? [sharedPath('gif/flame-103frames.gif')] : []),
  ]
  for (const path of files) {
    const bytes = new Uint8Array(readFileSync(path))
    const { width, height, numFrames } = sizeOf(bytes)
    const few = width * height * numFrames > 1e6
    const runs = pairedRuns(
      (few ? 9 : 101) - (quick ? 4 : 0),
      () => ours(bytes),
      () => omggif(bytes),
    )
    yield row({
      case: 'gif',
      line: path.replace(/.*\//, ''),
      what: `${numFrames} frames of ${width}×${height}, CPU time over that of omggif`,
      figure: runs.ratio,
      unit: '×',
      target: atMost(1.3),
      seed,
      detail: {
        'CPU ms': runs.first.cpuMs,
        'omggif CPU ms': runs.second.cpuMs,
        ms: runs.first.wallMs,
        'MB/s of canvases': (width * height * 3 * numFrames) / 1000 / runs.first.cpuMs,
      },
    })
  }
  if (withoutSamples !== false)
    yield row({
      case: 'gif',
      line: 'flame-103frames.gif',
      what: 'not measured',
      figure: null,
      unit: '×',
      seed,
      detail: { why: withoutSamples },
    })
}

function sizeOf(bytes: Uint8Array) {
  const reader = new GifReader(Buffer.from(bytes))
  return { width: reader.width, height: reader.height, numFrames: reader.numFrames() }
}

function ours(bytes: Uint8Array): readonly Uint8Array[] {
  const parsed = parseGif(bytes, 100_000)
  if (!parsed.ok) throw new Error(parsed.fault.message)
  const frames: Uint8Array[] = []
  const composed = composeGif(bytes, parsed.value, canvas => frames.push(canvas.slice()))
  if (!composed.ok) throw new Error(composed.fault.message)
  return frames
}

function omggif(bytes: Uint8Array): readonly Uint8Array[] {
  const reader = new GifReader(bytes as Buffer)
  const canvas = new Uint8Array(reader.width * reader.height * 4)
  return Array.from({ length: reader.numFrames() }, (_, frame) => {
    reader.decodeAndBlitFrameRGBA(frame, canvas)
    return canvas.slice()
  })
}
