import { readFileSync } from 'node:fs'
import { decompress } from 'fzstd'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { sharedPath, withoutSamples } from '../../pattern/pattern-files.ts'
import type { Context } from '../context.ts'
import { atLeast, type Row, row } from '../row.ts'
import { pairedRuns } from './paired-runs.ts'

const sample = 'tree-zstd.fseq'

/** A sequence packed with Zstandard, opened in full, beside fzstd that only unpacks its blocks, by turns. */
export async function* fseqRates({ seed, quick }: Context): AsyncGenerator<Row> {
  const fields = { case: 'fseq', line: sample, unit: 'MB/s', seed } as const
  const absent = (why: string) => row({ ...fields, what: 'not measured', figure: null, detail: { why } })
  if (withoutSamples !== false) return yield absent(withoutSamples)
  const bytes = new Uint8Array(readFileSync(sharedPath(`fseq/${sample}`)))
  const found = detectPattern(bytes)
  const [best] = found.ok ? found.value : []
  if (best === undefined) return yield absent(found.ok ? '' : found.fault.message)
  const decodedBytes = best.channels * best.frames
  let unpackedBytes = 0
  const runs = pairedRuns(
    quick ? 3 : 9,
    () => {
      const read = detectPattern(bytes)
      const opened = read.ok ? read.value[0]?.open() : read
      if (opened?.ok !== true) throw new Error(opened?.fault.message ?? 'no candidate')
    },
    () => {
      unpackedBytes = 0
      for (const block of packedBlocks(bytes)) unpackedBytes += decompress(block).length
    },
  )
  if (unpackedBytes !== decodedBytes)
    throw new Error(`fzstd unpacked ${unpackedBytes} bytes, not ${decodedBytes}`)
  yield row({
    ...fields,
    what: `${best.frames} frames of ${best.channels} channels`,
    figure: decodedBytes / 1000 / runs.first.cpuMs,
    target: atLeast(60),
    detail: {
      'CPU ms': runs.first.cpuMs,
      'fzstd CPU ms': runs.second.cpuMs,
      ms: runs.first.wallMs,
      'fzstd MB/s': decodedBytes / 1000 / runs.second.cpuMs,
      'time over that of fzstd ×': runs.ratio,
    },
  })
}

/** The blocks as FSEQ v2 lists them after its header of 32 bytes (docs/formats.md); the unused slots are empty. */
function packedBlocks(bytes: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = ((view.getUint8(20) >> 4) << 8) | view.getUint8(21)
  let at = view.getUint16(4, true)
  return Array.from({ length: count }, (_, block) => {
    const start = at
    at += view.getUint32(32 + block * 8 + 4, true)
    return bytes.subarray(start, at)
  }).filter(block => block.length > 0)
}
