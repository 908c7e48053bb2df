import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { GatewayCore } from '../upload/gateway-core.ts'
import type { LiveHub } from './live-hub.ts'

/**
 * Tells the topic `boards` what has become of a board. A view takes reads of the database; while one is made,
 * further changes of the board become one more, so that the last message always says how the board is.
 */
export class BoardNews {
  readonly #hub: LiveHub
  readonly #core: GatewayCore
  readonly #log: Log
  /** Boards whose view is being made; true: they have changed since. */
  readonly #making = new Map<string, boolean>()

  constructor(hub: LiveHub, core: GatewayCore, log: Log) {
    this.#hub = hub
    this.#core = core
    this.#log = log
  }

  changed(boardId: string): void {
    if (this.#making.has(boardId)) {
      this.#making.set(boardId, true)
    } else if (this.#hub.wanted('boards')) {
      this.#making.set(boardId, false)
      void this.#tell(boardId)
    } else {
      this.#hub.leaveOut('boards')
    }
  }

  async #tell(boardId: string): Promise<void> {
    try {
      this.#hub.publish('boards', 'board', await this.#core.views.find(boardId))
    } catch (thrown) {
      this.#hub.leaveOut('boards')
      this.#log.warn({ boardId, reason: toError(thrown).message }, 'a change of a board could not be told')
    }
    const again = this.#making.get(boardId) === true
    this.#making.delete(boardId)
    if (again) this.changed(boardId)
  }
}
