import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import omggif from 'omggif'
import { BoardConnection } from '../../src/board/connection.ts'
import type { BoardSession } from '../../src/board/session.ts'
import { type BoardId, boardId, formatUuid, type JobId } from '../../src/kernel/ids.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { type MemoryLinkPair, memoryLinkPair } from '../../src/link/memory-link.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import type { JobRecord } from '../../src/store/tables/job-record.ts'
import { createCore, type GatewayCore } from '../../src/upload/gateway-core.ts'
import type { ResetBoard } from '../../src/upload/pull-reset.ts'
import type { UploadOptions } from '../../src/upload/upload-options.ts'
import { type BoardConfig, defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { type BoardFaults, noFaults } from '../../src/virtual/board-faults.ts'
import { Flash } from '../../src/virtual/flash.ts'
import { VirtualBoard } from '../../src/virtual/virtual-board.ts'

export const raw: UploadOptions = { fileName: 'noise.bin', raw: true }

/** Bytes that do not compress, the same for each seed. */
export function noise(sizeBytes: number, seed = 1): Uint8Array {
  let state = seed >>> 0
  return Uint8Array.from({ length: sizeBytes }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}

/** A GIF of noise, which takes the decoder longest; or of one colour, which packs best. */
export function noiseGif(width: number, height: number, frames: number, flat = false): Uint8Array {
  const bytes = Buffer.alloc(width * height * frames * 2 + 10_000)
  const palette = Array.from({ length: 256 }, (_, at) => at * 0x010203)
  const writer = new omggif.GifWriter(bytes, width, height, { loop: 0, palette })
  const pixels = (frame: number) => (flat ? new Uint8Array(width * height) : noise(width * height, frame))
  for (let frame = 1; frame <= frames; frame++)
    writer.addFrame(0, 0, width, height, [...pixels(frame)], { delay: 5 })
  return bytes.subarray(0, writer.end())
}

/** A board on a cable that can be pulled and put back. */
export class Bench {
  readonly id: BoardId
  readonly board: VirtualBoard
  readonly connection: BoardConnection
  session: BoardSession | undefined
  /** The next link breaks after so many bytes to the board. */
  cutAfterBytes: number | undefined
  plugged = true
  /** The board hangs: it neither hears nor answers, until its reset line is pulled. */
  mute = false
  #line: MemoryLinkPair | undefined

  constructor(
    rig: UploadRig,
    uuidByte: number,
    baudRate: number | null,
    config: Partial<BoardConfig>,
    faults: Partial<BoardFaults>,
  ) {
    const { clock } = rig
    const uuid = new Uint8Array(16).fill(uuidByte)
    this.id = boardId(formatUuid(uuid))
    const built = { ...defaultBoardConfig, uuid, storageBytes: 1024 * 1024, ...config }
    this.board = new VirtualBoard({
      config: built,
      flash: new Flash({ sizeBytes: built.storageBytes, eraseUnit: built.eraseUnit }),
      faults: { ...noFaults, ...faults },
      clock,
      onSend: bytes => !this.mute && this.#line?.board.write(bytes.slice()),
    })
    this.board.start()
    this.connection = new BoardConnection({
      open: async () => {
        if (!this.plugged) throw new Error('unplugged')
        const cutAfterBytes = this.cutAfterBytes
        this.cutAfterBytes = undefined
        const line = memoryLinkPair({
          clock,
          baudRate,
          toBoard: cutAfterBytes === undefined ? {} : { cutAfterBytes },
        })
        line.board.onData(chunk => !this.mute && this.board.receive(chunk))
        this.#line = line
        return line.host
      },
      clock,
      log: silentLog,
      random: () => 0,
      onSession: session => {
        this.session = session
        rig.core.onSession(session)
      },
    })
  }

  unplug(): void {
    this.plugged = false
    this.#line?.cut()
  }

  plug(): void {
    this.plugged = true
  }

  /** As a pulse on its RESET input. */
  reset(): void {
    this.board.stop()
    this.mute = false
    this.board.start()
  }
}

/** Real database, real board library, virtual time: the clock moves only while database and pattern thread have nothing to do. */
export class UploadRig {
  readonly clock = new VirtualClock()
  readonly path: string
  store: Store
  core: GatewayCore
  readonly changes: JobRecord[] = []
  readonly #benches: Bench[] = []

  readonly #resetBoard: ResetBoard | undefined

  constructor(path: string, store: Store, log: Log, resetBoard?: ResetBoard) {
    this.path = path
    this.store = store
    this.#resetBoard = resetBoard
    this.core = this.#core(store, log)
  }

  #core(store: Store, log: Log): GatewayCore {
    const core = createCore({
      store,
      clock: this.clock,
      log,
      maxBody: 1024,
      keyFile: { path: `${this.path}.key`, given: false },
      ...(this.#resetBoard && { resetBoard: this.#resetBoard }),
    })
    core.bus.on('job.changed', record => this.changes.push(record))
    return core
  }

  /** A new gateway over the same database, as after a restart of the process. */
  async restart(log: Log = silentLog): Promise<void> {
    await this.until(this.core.queue.close())
    for (const bench of this.#benches) await this.until(bench.connection.stop())
    await this.store.close()
    this.store = await openStore(this.path)
    this.core = this.#core(this.store, log)
  }

  board(
    uuidByte: number,
    options: { baudRate?: number | null; config?: Partial<BoardConfig>; faults?: Partial<BoardFaults> } = {},
  ): Bench {
    const bench = new Bench(
      this,
      uuidByte,
      options.baudRate ?? null,
      options.config ?? {},
      options.faults ?? {},
    )
    this.#benches.push(bench)
    return bench
  }

  /** Starts a board and waits for it. */
  async present(bench: Bench): Promise<Bench> {
    bench.connection.start()
    await this.when(() => this.core.registry.session(bench.id) !== undefined, 'the board')
    return bench
  }

  async submit(
    benches: readonly Bench[],
    bytes: Uint8Array,
    options: UploadOptions = raw,
  ): Promise<readonly JobRecord[]> {
    const { pattern } = await this.core.uploads.addFile(bytes, options.fileName, options.raw)
    const { jobs } = await this.until(
      this.core.uploads.submit(
        pattern,
        benches.map(({ id }) => id),
        options,
      ),
    )
    return jobs
  }

  /** States through which a job went, as told on the bus. */
  statesOf(id: JobId): string[] {
    return this.changes.filter(change => change.id === id).map(({ state }) => state)
  }

  async job(id: JobId): Promise<JobRecord> {
    return this.core.uploads.job(id)
  }

  async ends(job: JobRecord | undefined, state: string): Promise<JobRecord> {
    if (job === undefined) throw new Error('there is no job')
    await this.when(
      () => this.changes.some(change => change.id === job.id && change.state === state),
      `job ${state}: ${this.statesOf(job.id)}`,
    )
    return this.job(job.id)
  }

  /** Runs time until the promise settles. */
  async until<T>(work: Promise<T>): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    work.then(mark, mark)
    await this.when(() => settled, 'a promise')
    return work
  }

  async when(condition: () => boolean, what: string, limitMs = 600_000): Promise<void> {
    const end = this.clock.now() + limitMs
    while (!condition()) {
      await new Promise(setImmediate)
      if (condition()) return
      if (this.store.pending.calls > 0 || this.core.patterns.pending > 0) continue
      if (!this.clock.step() || this.clock.now() > end)
        throw new Error(`no ${what} until ${this.clock.now()} ms`)
    }
  }

  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    this.clock.setTimer(ms, () => undefined)
    await this.when(() => this.clock.now() >= end, 'time')
  }

  async close(): Promise<void> {
    await this.until(this.core.queue.close())
    for (const bench of this.#benches) {
      bench.board.stop()
      await this.until(bench.connection.stop())
    }
    await this.store.close()
  }
}

/** `wrap` may put a faulty database in the place of the real one. Torn down with the test. */
export async function uploadRig(
  t: { teardown(done: () => Promise<void>): void },
  {
    wrap = store => store,
    log = silentLog,
    resetBoard,
  }: { wrap?: (store: Store) => Store; log?: Log; resetBoard?: ResetBoard } = {},
): Promise<UploadRig> {
  const folder = await mkdtemp(join(tmpdir(), 'upload-'))
  const path = join(folder, 'gateway.db')
  const rig = new UploadRig(path, wrap(await openStore(path)), log, resetBoard)
  t.teardown(async () => {
    await rig.close()
    await rm(folder, { recursive: true, force: true })
  })
  return rig
}
