import { type BoardId, boardId, formatUuid } from '../../src/kernel/ids.ts'
import type { Log } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { Prng } from '../../src/link/prng.ts'
import { crc32 } from '../../src/protocol/crc32.ts'
import type { Frame } from '../../src/protocol/frame.ts'
import { transferId } from '../../src/protocol/manifest.ts'
import { messageName } from '../../src/protocol/message-name.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import type { JobRecord } from '../../src/store/tables/job-record.ts'
import type { BoardConfig } from '../../src/virtual/board-config.ts'
import type { FaultKind, LineFault, SessionPlan } from './faults.ts'
import { installed } from './flash-layout.ts'
import { Invariants } from './invariants.ts'
import { MemoryTables } from './memory-store.ts'
import type { KnownPattern } from './pattern-watch.ts'
import { SimBoard } from './sim-board.ts'
import { oldImage, type SimFile } from './sim-files.ts'
import { SimHost } from './sim-host.ts'
import { SimPort } from './sim-port.ts'
import { events, type Trace } from './trace.ts'
import { Troubles } from './troubles.ts'

/** One session's world: boards, ports and hosts in one virtual time. */
export class World {
  readonly clock = new VirtualClock()
  readonly invariants: Invariants
  readonly plan: SessionPlan
  readonly board: SimBoard
  readonly boards: SimBoard[] = []
  readonly hosts: SimHost[] = []
  /** The host whose upload has to succeed; another one after each restart. */
  host: SimHost
  oldPattern: KnownPattern | undefined
  /** The host whose upload has to succeed sees the board. */
  present = false
  readonly port: SimPort
  /** Where a second board is plugged in. */
  readonly spare: SimPort
  readonly #troubles: Troubles
  readonly #trace: Trace
  readonly #prng: Prng
  readonly #boardId: BoardId

  constructor(plan: SessionPlan, trace: Trace) {
    this.plan = plan
    this.#trace = trace
    this.#prng = new Prng(plan.seed ^ 0x5eed)
    this.#boardId = boardId(formatUuid(plan.config.uuid))
    this.invariants = new Invariants(this)
    this.#troubles = new Troubles(this)
    this.board = this.addBoard('board', plan.config)
    if (plan.old !== undefined) this.#install(this.board)
    this.port = this.#addPort('port')
    this.port.plug(this.board)
    this.spare = this.#addPort('spare port')
    this.board.start()
    this.host = this.addHost('host', new MemoryTables(), plan.file)
    this.host.start()
    this.#troubles.schedule()
  }

  /** How often each kind of fault has come to pass. */
  get strikes(): ReadonlyMap<FaultKind, number> {
    return this.#troubles.strikes
  }

  /** Until then somebody or something stands in the way on purpose. */
  get unfairUntilMs(): number {
    return this.#troubles.unfairUntilMs
  }

  /** After each step of time. */
  afterStep(): void {
    for (const board of this.boards) {
      if (board.noticeBoot() && board === this.board && board.boots > 1)
        this.note(events.fault, board.boots, () => `the board boots for the ${board.boots}th time`)
    }
    this.invariants.afterStep()
  }

  stop(): void {
    for (const host of this.hosts) host.kill()
    for (const board of this.boards) board.stop()
  }

  /** Uploads the file once more, after a failure that a fault excuses. */
  submitAgain(): void {
    this.host.submit(this.#boardId)
  }

  /** Whether a fault of this session explains a failure with this code; the upload is then tried again. */
  excuses(code: string): boolean {
    const { strikes } = this
    const disturbed = strikes.has('two-hosts') || strikes.has('mute') || strikes.has('babble')
    // A mark of the slot itself has rotted: the board says so, and a second upload takes another slot or erases this one.
    return disturbed || (strikes.has('slot-corruption') && code === 'verification_failed')
  }

  note(kind: number, detail: number, words: () => string): void {
    this.#trace.note(this.clock.now(), kind, detail, words)
  }

  addBoard(name: string, config: BoardConfig): SimBoard {
    const { plan, clock } = this
    const troubles = this.#troubles
    const cuts = name === 'board' ? troubles.of('power-cut') : undefined
    const switches = troubles.of('baud-switch')
    const board = new SimBoard({
      name,
      config,
      clock,
      seed: plan.seed,
      baudRate: plan.baudRate,
      deafTo: switches?.deaf === 'board' ? plan.raiseTo : undefined,
      faults: {
        slowFlashMs: plan.slowFlashMs,
        lieHash: troubles.of('liar')?.about === 'hash',
        powerCutAt: cuts?.operations ?? [],
      },
      violate: what => this.invariants.violate(`${name}: ${what}`),
      onChunk: (heard, chunk) => troubles.onChunk(heard, chunk),
      onSay: bytes => this.note(events.said, crc32(bytes), () => `${name} says ${bytes.length} bytes`),
      liesAboutMissing: troubles.of('liar')?.about === 'missing',
      onLie: () => troubles.count('liar'),
      onBaud: baud => {
        const fails = switches?.deaf === 'board'
        if (switches !== undefined && switches.deaf !== 'host' && (!fails || baud === plan.raiseTo))
          troubles.count('baud-switch')
      },
      onFlash: (address, sizeBytes) => {
        if (plan.slowFlashMs > 0) troubles.count('slow-flash')
        this.note(events.flash, address, () => `${name} flash ${sizeBytes} bytes at ${address}`)
      },
    })
    board.flash.onCut = () => troubles.count('power-cut')
    this.boards.push(board)
    return board
  }

  #install(board: SimBoard): void {
    const { old, config } = this.plan
    if (old === undefined) return
    const built = oldImage(old, config)
    const { flash } = this.plan
    const contents = flash === undefined ? installed(config, built) : [{ address: 0, bytes: flash.contents }]
    for (const { address, bytes } of contents) board.flash.write(address, bytes)
    this.oldPattern = { manifest: built.manifest, image: built.image, frames: old.frames }
    for (const pattern of [this.oldPattern, ...(flash?.patterns ?? [])]) {
      const patternId = Buffer.from(transferId(pattern.manifest)).toString('hex')
      board.watch.learn(patternId, pattern)
      board.watch.allowed.add(patternId)
    }
  }

