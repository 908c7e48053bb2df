import { AppError } from '../kernel/errors.ts'
import type { BoardId } from '../kernel/ids.ts'
import type { GatewayCore } from './gateway-core.ts'

/**
 * Forgets a board that is away, with its finished jobs and its log; if it comes back it is a new one. Rejects with `conflict` while it is
 * here, paired, or has unfinished jobs.
 */
export async function forgetBoard(
  { book, registry, pairing }: Pick<GatewayCore, 'book' | 'registry' | 'pairing'>,
  id: BoardId,
): Promise<void> {
  if (registry.present().includes(id))
    throw new AppError('conflict', 'The board is connected. Unplug it first; then it can be forgotten.')
  if (['paired', 'refused'].includes(await pairing.trustOf(id, undefined)))
    throw new AppError(
      'conflict',
      'The gateway has the key of this board. Without it the board would stay locked, so take it away first: pixelgate board unpair BOARD',
    )
  await book.forget(id)
  // It has been greeted while it was forgotten, and what was written down of it then has gone as well.
  const session = registry.session(id)
  if (session !== undefined) await book.meet(session)
}
