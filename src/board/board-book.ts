import { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { type BoardId, boardId } from '../kernel/ids.ts'
import type { Store } from '../store/store.ts'
import type { BoardRecord, BoardTitle } from '../store/tables/boards.ts'
import { type Actor, nobody } from './actor.ts'
import { type BoardProfile, defaultColorOrder, defaultWiring } from './profile.ts'
import type { BoardSession } from './session.ts'

/** A board as the database remembers it. */
export type KnownBoard = BoardRecord

/** A layout that was checked; the pattern module owns its form. */
export interface BoardLayout {
  readonly json: string
  readonly width: number
  readonly height: number
  readonly leds: number
}

/** What a person may change of a board. */
export interface BoardChange {
  readonly name?: string | undefined
  readonly width?: number | undefined
  readonly height?: number | undefined
  readonly wiring?: string | undefined
  /** null: none any more. Another width, height or wiring takes it away as well. */
  readonly layout?: BoardLayout | null | undefined
  readonly colorOrder?: string | undefined
  readonly powerCapMa?: number | null | undefined
}

export interface BookEvents {
  /** A person has renamed the board or changed its profile. */
  readonly 'board.changed': { readonly boardId: BoardId }
  /** The same with all that is known of it, for the records. */
  readonly 'board.settings': {
    readonly boardId: BoardId
    readonly by: Actor
    readonly before: KnownBoard
    readonly after: KnownBoard
  }
  /** The gateway knows nothing of it any more. */
  readonly 'board.forgotten': { readonly boardId: BoardId }
}

/** What may stand around a change. */
export interface ChangeTerms {
  readonly by?: Actor
  /** Looks at the board as it is right before the change, and throws where that must not be changed. */
  readonly demand?: (board: KnownBoard) => void | Promise<void>
}

/** Changes of one board that may wait for each other. */
const maxWaiting = 32

/** What to compile for: the person's word before the board's, whose own power cap is 0 when it has none. */
export function profileFrom(known: KnownBoard, ownCapMa: number): BoardProfile {
  const { leds, width, height, wiring, layoutJson, colorOrder, powerCapMa } = known
  return {
    ...{ leds, width, height, wiring, layout: layoutJson ?? undefined, colorOrder },
    powerCapMa: powerCapMa ?? (ownCapMa === 0 ? undefined : ownCapMa),
  }
}

/** What the gateway remembers of every board it has met. */
export class BoardBook {
  readonly #store: Store
  readonly #clock: Clock
  readonly #bus: Bus<BookEvents>
  readonly #turns = new Map<BoardId, { readonly last: Promise<void>; readonly waiting: number }>()

  constructor(store: Store, clock: Clock, bus: Bus<BookEvents> = new Bus()) {
    this.#store = store
    this.#clock = clock
    this.#bus = bus
  }

  /** Writes down a handshake. */
  async meet(session: BoardSession): Promise<KnownBoard> {
    const { caps, channel } = session
    const { uuid: _uuid, ...plain } = caps
    return this.#store.boards.seen({
      id: boardId(session.id),
      name: await this.#freeName(caps.boardName, session.id),
      width: caps.width,
      height: caps.height,
      leds: caps.leds,
      wiring: defaultWiring,
      colorOrder: defaultColorOrder,
      linkKind: channel.link.kind,
      linkAddress: channel.link.address,
      baudRate: channel.link.baudRate,
      bootId: caps.bootId,
      firmware: `${caps.firmwareName} ${caps.firmwareVersion}`.trim(),
      capsJson: JSON.stringify(plain),
      nowMs: this.#clock.wallTime(),
    })
  }

  /** Boards of one make call themselves alike; people need to tell them apart. Counts at the first meeting only. */
  async #freeName(wanted: string, id: string): Promise<string> {
    const base = wanted === '' ? 'board' : wanted
    const taken = (await this.list()).some(other => other.id !== id && other.name === base)
    return taken || wanted === '' ? `${base}-${id.slice(0, 8)}` : base
  }

  list(): Promise<readonly KnownBoard[]> {
    return this.#store.boards.list()
  }

  /** Little of each, to choose from; in the order of `list`. */
  titles(): Promise<readonly BoardTitle[]> {
    return this.#store.boards.titles()
  }

  /** Those that are known, in the order of `list`. */
  some(ids: readonly BoardId[]): Promise<readonly KnownBoard[]> {
    return this.#store.boards.some(ids)
  }

  /** By id, or by a name or the start of an id that fits one board only. Rejects with `not_found` or `conflict`. */
  async find(text: string): Promise<KnownBoard> {
    return only(await this.#store.boards.named(text), text)
  }

  /** The same for each, with one look at the database. */
  async findAll(texts: readonly string[]): Promise<readonly KnownBoard[]> {
    const boards = await this.list()
    return texts.map(text => {
      const exact = boards.filter(({ id, name }) => id === text.toLowerCase() || name === text)
      if (exact.length > 0 || text.length < 4) return only(exact, text)
      return only(
        boards.filter(({ id }) => id.startsWith(text.toLowerCase())),
        text,
      )
    })
  }

  /** What to compile for: the person's word before the board's. */
  async profileOf(session: BoardSession): Promise<BoardProfile> {
    const known = (await this.#store.boards.get(boardId(session.id))) ?? (await this.meet(session))
    return profileFrom(known, session.caps.maxPowerMa)
  }

  /** Changes of one board come one after the other. Rejects with `not_found`, `usage` or what `demand` throws. */
  change(id: BoardId, change: BoardChange, { by = nobody, demand }: ChangeTerms = {}): Promise<KnownBoard> {
    return this.#inTurn(id, async () => {
      const before = await this.find(id)
      await demand?.(before)
      const shape = shapeAfter(before, change)
      const colorOrder = change.colorOrder ?? before.colorOrder
      const powerCapMa = change.powerCapMa === undefined ? before.powerCapMa : change.powerCapMa
      const { name } = change
      const after = await this.#store.boards.setProfile({ id, name, ...shape, colorOrder, powerCapMa })
      this.#bus.emit('board.settings', { boardId: id, by, before, after })
      this.#bus.emit('board.changed', { boardId: id })
      return after
    })
  }

  /** Forgets a board with its finished jobs and its log. Rejects with `not_found`, and with `conflict` while jobs of it are unfinished. */
  forget(id: BoardId): Promise<void> {
    return this.#inTurn(id, async () => {
      const forgotten = await this.#store.boards.forget(id)
      if (forgotten === undefined) throw new AppError('not_found', `No board has the id ${id}.`)
      const { unfinishedJobs: count } = forgotten
      if (count > 0)
        throw new AppError(
          'conflict',
          `${count} ${count === 1 ? 'upload' : 'uploads'} to this board ${count === 1 ? 'is' : 'are'} unfinished. Cancel them first.`,
        )
      this.#bus.emit('board.forgotten', { boardId: id })
    })
  }

  async #inTurn<T>(id: BoardId, work: () => Promise<T>): Promise<T> {
    const { last, waiting } = this.#turns.get(id) ?? { last: Promise.resolve(), waiting: 0 }
    if (waiting >= maxWaiting)
      throw new AppError('overloaded', 'Too many changes of this board wait. Try again in a moment.')
    const done = last.then(work)
    const settled = done.then(
      () => this.#leave(id),
      () => this.#leave(id),
    )
    this.#turns.set(id, { last: settled, waiting: waiting + 1 })
    return done
  }

  #leave(id: BoardId): void {
    const turn = this.#turns.get(id)
    if (turn === undefined) return
    if (turn.waiting <= 1) this.#turns.delete(id)
    else this.#turns.set(id, { ...turn, waiting: turn.waiting - 1 })
  }
}