  #addPort(name: string): SimPort {
    const { plan, clock } = this
    const troubles = this.#troubles
    const isMain = name === 'port'
    const resets = isMain && troubles.of('board-reset')?.onOpen === true
    return new SimPort({
      name,
      clock,
      seed: plan.seed + (isMain ? 0 : 7),
      baudRate: plan.baudRate,
      latencyMs: plan.latencyMs,
      noise: plan.faults.filter((fault): fault is LineFault => 'rate' in fault),
      cut: isMain ? troubles.of('unplug') : undefined,
      onOpen: () => {
        if (Math.max(...plan.latencyMs) > 1) troubles.count('latency')
        if (!resets) return
        troubles.count('board-reset')
        this.board.reset()
      },
      onStrike: (kind, times) => troubles.count(kind, times),
    })
  }

  addHost(name: string, tables: MemoryTables, file: SimFile): SimHost {
    const { plan, clock } = this
    const troubles = this.#troubles
    const say = (level: string) => (fields: object, message: string) =>
      this.note(events.log, message.length, () => `${name} ${level}: ${message} ${JSON.stringify(fields)}`)
    const log: Log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
    const host = new SimHost({
      name,
      clock,
      tables,
      file,
      ports: name.startsWith('host') ? [this.port.open, this.spare.open] : [this.port.open],
      maxBaudRate: plan.raiseTo,
      deafTo: troubles.of('baud-switch')?.deaf === 'host' ? plan.raiseTo : undefined,
      storeMs: plan.storeMs,
      prng: this.#prng,
      log,
      newWatch: () => this.invariants.newWireWatch(),
      onStep: stepped => troubles.onStep(stepped),
      onWrite: (writer, frame) => this.#onWrite(writer, frame),
      onHeard: (hearer, frame) => this.#onHeard(hearer, frame),
      onDeaf: () => troubles.count('baud-switch'),
      onJob: (owner, job) => this.#onJob(owner, job),
      onPresence: (seer, id, present) => this.#onPresence(seer, id, present),
      onBug: what => this.invariants.violate(`${name}: ${what}`),
    })
    this.hosts.push(host)
    return host
  }

  #onWrite(host: SimHost, frame: Frame): void {
    this.#noteFrame(events.wrote, host, frame, '→')
    const { type, body } = frame
    const transfer = (from: number) => Buffer.from(body.subarray(from, from + 16)).toString('hex')
    if (type === messageTypes.BEGIN) this.#learn(host, transfer(0))
    for (const { watch } of this.boards) {
      if (type === messageTypes.ACTIVATE) watch.mayTry(transfer(1), (body[17] ?? 0) | ((body[18] ?? 0) << 8))
      if (type === messageTypes.CONFIRM) watch.allowed.add(transfer(1))
    }
    if (type === messageTypes.ACTIVATE) this.#troubles.onActivate(host, false)
  }

  /** What this transfer must be on a board, as the host's own database has it. */
  #learn(host: SimHost, id: string): void {
    const { tables } = host
    const job = tables.jobs.findLast(({ transferId }) => transferId === id)
    const manifest = tables.blobs.get(job?.manifestSha ?? '')?.bytes
    const image = tables.blobs.get(job?.imageSha ?? '')?.bytes
    if (manifest === undefined || image === undefined)
      return this.invariants.violate(`${host.name} begins a transfer that its database does not know`)
    const { bytes, how, frames } = host.file
    if (how.raw && Buffer.compare(bytes, image) !== 0)
      this.invariants.violate(`${host.name} sends other bytes than the file has`)
    for (const { watch } of this.boards) watch.learn(id, { manifest, image, frames })
  }

  #onHeard(host: SimHost, frame: Frame): void {
    this.#noteFrame(events.heard, host, frame, '←')
    if (frame.type === messageTypes.ACTIVATE) this.#troubles.onActivate(host, true)
  }

  #noteFrame(kind: number, host: SimHost, { type, session, seq, body }: Frame, arrow: string): void {
    this.note(kind, crc32(body) ^ (type << 24) ^ (session << 16) ^ seq, () => {
      const name = messageName(type) ?? type
      const hex = body.length <= 40 ? ` ${Buffer.from(body).toString('hex')}` : ''
      return `${host.name} ${arrow} ${name} session ${session} seq ${seq}, ${body.length} bytes${hex}`
    })
  }

  #onJob(host: SimHost, job: JobRecord): void {
    this.note(events.job, crc32(Buffer.from(job.state)), () => {
      const why = job.errorCode === null ? '' : ` (${job.errorCode}: ${job.errorMessage})`
      return `${host.name}: the job is ${job.state}${why}`
    })
    this.invariants.onJob(host, job)
  }

  #onPresence(host: SimHost, id: BoardId, present: boolean): void {
    this.note(events.presence, present ? 1 : 0, () => `${host.name}: ${id} is ${present ? 'there' : 'away'}`)
    if (id !== this.#boardId) return
    if (host === this.host) this.present = present
    if (present && host.tables.jobs.length === 0) host.submit(id)
  }
}
