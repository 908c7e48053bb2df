import type { KnownBoard } from '../board/board-book.ts'
import type { Door } from '../store/tables/pattern-record.ts'
import type { PatternThread } from './pattern-thread/pattern-thread.ts'
import type { JobRecord, PatternRecord, Uploads } from './uploads.ts'

export type CardKind = 'checking' | 'finding'

export interface SentCard {
  readonly card: CardKind
  readonly pattern: PatternRecord
  readonly batchId: string
  readonly job: JobRecord
  /** What is shown one after the other, and what it tells. */
  readonly steps: readonly { readonly caption: string; readonly frames: number }[]
}

/** Its ending says how it is to be read. */
const fileName = 'test-card.ledm'

/**
 * Uploads a test card for the size of this board, as any pattern is: it waits for a board that is away, and stays in the library.
 * Rejects as `Uploads` does.
 */
export async function sendTestCard(
  { patterns, uploads }: { readonly patterns: PatternThread; readonly uploads: Uploads },
  board: KnownBoard,
  { card, who, door = 'api' }: { readonly card: CardKind; readonly who: string | null; readonly door?: Door },
): Promise<SentCard> {
  const isMatrix = board.width > 0 && board.height > 0
  const size = isMatrix ? { width: board.width, height: board.height } : { width: board.leds, height: 1 }
  const asked = { card, ...size }
  const { bytes, steps } = await patterns.run(new Uint8Array(0), { work: 'testCard', asked })
  const shape = isMatrix ? `${board.width}x${board.height}` : `${board.leds}`
  const name = `test card ${card} ${shape}`
  const { pattern } = await uploads.addFile(bytes, fileName, false, {
    door,
    who,
    name,
    tags: ['test-card'],
  })
  const strip = card === 'finding' ? { wiring: 'row-straight-tl', colorOrder: 'RGB' } : {}
  const how = { fileName: pattern.fileName, raw: false, scalePower: true, ...strip }
  const { batchId, jobs } = await uploads.submit(pattern, [board.id], how, who)
  const [job] = jobs
  if (job === undefined) throw new Error('an upload to one board has one job')
  return { card, pattern, batchId, job, steps }
}