/** The one board that the text is to name. Throws `not_found` or `conflict`. */
function only(found: readonly KnownBoard[], text: string): KnownBoard {
  const [board] = found
  if (board === undefined)
    throw new AppError('not_found', `No board is called "${text}". See: pixelgate boards`)
  if (found.length > 1)
    throw new AppError(
      'conflict',
      `"${text}" fits ${found.length} boards. Use the full id. See: pixelgate boards`,
    )
  return board
}

/** Geometry and wiring as they are after a change. Throws `usage`. */
function shapeAfter(
  board: KnownBoard,
  { width, height, wiring, layout }: BoardChange,
): Pick<KnownBoard, 'width' | 'height' | 'wiring' | 'layoutJson'> {
  const reshaped = (width ?? height ?? wiring) !== undefined
  if (layout) {
    if (reshaped) throw new AppError('usage', 'Give either a layout, or width, height and wiring.')
    if (layout.leds > board.leds)
      throw new AppError('usage', `The layout places ${layout.leds} LEDs; this board has ${board.leds}.`)
    return { width: layout.width, height: layout.height, wiring: board.wiring, layoutJson: layout.json }
  }
  if (board.layoutJson !== null && layout === undefined && !reshaped)
    return { width: board.width, height: board.height, wiring: board.wiring, layoutJson: board.layoutJson }
  // What remains of a layout that is taken away may be no matrix.
  const whole = board.layoutJson === null || board.width * board.height === board.leds
  const size = {
    width: width ?? (whole ? board.width : 0),
    height: height ?? (whole ? board.height : 0),
  }
  if ((size.width !== 0 || size.height !== 0) && size.width * size.height !== board.leds)
    throw new AppError(
      'usage',
      `${size.width}×${size.height} are ${size.width * size.height} LEDs; this board has ${board.leds}.`,
    )
  return { ...size, wiring: wiring ?? board.wiring, layoutJson: null }
}
