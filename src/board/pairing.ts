import { randomBytes } from 'node:crypto'
import type { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { type BoardId, boardId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { changeOfKey, chooseMac, clearingProof, type Seal, sealOf, tagBytes } from '../protocol/pairing.ts'
import type { Store } from '../store/store.ts'
import type { BoardKeyRecord } from '../store/tables/board-keys.ts'
import { authenticate, type ProvenSession } from './authenticate.ts'
import type { KeyVault } from './key-vault.ts'
import type { BoardSession } from './session.ts'

/**
 * `untrusted`: no key on either side. `paired`: we hold its key, and it has proved it whenever it was here. `locked`: it has a key
 * of somebody else. `refused`: what is here claims the identity of a board whose key we hold, and cannot prove it.
 */
export type Trust = 'untrusted' | 'paired' | 'locked' | 'refused'

export interface PairingEvents {
  /** Something claims to be this board and cannot prove it; it is kept away from uploads and commands. */
  readonly 'board.refused': {
    readonly boardId: BoardId
    readonly address: string
    readonly message: string
  }
  /** A board was paired or unpaired, or what was refused is gone. */
  readonly 'board.trust': { readonly boardId: BoardId }
}

export interface PairingParts {
  readonly store: Pick<Store, 'boardKeys' | 'boards'>
  /** undefined: no keys here; paired boards are somebody else's. */
  readonly vault: KeyVault | undefined
  readonly clock: Clock
  readonly log: Log
  readonly bus: Bus<PairingEvents>
}

type OpenedKey = Pick<BoardKeyRecord, 'state'> & { readonly key: Uint8Array }

const isProved = ({ state }: BoardKeyRecord): boolean => state !== 'pending'

const noProof = new Uint8Array(tagBytes)

/** Who of the boards that are there has proved to be the one it claims to be. */
export class BoardPairing {
  readonly #parts: PairingParts
  readonly #proven = new WeakMap<BoardSession, ProvenSession>()
  readonly #locked = new WeakSet<BoardSession>()
  readonly #refused = new Map<BoardId, Set<BoardSession>>()
  /** Boards whose key is being changed. */
  readonly #changing = new Set<BoardId>()

  constructor(parts: PairingParts) {
    this.#parts = parts
  }

  /**
   * Judges a board that was just greeted. False: it is refused; its session stays open and unused, so that the line is not greeted
   * for ever. Rejects when the session ends.
   */
  async admit(session: BoardSession): Promise<boolean> {
    const id = boardId(session.id)
    const records = await this.#recordsOf(id)
    let keys: readonly OpenedKey[]
    try {
      keys = this.#open(id, records)
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown
      return this.#refuse(session, id, `Board ${id} is paired, and nothing is sent to it: ${thrown.message}`)
    }
    const ours = keys.find(({ state }) => state !== 'pending')
    if (!session.caps.paired) return this.#admitKeyless(session, id, ours)
    const mac = chooseMac(session.caps.macs)
    for (const { state, key } of mac === undefined ? [] : keys) {
      const proven = await authenticate(session, mac ?? 1, key)
      if (proven === undefined) continue
      if (state === 'pending') await this.#parts.store.boardKeys.confirm(id)
      await this.#believe(session, id, proven)
      return true
    }
    if (ours !== undefined)
      return this.#refuse(
        session,
        id,
        forged(session, id, 'does not prove that it has the key of this board'),
      )
    this.#locked.add(session)
    return true
  }

  async #admitKeyless(session: BoardSession, id: BoardId, ours: OpenedKey | undefined): Promise<boolean> {
    if (ours?.state === 'active')
      return this.#refuse(session, id, forged(session, id, 'has no pairing key, but this board has one'))
    if (ours?.state === 'leaving') await this.#parts.store.boardKeys.remove(id)
    return true
  }

  /** For the uploads to this board; undefined: it has no key of ours. */
  seal(session: BoardSession): Seal | undefined {
    const proven = this.#proven.get(session)
    return proven && sealOf(proven.mac, proven.key, session.uuid)
  }

  /** `session` is the board's, if it is there. */
  async trustOf(id: BoardId, session: BoardSession | undefined): Promise<Trust> {
    return (
      this.#trustNow(id, session) ?? ((await this.#recordsOf(id)).some(isProved) ? 'paired' : 'untrusted')
    )
  }

  /** The same of many boards, with one question to the database at most. */
  async trustOfAll(
    boards: readonly { readonly id: BoardId; readonly session: BoardSession | undefined }[],
  ): Promise<readonly Trust[]> {
    const now = boards.map(({ id, session }) => this.#trustNow(id, session))
    const asked = this.#parts.vault !== undefined && now.includes(undefined)
    const paired = new Set(asked ? await this.#parts.store.boardKeys.paired() : [])
    return boards.map(({ id }, at) => now[at] ?? (paired.has(id) ? 'paired' : 'untrusted'))
  }

  /** undefined: the board is away, and its key tells. */
  #trustNow(id: BoardId, session: BoardSession | undefined): Trust | undefined {
    if (session !== undefined)
      return this.#proven.has(session) ? 'paired' : this.#locked.has(session) ? 'locked' : 'untrusted'
    return this.#refused.has(id) ? 'refused' : undefined
  }

  /** Gives the board a key, or another one. Rejects with `conflict`, `board_refused`, `config_invalid` or what ended the session. */
  pair(session: BoardSession, { trustLine }: { readonly trustLine: boolean }): Promise<void> {
    const id = boardId(session.id)
    return this.#alone(id, async () => {
      const { store, vault, clock } = this.#parts
      const mac = chooseMac(session.caps.macs)
      if (vault === undefined) throw new AppError('config_invalid', 'This program keeps no pairing keys.')
      if (mac === undefined)
        throw new AppError(
          'board_refused',
          'The firmware of this board cannot be paired. It works as before, untrusted.',
        )
      if (this.#locked.has(session)) throw lockedFault()
      const before = this.#proven.get(session)
      // A change of key is covered by the old one; the first key is not.
      if (before === undefined && !trustLine && !isLocal(session)) throw openLine(session)
      const key = new Uint8Array(randomBytes(tagBytes))
      const sealed = vault.seal(id, key, !(await store.boardKeys.some()))
      await store.boardKeys.propose({ boardId: id, sealed, nowMs: clock.wallTime() })
      const said =
        before === undefined
          ? { key, proof: noProof }
          : changeOfKey(before.mac, before.key, before.hostProof, key)
      await session.request({ type: 'PAIR', op: 'set', ...said })
      const proven = await authenticate(session, mac, key)
      if (proven === undefined) {
        session.end()
        throw new AppError(
          'board_refused',
          'The board took the key but does not prove it. It is greeted anew; see: pixelgate boards',
        )
      }
      await store.boardKeys.confirm(id)
      await this.#believe(session, id, proven)
      this.#parts.bus.emit('board.trust', { boardId: id })
    })
  }

  /**
   * Takes the key from a board that proves it, and forgets it. With `forget` also without the board: when it was reset by hand, or will not
   * come back. Rejects with `conflict` or `not_found`.
   */
  unpair(
    id: BoardId,
    session: BoardSession | undefined,
    { forget }: { readonly forget: boolean },
  ): Promise<void> {
    return this.#alone(id, async () => {
      const { boardKeys } = this.#parts.store
      const proven = session && this.#proven.get(session)
      if (session !== undefined && proven !== undefined) {
        await boardKeys.leave({ boardId: id, leaving: true })
        const proof = clearingProof(proven.mac, proven.key, proven.hostProof)
        await session.request({ type: 'PAIR', op: 'clear', proof }).catch(async (thrown: unknown) => {
          if (thrown instanceof AppError && thrown.code === 'board_refused')
            await boardKeys.leave({ boardId: id, leaving: false })
          throw thrown
        })
        this.#proven.delete(session)
      } else if (!forget) {
        if (session !== undefined && this.#locked.has(session)) throw lockedFault()
        if ((await boardKeys.of(id)).length === 0)
          throw new AppError('not_found', 'This board is not paired with this gateway.')
        throw new AppError(
          'conflict',
          'The board is not here, or does not prove its key, so it cannot be told. To forget the key all the same: pixelgate board unpair BOARD --forget. A board that still has it takes uploads again only after its own reset.',
        )
      }
      await boardKeys.remove(id)
      this.#parts.log.info({ boardId: id }, 'the pairing key of a board was removed')
      // What was refused for want of this key is greeted anew.
      for (const other of this.#refused.get(id) ?? []) other.end()
      this.#parts.bus.emit('board.trust', { boardId: id })
    })
  }

  async #believe(session: BoardSession, id: BoardId, proven: ProvenSession): Promise<void> {
    this.#proven.set(session, proven)
    await this.#parts.store.boards.raiseGeneration({ id, generation: proven.generation })
  }

  #refuse(session: BoardSession, id: BoardId, message: string): false {
    const { address } = session.channel.link
    const others = this.#refused.get(id) ?? new Set()
    this.#refused.set(id, others.add(session))
    this.#parts.log.error({ boardId: id, address }, message)
    session.onEnd(() => {
      others.delete(session)
      if (others.size === 0) this.#refused.delete(id)
      this.#parts.bus.emit('board.trust', { boardId: id })
    })
    this.#parts.bus.emit('board.refused', { boardId: id, address, message })
    return false
  }

  async #recordsOf(id: BoardId): Promise<readonly BoardKeyRecord[]> {
    return this.#parts.vault === undefined ? [] : this.#parts.store.boardKeys.of(id)
  }

  /** The key that counts before the one that may count. */
  #open(id: BoardId, records: readonly BoardKeyRecord[]): readonly OpenedKey[] {
    const { vault } = this.#parts
    if (vault === undefined) return []
    const opened = records.map(({ state, sealed }) => ({ state, key: vault.open(id, sealed) }))
    return opened.sort((a, b) => Number(a.state === 'pending') - Number(b.state === 'pending'))
  }

  async #alone(id: BoardId, act: () => Promise<void>): Promise<void> {
    if (this.#changing.has(id))
      throw new AppError('conflict', 'The key of this board is being changed already. Wait for the answer.')
    this.#changing.add(id)
    try {
      await act()
    } finally {
      this.#changing.delete(id)
    }
  }
}

const lockedFault = () =>
  new AppError(
    'board_refused',
    'The board is paired with another gateway. Unpair it there, or take its key away at the board itself (docs/pairing.md).',
  )

const forged = ({ channel }: BoardSession, id: BoardId, why: string): string =>
  `What answers on ${channel.link.address} claims to be board ${id} and ${why}. Nothing is sent to it. If you have reset or replaced the board yourself: pixelgate board unpair ${id} --forget, then pair it again. If not, look at what is plugged in there.`

/** The first key crosses the line in the clear. */
const isLocal = ({ channel }: BoardSession): boolean =>
  (channel.link.kind !== 'tcp' && channel.link.kind !== 'mqtt') ||
  /^((tcp:\/\/)?(localhost|127(\.\d{1,3}){3}|\[?::1\]?):\d+|mqtt:\/\/[^@]*@(127(\.\d{1,3}){3}|::1))$/.test(
    channel.link.address,
  )

const openLine = ({ channel }: BoardSession) =>
  new AppError(
    'conflict',
    `The key would cross the network to ${channel.link.address} in the clear. Connect the board by USB for this, or say that nobody else reads that line: pixelgate board pair BOARD --trust-line`,
  )
