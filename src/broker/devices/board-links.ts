import type { Clock, Timer } from '../../kernel/clock.ts'
import type { AppError, ErrorCode } from '../../kernel/errors.ts'
import type { BrokerMessage, BrokerPart, BrokerPort, ClientEvent, SubscribedEvent } from '../broker-port.ts'
import { matches } from '../topics/topic-filter.ts'
import { boardFrameFilters } from '../topics/topics.ts'

/** How long a client that has not answered a greeting is left alone, unless it says something; doubled each time. */
const firstSilenceMs = 30_000
const longestSilenceMs = 1_800_000

/** One client of a board that takes frames. */
export interface BoardWire {
  readonly boardId: string
  /** For people: `mqtt://user@host`. */
  readonly address: string
  /** Settles when the frame is with the client, or was given up. Never rejects. */
  send(frame: Uint8Array, job: string | undefined): Promise<void>
}

/** What becomes of a talk, for whoever has begun it. */
export interface BoardTalkEvents {
  onSession(): void
  /** There is no session, and why; the talk goes on trying. */
  onTrouble(error: AppError): void
}

/** The gateway's side of what is said on a wire: greets until it is left. */
export interface BoardTalk {
  /** Must not be changed. */
  receive(frame: Uint8Array): void
  /** `error`: the client is gone; undefined: nobody wants to talk to it any more. */
  leave(error?: AppError): Promise<void>
}

export interface BoardLinksParts {
  readonly clock: Clock
  readonly talk: (wire: BoardWire, events: BoardTalkEvents) => BoardTalk
  /** What to say of a client that is gone. */
  readonly gone: (address: string) => AppError
}

interface Known {
  readonly clientId: string
  readonly wire: BoardWire
  /** `greeting`: nothing is known yet. `silent`: it takes frames, but answers none; `refused`: and may not. */
  state: 'greeting' | 'met' | 'silent' | 'refused'
  /** Greetings in a row that came to nothing. */
  failures: number
  talk: BoardTalk | undefined
  timer: Timer | undefined
}

const answersNothing: readonly ErrorCode[] = ['board_mute', 'board_garbage']

/**
 * Boards that speak the board protocol over MQTT (SPEC §11). A client with a board's credential that subscribes to its frames
 * is greeted; it is the board's way until it leaves, or the same board's newer client takes over. Clients that do not subscribe
 * to frames are left in peace.
 */
export class BoardLinks implements BrokerPart {
  readonly #parts: BoardLinksParts
  readonly #boards = new Map<string, Known>()
  /** The latest client of each board that is connected, whatever it takes. */
  readonly #present = new Map<string, string>()
  #port: BrokerPort | undefined
  #ends: readonly (() => void)[] = []
  #settled: (boardId: string) => void = () => undefined

  constructor(parts: BoardLinksParts) {
    this.#parts = parts
  }

  /** A board has just said that it is there, and has not been greeted yet. */
  isGreeting(boardId: string): boolean {
    return this.#boards.get(boardId)?.state === 'greeting'
  }

  /** It is connected and takes no frames, or answers none: what is said of it, it says itself. */
  speaksItself(boardId: string): boolean {
    const known = this.#boards.get(boardId)
    return known === undefined ? this.#present.has(boardId) : known.state === 'silent'
  }

  /** Called when a greeting has come to nothing, and when a client of a board has left. */
  onSettled(listener: (boardId: string) => void): void {
    this.#settled = listener
  }

  async start(port: BrokerPort): Promise<void> {
    this.#port = port
    const frames = boardFrameFilters(gatewayOf(port))
    this.#ends = [
      port.onClient(event => this.#onClient(event)),
      port.onSubscribed(event => this.#onSubscribed(event)),
      ...frames.map(filter => port.onMessage(filter, message => this.#onFrame(message))),
    ]
  }

  async stop(): Promise<void> {
    for (const end of this.#ends) end()
    const boards = [...this.#boards.values()]
    this.#boards.clear()
    for (const { timer } of boards) timer?.cancel()
    await Promise.all(boards.map(({ talk }) => talk?.leave()))
  }

  #onSubscribed({ who, clientId, address, filters }: SubscribedEvent): void {
    const { boardId } = who
    const port = this.#port
    if (who.access !== 'board' || boardId === null || port === undefined) return
    const down = port.topics.framesDown(boardId)
    const known = this.#boards.get(boardId)
    if (known?.clientId === clientId || !filters.some(filter => matches(filter, down))) return
    if (known !== undefined) this.#forget(boardId, known)
    const wire: BoardWire = {
      boardId,
      address: `mqtt://${who.name}@${address}`,
      send: (frame, job) =>
        port.publisher.send(job === undefined ? down : port.topics.upload(boardId, job).data, frame),
    }
    const board: Known = { clientId, wire, state: 'greeting', failures: 0, talk: undefined, timer: undefined }
    this.#boards.set(boardId, board)
    this.#greet(board)
  }

  #onClient({ type, who, clientId }: ClientEvent): void {
    const { access, boardId } = who
    if (access !== 'board' || boardId === null) return
    if (type === 'connected') this.#present.set(boardId, clientId)
    else if (this.#present.get(boardId) === clientId) this.#present.delete(boardId)
    const known = this.#boards.get(boardId)
    // One that connects anew says by its subscriptions whether it takes frames.
    if (known?.clientId === clientId) this.#forget(boardId, known)
    if (type === 'left') this.#settled(boardId)
  }

  #onFrame({ who, clientId, topic, payload }: BrokerMessage): void {
    const [, , boardId = ''] = topic.split('/')
    const known = this.#boards.get(boardId)
    if (known === undefined || who?.boardId !== boardId || known.clientId !== clientId) return
    if (known.state === 'silent') {
      this.#greet(known)
      return
    }
    known.talk?.receive(payload)
  }

  #greet(board: Known): void {
    board.timer?.cancel()
    board.state = 'greeting'
    const talk = this.#parts.talk(board.wire, {
      onSession: () => {
        if (board.talk === talk) board.state = 'met'
      },
      // One that has answered before is greeted on, as on any line.
      onTrouble: error => {
        if (board.talk === talk && board.state === 'greeting') this.#pause(board, error)
      },
    })
    board.talk = talk
  }

  #pause(board: Known, { code }: AppError): void {
    const { talk, wire } = board
    board.talk = undefined
    board.state = answersNothing.includes(code) ? 'silent' : 'refused'
    const waitMs = Math.min(longestSilenceMs, firstSilenceMs * 2 ** board.failures)
    board.failures++
    board.timer = this.#parts.clock.setTimer(waitMs, () => this.#greet(board))
    void talk?.leave()
    this.#settled(wire.boardId)
  }

  #forget(boardId: string, board: Known): void {
    const { talk, timer, wire } = board
    this.#boards.delete(boardId)
    timer?.cancel()
    // What it says while it ends is news no more.
    board.talk = undefined
    void talk?.leave(this.#parts.gone(wire.address))
  }
}

const gatewayOf = ({ topics }: BrokerPort): string => topics.own.split('/')[1] ?? ''
