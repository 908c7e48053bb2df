import { BoardConnection } from '../../src/board/connection.ts'
import type { Clock, Timer } from '../../src/kernel/clock.ts'
import type { AppError } from '../../src/kernel/errors.ts'
import type { BoardId } from '../../src/kernel/ids.ts'
import type { Log } from '../../src/kernel/log.ts'
import type { Link } from '../../src/link/link.ts'
import type { MemoryLinkPair } from '../../src/link/memory-link.ts'
import type { Prng } from '../../src/link/prng.ts'
import { cobsDecodeInto } from '../../src/protocol/cobs.ts'
import { decodeContent, type Frame, maxBodyBytes } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import type { JobRecord } from '../../src/store/tables/job-record.ts'
import { createCore, type GatewayCore } from '../../src/upload/gateway-core.ts'
import { type MemoryTables, memoryStore } from './memory-store.ts'
import type { SimFile } from './sim-files.ts'
import type { WireWatch } from './wire-watch.ts'

export interface SimHostOptions {
  readonly name: string
  readonly clock: Clock
  readonly tables: MemoryTables
  readonly file: SimFile
  /** One try to open each port that the host drives; throws when it cannot be opened. */
  readonly ports: readonly (() => MemoryLinkPair)[]
  readonly maxBaudRate: number | undefined
  /** A rate that the adapter takes and does not reach. */
  readonly deafTo: number | undefined
  readonly storeMs: number
  /** Of everything that the host draws lots for. */
  readonly prng: Prng
  readonly log: Log
  readonly newWatch: () => WireWatch
  /** Before each frame that is written, and after each frame that came and each call of the store. */
  readonly onStep: (host: SimHost) => void
  readonly onWrite: (host: SimHost, frame: Frame) => void
  readonly onHeard: (host: SimHost, frame: Frame) => void
  /** The adapter is set to the rate that it does not reach. */
  readonly onDeaf: () => void
  readonly onJob: (host: SimHost, job: JobRecord) => void
  readonly onPresence: (host: SimHost, board: BoardId, present: boolean) => void
  readonly onBug: (what: string) => void
}

const largestHoldMs = 1e9

/**
 * The gateway from its upload queue down to its frames, over a store in memory. It can be killed as a process is: from that
 * moment nothing of it reaches a line, a timer or the store, whatever it was about to do.
 */
export class SimHost {
  readonly name: string
  readonly tables: MemoryTables
  readonly core: GatewayCore
  readonly #options: SimHostOptions
  readonly #connections: readonly BoardConnection[]
  readonly #links = new Set<MemoryLinkPair>()
  #last: MemoryLinkPair | undefined
  #dead = false
  #submitting = false
  /** Frames written, frames heard and calls of the store so far. */
  steps = 0
  timers = 0
  calls = 0
  /** Bytes in the fullest of its links. */
  queuedBytes = 0

