import type { Bus } from '../kernel/bus.ts'
import type { BoardId } from '../kernel/ids.ts'
import type { BoardMessage } from '../protocol/messages.ts'
import type { BoardEvents } from './registry.ts'

type StatusMessage = Extract<BoardMessage, { type: 'STATUS' }>

const modes = ['stopped', 'playing', 'trial', 'identify', 'live'] as const

/** What a board does (SPEC §8.6). */
export interface BoardState {
  readonly mode: (typeof modes)[number]
  /** 0 to 255. */
  readonly brightness: number
  readonly slot: number
  /** Id of the active image, 32 hexadecimal digits; null: none. */
  readonly imageId: string | null
  /** Of the last change of the others, or of the minute. */
  readonly uptimeSeconds: number
}

/** What is shown of a board stays the same in between, so that nobody is told of every heartbeat. */
const uptimeStepSeconds = 60

export interface BoardStateEvents {
  /** Mode, brightness or active image have changed, or a minute has gone. */
  readonly 'board.state': { readonly boardId: BoardId; readonly state: BoardState }
}

/** The last STATUS of each board that is there. */
export class BoardStates {
  readonly #states = new Map<BoardId, BoardState>()

  constructor(bus: Bus<BoardEvents & BoardStateEvents>) {
    bus.on('board.up', ({ boardId, session }) => {
      session.onStatus(message => {
        const state = toState(message)
        const before = this.#states.get(boardId)
        if (before !== undefined && !differs(before, state)) return
        this.#states.set(boardId, state)
        bus.emit('board.state', { boardId, state })
      })
    })
    bus.on('board.down', ({ boardId }) => void this.#states.delete(boardId))
  }

  /** undefined while the board is away, and until it has answered for the first time. */
  get(boardId: BoardId): BoardState | undefined {
    return this.#states.get(boardId)
  }
}

const differs = (a: BoardState, b: BoardState): boolean =>
  a.mode !== b.mode ||
  a.brightness !== b.brightness ||
  a.slot !== b.slot ||
  a.imageId !== b.imageId ||
  Math.abs(b.uptimeSeconds - a.uptimeSeconds) >= uptimeStepSeconds

function toState({ mode, brightness, slot, id, uptimeSeconds }: StatusMessage): BoardState {
  const imageId = Buffer.from(id).toString('hex')
  return {
    mode: modes[mode] ?? 'stopped',
    brightness,
    slot,
    imageId: /^0*$/.test(imageId) ? null : imageId,
    uptimeSeconds,
  }
}
