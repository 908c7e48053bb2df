import { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { type BoardId, boardId } from '../kernel/ids.ts'
import type { Store } from '../store/store.ts'
import type { BoardRecord } from '../store/tables/boards.ts'
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
}

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

  /** By id, or by a name or the start of an id that fits one board only. Rejects with `not_found` or `conflict`. */
  async find(text: string): Promise<KnownBoard> {
    const boards = await this.list()
    const exact = boards.filter(({ id, name }) => id === text.toLowerCase() || name === text)
    const found =
      exact.length > 0
        ? exact
        : boards.filter(({ id }) => text.length >= 4 && id.startsWith(text.toLowerCase()))
    const [only] = found
    if (only === undefined)
      throw new AppError('not_found', `No board is called "${text}". See: pixelgate boards`)
    if (found.length > 1)
      throw new AppError(
        'conflict',
        `"${text}" fits ${found.length} boards. Use the full id. See: pixelgate boards`,
      )
    return only
  }

  /** What to compile for: the person's word before the board's. */
  async profileOf(session: BoardSession): Promise<BoardProfile> {
    const known = (await this.#store.boards.get(boardId(session.id))) ?? (await this.meet(session))
    return profileFrom(known, session.caps.maxPowerMa)
  }

  async change(id: BoardId, change: BoardChange): Promise<KnownBoard> {
    const board = await this.find(id)
    const shape = shapeAfter(board, change)
    const colorOrder = change.colorOrder ?? board.colorOrder
    const powerCapMa = change.powerCapMa === undefined ? board.powerCapMa : change.powerCapMa
    if (change.name !== undefined) await this.#store.boards.rename({ id, name: change.name })
    const changed = await this.#store.boards.setProfile({ id, ...shape, colorOrder, powerCapMa })
    this.#bus.emit('board.changed', { boardId: id })
    return changed
  }
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