  constructor(options: SimHostOptions) {
    const { name, tables, ports, maxBaudRate, prng, log } = options
    this.name = name
    this.tables = tables
    this.#options = options
    const clock = this.#clock()
    const store = memoryStore(
      tables,
      run => this.#call(run),
      () => this.calls,
    )
    const randomBytes = (sizeBytes: number) => Uint8Array.from({ length: sizeBytes }, () => prng.below(256))
    this.core = createCore({ store, clock, log, maxHoldMs: largestHoldMs, random: randomBytes })
    this.core.bus.on('job.changed', job => !this.#dead && options.onJob(this, job))
    this.core.bus.on('board.up', ({ boardId }) => this.#presence(boardId, true))
    this.core.bus.on('board.down', ({ boardId }) => this.#presence(boardId, false))
    this.#connections = ports.map(
      open =>
        new BoardConnection({
          open: async () => this.#open(open),
          maxBaudRate,
          clock,
          log,
          random: () => prng.real(),
          randomBytes,
          onSession: this.core.onSession,
        }),
    )
  }

  get alive(): boolean {
    return !this.#dead
  }

  start(): void {
    this.core.queue.start().then(
      () => {
        for (const connection of this.#connections) connection.start()
      },
      (thrown: unknown) => this.#bug(thrown),
    )
  }

  /** kill -9; the ports are closed by the system. */
  kill(): void {
    this.#dead = true
    for (const link of this.#links) void link.host.close()
    this.#links.clear()
  }

  get file(): SimFile {
    return this.#options.file
  }

  /** Of the line that it opened last. */
  get rate(): number | null {
    return this.#last?.host.baudRate ?? null
  }

  /** The job of this host's file that was made last, as its database has it. */
  get job(): JobRecord | undefined {
    return this.tables.jobs.at(-1)
  }

  get submitting(): boolean {
    return this.#submitting
  }

  /** Uploads the file to the board, unless an unfinished job does so already. */
  submit(board: BoardId): void {
    if (this.#submitting || this.#dead) return
    this.#submitting = true
    const { bytes, how } = this.#options.file
    const { uploads } = this.core
    uploads
      .addFile(bytes, how.fileName, how.raw)
      .then(({ pattern }) => uploads.submit(pattern, [board], how))
      .then(
        () => {
          this.#submitting = false
        },
        (thrown: unknown) => this.#bug(thrown),
      )
  }

  #bug(thrown: unknown): void {
    if (!this.#dead) this.#options.onBug(thrown instanceof Error ? (thrown.stack ?? '') : String(thrown))
  }

  #presence(boardId: BoardId, present: boolean): void {
    if (!this.#dead) this.#options.onPresence(this, boardId, present)
  }

  #step(): boolean {
    if (this.#dead) return false
    this.steps++
    this.#options.onStep(this)
    return !this.#dead
  }

  #clock(): Clock {
    const { clock } = this.#options
    return {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      setTimer: (delayMs, fire): Timer => {
        this.timers++
        let open = true
        const close = () => {
          if (open) this.timers--
          open = false
        }
        const timer = clock.setTimer(delayMs, () => {
          close()
          if (!this.#dead) fire()
        })
        return {
          cancel: () => {
            close()
            timer.cancel()
          },
        }
      },
    }
  }

  /** A call runs half-way through its time, so that a kill may fall before it or between it and its answer. */
  #call<T>(run: () => T): Promise<T> {
    const { clock, storeMs } = this.#options
    this.calls++
    return new Promise((resolve, reject) => {
      const execute = () => {
        if (this.#dead) return
        const answer = settle(run, resolve, reject)
        const finish = () => {
          this.calls--
          if (!this.#dead) answer()
        }
        if (!this.#step()) return
        if (storeMs === 0) finish()
        else clock.setTimer(storeMs / 2, finish)
      }
      if (storeMs === 0) execute()
      else clock.setTimer(storeMs / 2, execute)
    })
  }

  #open(open: () => MemoryLinkPair): Link {
    const pair = open()
    this.#links.add(pair)
    this.#last = pair
    pair.host.onClose(() => this.#links.delete(pair))
    return this.#tap(pair.host)
  }

  /** The link as this process has it: silent once the process is dead, and read along. */
  #tap(inner: Link): Link {
    const { onWrite, onHeard, onDeaf, newWatch, deafTo } = this.#options
    const watch = newWatch()
    const decoder = new FrameDecoder(maxBodyBytes)
    return {
      kind: inner.kind,
      address: inner.address,
      get baudRate() {
        return inner.baudRate
      },
      get queuedBytes() {
        return inner.queuedBytes
      },
      write: bytes => {
        if (this.#dead) return false
        const frame = wholeFrame(bytes)
        if (frame === undefined) return inner.write(bytes)
        if (!this.#step()) return false
        watch.onWrite(frame)
        onWrite(this, frame)
        const taken = inner.write(bytes)
        this.queuedBytes = Math.max(this.queuedBytes, inner.queuedBytes)
        return taken
      },
      onData: listener =>
        inner.onData(chunk => {
          if (this.#dead) return
          decoder.push(chunk, frame => {
            watch.onHeard(frame)
            if (!this.#dead) onHeard(this, frame)
          })
          if (!this.#dead && this.#step()) listener(chunk)
        }),
      onDrain: listener => inner.onDrain(() => !this.#dead && listener()),
      onClose: listener => inner.onClose((error: AppError | undefined) => !this.#dead && listener(error)),
      setBaudRate: baudRate => {
        if (baudRate !== deafTo) return inner.setBaudRate(baudRate)
        onDeaf()
        return inner.setBaudRate(baudRate - 1)
      },
      close: () => inner.close(),
    }
  }
}

/** Runs now and returns what hands the outcome over. */
function settle<T>(run: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): () => void {
  try {
    const value = run()
    return () => resolve(value)
  } catch (thrown) {
    return () => reject(thrown)
  }
}

/** A host writes a frame at a time, or a lone delimiter. */
function wholeFrame(bytes: Uint8Array): Frame | undefined {
  const content = new Uint8Array(bytes.length)
  const size = cobsDecodeInto(content, bytes, 0, bytes.length - 1)
  const frame = size > 0 ? decodeContent(content.subarray(0, size)) : undefined
  return frame?.ok ? frame.value : undefined
}
