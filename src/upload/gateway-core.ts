import { BoardBook, type BookEvents } from '../board/board-book.ts'
import { type BoardStateEvents, BoardStates } from '../board/board-states.ts'
import { type KeyFile, KeyVault } from '../board/key-vault.ts'
import { BoardPairing, type PairingEvents } from '../board/pairing.ts'
import { type BoardEvents, BoardRegistry } from '../board/registry.ts'
import type { BoardSession } from '../board/session.ts'
import { Bus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type RandomBytes, systemRandom } from '../kernel/random.ts'
import type { PatternLimits } from '../pattern/limits.ts'
import type { Store } from '../store/store.ts'
import { BoardControl, type CommandEvents } from './board-control.ts'
import { BoardViews } from './board-views.ts'
import { PatternFits } from './fit/pattern-fits.ts'
import type { JobEvents } from './job-events.ts'
import type { PatternEvents } from './library/pattern-events.ts'
import { PatternLibrary } from './library/pattern-library.ts'
import { PatternThread } from './pattern-thread/pattern-thread.ts'
import type { ResetBoard } from './pull-reset.ts'
import { UploadQueue } from './upload-queue.ts'
import { Uploads } from './uploads.ts'

export type GatewayEvents = BoardEvents &
  BoardStateEvents &
  BookEvents &
  CommandEvents &
  JobEvents &
  PairingEvents &
  PatternEvents

export interface CoreOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly maxBody?: number
  readonly adaptBody?: boolean
  /** How long a pattern may hold the main thread; what takes longer is done in one of its own. */
  readonly maxHoldMs?: number
  /** What a pattern may be at most. */
  readonly patternLimits?: PatternLimits
  readonly resetBoard?: ResetBoard
  /** Of ids and digest keys; default: the system's. */
  readonly random?: RandomBytes
  /** What encrypts the pairing keys; left out: this program keeps none. */
  readonly keyFile?: KeyFile
}

/** Boards, jobs and what joins them: the same for the daemon and for an upload without it. */
export interface GatewayCore {
  readonly bus: Bus<GatewayEvents>
  readonly registry: BoardRegistry
  readonly book: BoardBook
  readonly pairing: BoardPairing
  readonly states: BoardStates
  readonly control: BoardControl
  readonly views: BoardViews
  readonly patterns: PatternThread
  readonly queue: UploadQueue
  readonly uploads: Uploads
  readonly library: PatternLibrary
  readonly fits: PatternFits
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
  maxHoldMs,
  patternLimits,
  resetBoard,
  random = systemRandom,
  keyFile,
}: CoreOptions): GatewayCore {
  const bus = new Bus<GatewayEvents>()
  const registry = new BoardRegistry(bus, log)
  const states = new BoardStates(bus)
  const book = new BoardBook(store, clock, bus)
  const vault = keyFile && new KeyVault(keyFile)
  const pairing = new BoardPairing({ store, vault, clock, log, bus })
  const control = new BoardControl({ registry, store, clock, bus })
  const views = new BoardViews({ store, book, registry, states, pairing })
  const patterns = new PatternThread({ clock, maxHoldMs, limits: patternLimits })
  const queue = new UploadQueue({
    store,
    patterns,
    clock,
    random,
    log,
    bus,
    registry,
    maxBody,
    adaptBody,
    profileOf: session => book.profileOf(session),
    resetBoard,
    sealFor: session => pairing.seal(session),
  })
  const uploads = new Uploads({ store, queue, patterns, clock, random, bus })
  const library = new PatternLibrary({ store, patterns, clock, bus })
  const fits = new PatternFits({ store, book, patterns })
  // The board shows something else now; its next heartbeat may be a second away.
  bus.on('job.changed', ({ boardId, state }) => {
    if (state === 'done')
      registry
        .session(boardId)
        ?.request({ type: 'STATUS' })
        .catch(() => undefined)
  })
  const admit = async (session: BoardSession) => {
    // What claims another's identity must not change what is known of that board.
    if (!(await pairing.admit(session))) return
    await book.meet(session)
    if (session.alive) registry.add(session)
  }
  const onSession = (session: BoardSession) => {
    admit(session).catch((thrown: unknown) => {
      if (session.alive) log.error({ err: toError(thrown) }, 'a board could not be taken in')
      session.end()
    })
  }
  return {
    ...{ bus, registry, book, pairing, states, control, views, patterns, queue, uploads, library, fits },
    onSession,
  }
}
