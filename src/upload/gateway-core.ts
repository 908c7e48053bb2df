import { BoardBook } from '../board/board-book.ts'
import { type BoardEvents, BoardRegistry } from '../board/registry.ts'
import type { BoardSession } from '../board/session.ts'
import { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { JobEvents } from './job-events.ts'
import { UploadQueue } from './upload-queue.ts'
import { Uploads } from './uploads.ts'

export type GatewayEvents = BoardEvents & JobEvents

export interface CoreOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly maxBody?: number
  readonly adaptBody?: boolean
}

/** Boards, jobs and what joins them: the same for the daemon and for an upload without it. */
export interface GatewayCore {
  readonly bus: Bus<GatewayEvents>
  readonly registry: BoardRegistry
  readonly book: BoardBook
  readonly queue: UploadQueue
  readonly uploads: Uploads
  /** Takes a board that has just been greeted. */
  readonly onSession: (session: BoardSession) => void
}

const largestBody = 4096

export function createCore({
  store,
  clock,
  log,
  maxBody = largestBody,
  adaptBody = true,
}: CoreOptions): GatewayCore {
  const bus = new Bus<GatewayEvents>()
  const registry = new BoardRegistry(bus, log)
  const book = new BoardBook(store, clock)
  const queue = new UploadQueue({
    store,
    clock,
    log,
    bus,
    registry,
    maxBody,
    adaptBody,
    profileOf: session => book.profileOf(session),
  })
  const uploads = new Uploads(store, queue, clock)
  const onSession = (session: BoardSession) => {
    book.meet(session).then(
      () => session.alive && registry.add(session),
      (thrown: unknown) => {
        log.error({ err: toError(thrown) }, 'a board could not be written down')
        session.end()
      },
    )
  }
  return { bus, registry, book, queue, uploads, onSession }
}
