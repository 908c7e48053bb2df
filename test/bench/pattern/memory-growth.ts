import { sharedPath, withoutSamples } from '../../pattern/pattern-files.ts'
import type { Context } from '../context.ts'
import { atMost, type Row, row } from '../row.ts'
import { askChild } from './in-child.ts'

const sample = 'media-header-246MB.fseq'
const range = { first: 0, count: 300 }
const threadBytes = 64 * 1024 * 1024

/** What a process grows by at most: a few channels of a sequence of 246 MB, and a large file compiled beside the main thread. */
export async function* memoryGrowth({ seed, quick }: Context): AsyncGenerator<Row> {
  const fields = { case: 'memory', unit: 'MB', seed } as const
  const what = `channels ${range.first} to ${range.first + range.count - 1}`
  if (withoutSamples === false) {
    const grown = await askChild({ work: 'channels', path: sharedPath(`fseq/${sample}`), ...range })
    yield typeof grown === 'number'
      ? row({ ...fields, line: sample, what, figure: grown / 1e6, target: atMost(64), detail: {} })
      : row({ ...fields, line: sample, what, figure: null, detail: { why: 'the format is not read' } })
  } else yield row({ ...fields, line: sample, what, figure: null, detail: { why: withoutSamples } })
  if (quick) return
  const grown = Number(await askChild({ work: 'pattern-thread', sizeBytes: threadBytes }))
  yield row({
    ...fields,
    line: `${threadBytes / 1024 / 1024} MiB, raw RGB`,
    what: 'compiled in the pattern thread',
    figure: grown / 1e6,
    detail: { 'times the file': grown / threadBytes },
  })
}
