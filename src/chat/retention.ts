import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { MessageRecord } from '../store/tables/messages.ts'
import { removeMessages } from './rooms.ts'

export interface RetentionOptions {
  readonly store: Store
  readonly log: Log
  /** Messages that a room keeps. */
  readonly keep?: number
  /** Bytes of text that a room keeps. */
  readonly keepBytes?: number
}

interface Written {
  messages: number
  sizeBytes: number
}

/** A room may be over its cap by so many messages and bytes: looking costs more than keeping a few too many. */
const lookEveryMessages = 500
const lookEveryBytes = 8 * 1024 * 1024
/** More than there may be rooms; those that are gone fall out. */
const maxRemembered = 512

/** Lets go of the oldest messages of a room that has grown over its cap. */
export class Retention {
  readonly #options: Required<RetentionOptions>
  /** What each room has got since it was looked at. */
  readonly #written = new Map<string, Written>()
  #pruning: Promise<void> = Promise.resolve()

  constructor({ store, log, keep = 100_000, keepBytes = 64 * 1024 * 1024 }: RetentionOptions) {
    this.#options = { store, log, keep, keepBytes }
  }

  /** A message was written; every now and then the room is cut to its cap. */
  written({ roomId, text }: MessageRecord): void {
    const written = this.#written.get(roomId) ?? { messages: lookEveryMessages - 1, sizeBytes: 0 }
    written.messages += 1
    written.sizeBytes += Buffer.byteLength(text)
    this.#written.delete(roomId)
    this.#written.set(roomId, written)
    const [oldest] = this.#written.keys()
    if (this.#written.size > maxRemembered && oldest !== undefined) this.#written.delete(oldest)
    const { messages, sizeBytes } = written
    if (messages < lookEveryMessages && sizeBytes < lookEveryBytes) return
    written.messages = 0
    if (sizeBytes >= lookEveryBytes) written.sizeBytes = 0
    this.#pruning = this.#pruning
      .then(() => this.#prune(roomId, sizeBytes >= lookEveryBytes))
      .catch((thrown: unknown) => {
        this.#options.log.warn(
          { roomId, reason: toError(thrown).message },
          'old messages could not be removed',
        )
      })
  }

  /** Resolves when no room is being cut. */
  settled(): Promise<void> {
    return this.#pruning
  }

  async #prune(roomId: string, bySize: boolean): Promise<void> {
    const { store, keep, keepBytes } = this.#options
    const seq = await store.messages.border({ roomId, keep, ...(bySize && { keepBytes }) })
    if (seq !== undefined) await removeMessages(store, roomId, seq)
  }
}
