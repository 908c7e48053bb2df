import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fillLarge, lookInto } from '../../support/large-database.ts'
import { storeCases } from '../../support/store-cases.ts'
import { atMost, type Row, row } from '../row.ts'

/** R13 asks for less than 100 ms; a list of a small machine should not be felt at all. */
const targetMs = 5
const seed = 1

export interface StoreBenchOptions {
  /** 100,000 */
  readonly rows?: number
  /** 40 */
  readonly repetitions?: number
}

/** p95 of each list, filter and search with its total, over a database with a hundred thousand rows of each kind. */
export async function benchStore({
  rows = 100_000,
  repetitions = 40,
}: StoreBenchOptions = {}): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-bench-'))
  try {
    const path = join(folder, 'gateway.db')
    fillLarge(path, { rows })
    const db = lookInto(path)
    const figures = storeCases(rows).map(({ name, scans }, at) => {
      const times = Array.from({ length: repetitions + 1 }, (_, n) => {
        const { ask } = storeCases(rows, n * seed)[at] ?? { ask: () => undefined }
        const beganMs = performance.now()
        ask(db)
        return performance.now() - beganMs
      })
      // The first one compiles the statement and reads the file.
      const sorted = times.slice(1).sort((a, b) => a - b)
      const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null
      return row({
        case: 'store',
        line: `${rows} rows`,
        what: `p95 of ${name}`,
        figure: p95,
        unit: 'ms',
        ...(scans === undefined && { target: atMost(targetMs) }),
        seed,
        detail: { median: sorted[sorted.length >> 1] ?? null, max: sorted.at(-1) ?? null },
      })
    })
    db.close()
    return figures
  } finally {
    await rm(folder, { recursive: true })
  }
}
