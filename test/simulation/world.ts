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
import type { Fault, FaultKind, LineFault, SessionPlan } from './faults.ts'
import { installed, layoutOf, readRecord, readSlot, slotAddress } from './flash-layout.ts'
import { Invariants } from './invariants.ts'
import { MemoryTables } from './memory-store.ts'
import type { KnownPattern } from './pattern-watch.ts'
import { SimBoard } from './sim-board.ts'
import { oldImage, type SimFile } from './sim-files.ts'
import { SimHost } from './sim-host.ts'
import { SimPort } from './sim-port.ts'
import type { Trace } from './trace.ts'

/** Kinds of event in a trace. */
const events = { wrote: 1, heard: 2, said: 3, job: 4, presence: 5, fault: 6, flash: 7, log: 8 } as const
/** A mute board must have been noticed by then: SPEC §2.3, and a heartbeat. */
const noticedMs = 6500

/** Faults that are there all the time, or that the line keeps to itself. */
const lasting: readonly FaultKind[] = [
  'bit-errors',
  'bursts',
  'drops',
  'insertions',
  'duplicates',
  'reordering',
  'stalls',
  'latency',
  'slow-flash',
  'unplug',
  'baud-switch',
  'liar',
]

type Of<K extends FaultKind> = Extract<Fault, { readonly kind: K }>

/** One session's world: boards, ports and hosts in one virtual time, and the faults that befall them. */
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
  /** Until then somebody or something stands in the way on purpose. */
  unfairUntilMs = 0
  /** Faults that came to pass. */
  readonly struck = new Set<FaultKind>()
  readonly #trace: Trace
  readonly #prng: Prng
  readonly #port: SimPort
  readonly #spare: SimPort
  readonly #boardId: BoardId
  #backup: MemoryTables | undefined
  #frames = 0
  #present = false

  constructor(plan: SessionPlan, trace: Trace) {
    this.plan = plan
    this.#trace = trace
    this.#prng = new Prng(plan.seed ^ 0x5eed)
    this.#boardId = boardId(formatUuid(plan.config.uuid))
    this.invariants = new Invariants(this)
    this.board = this.#addBoard('board', plan.config)
    if (plan.old !== undefined) this.#install(this.board)
    const cut = this.#fault('unplug')
    this.#port = this.#addPort('port', cut)
    this.#port.plug(this.board)
    this.#spare = this.#addPort('spare port', undefined)
    this.board.flash.onCut = () => void this.struck.add('power-cut')
    for (const { kind } of plan.faults) if (lasting.includes(kind)) this.struck.add(kind)
    this.board.start()
    this.host = this.#addHost('host', new MemoryTables(), plan.file)
    this.host.start()
    this.#schedule()
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
    const disturbed = this.struck.has('two-hosts') || this.struck.has('mute') || this.struck.has('babble')
    // A mark of the slot itself has rotted: the board says so, and a second upload takes another slot or erases this one.
    return disturbed || (this.struck.has('slot-corruption') && code === 'verification_failed')
  }

  note(kind: number, detail: number, words: () => string): void {
    this.#trace.note(this.clock.now(), kind, detail, words)
  }

  #fault<K extends FaultKind>(kind: K): Of<K> | undefined {
    return this.plan.faults.find((fault): fault is Of<K> => fault.kind === kind)
  }

  #strike(kind: FaultKind, forMs: number, words: string): void {
    this.struck.add(kind)
    this.unfairUntilMs = Math.max(this.unfairUntilMs, this.clock.now() + forMs)
    this.note(events.fault, forMs, () => `FAULT ${kind}: ${words}`)
  }

  #addBoard(name: string, config: BoardConfig): SimBoard {
    const { plan, clock } = this
    const main = name === 'board'
    const cuts = main ? this.#fault('power-cut') : undefined
    const board = new SimBoard({
      name,
      config,
      clock,
      seed: plan.seed,
      baudRate: plan.baudRate,
      deafTo: this.#fault('baud-switch')?.deaf === 'board' ? plan.raiseTo : undefined,
      faults: {
        slowFlashMs: plan.slowFlashMs,
        lieHash: this.#fault('liar') !== undefined,
        powerCutAt: cuts?.operations ?? [],
      },
      violate: what => this.invariants.violate(`${name}: ${what}`),
      onChunk: (heard, chunk) => this.#onChunk(heard, chunk),
      onSay: (_board, bytes) =>
        this.note(events.said, crc32(bytes), () => `${name} says ${bytes.length} bytes`),
      onFlash: (address, sizeBytes) =>
        this.note(events.flash, address, () => `${name} flash ${sizeBytes} bytes at ${address}`),
    })
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

  #addPort(name: string, cut: Of<'unplug'> | undefined): SimPort {
    const { plan, clock } = this
    const opens = this.#fault('board-reset')?.onOpen === true
    return new SimPort({
      name,
      clock,
      seed: plan.seed + (name === 'port' ? 0 : 7),
      baudRate: plan.baudRate,
      latencyMs: plan.latencyMs,
      noise: plan.faults.filter((fault): fault is LineFault => 'rate' in fault),
      cut,
      onOpen: () => opens && name === 'port' && this.board.reset(),
    })
  }

  #addHost(name: string, tables: MemoryTables, file: SimFile): SimHost {
    const { plan, clock } = this
    const say = (level: string) => (fields: object, message: string) =>
      this.note(events.log, message.length, () => `${name} ${level}: ${message} ${JSON.stringify(fields)}`)
    const log: Log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
    const host = new SimHost({
      name,
      clock,
      tables,
      file,
      ports: name.startsWith('host') ? [this.#port.open, this.#spare.open] : [this.#port.open],
      maxBaudRate: plan.raiseTo,
      deafTo: this.#fault('baud-switch')?.deaf === 'host' ? plan.raiseTo : undefined,
      storeMs: plan.storeMs,
      random: () => this.#prng.real(),
      log,
      newWatch: () => this.invariants.newWireWatch(),
      onStep: stepped => this.#onStep(stepped),
      onWrite: (writer, frame) => this.#onWrite(writer, frame),
      onHeard: (hearer, frame) => this.#onHeard(hearer, frame),
      onJob: (owner, job) => this.#onJob(owner, job),
      onPresence: (seer, id, present) => this.#onPresence(seer, id, present),
      onBug: what => this.invariants.violate(`${name}: ${what}`),
    })
    this.hosts.push(host)
    return host
  }

  /** Faults that come by the clock. */
  #schedule(): void {
    const { clock } = this
    const two = this.#fault('two-hosts')
    if (two !== undefined) {
      clock.setTimer(two.fromMs, () => {
        this.#strike('two-hosts', two.forMs, two.shared ? 'both talk at once' : 'each takes the line over')
        this.#port.shared = two.shared
        const other = this.#addHost('second host', new MemoryTables(), this.plan.otherFile)
        other.start()
        clock.setTimer(two.forMs, () => {
          this.note(events.fault, 0, () => 'the second host is gone')
          other.kill()
        })
      })
    }
    const babble = this.#fault('babble')
    if (babble !== undefined)
      clock.setTimer(babble.fromMs, () => {
        this.#strike('babble', babble.forMs, 'the board babbles')
        this.#babble(clock.now() + babble.forMs)
      })
    const twin = this.#fault('twin-uuid')
    if (twin !== undefined)
      clock.setTimer(twin.fromMs, () => {
        this.#strike('twin-uuid', twin.forMs, 'a second board with the same UUID')
        const board = this.#addBoard('twin', this.plan.config)
        board.start()
        this.#spare.plug(board)
        clock.setTimer(twin.forMs, () => {
          this.note(events.fault, 0, () => 'the twin is unplugged')
          this.#spare.plug(undefined)
          board.stop()
        })
      })
  }

  #babble(untilMs: number): void {
    if (this.clock.now() >= untilMs) return
    const sizeBytes = 1 + this.#prng.below(40)
    this.board.say(Uint8Array.from({ length: sizeBytes }, () => this.#prng.below(256)))
    // No faster than half the line, or what is valid would wait behind it for minutes.
    const lineMs = this.plan.baudRate === null ? 0 : (sizeBytes * 20_000) / this.plan.baudRate
    this.clock.setTimer(lineMs + 1 + this.#prng.below(12), () => this.#babble(untilMs))
  }

  /** Faults that come at a frame. False: the board does not get this chunk. */
  #onChunk(board: SimBoard, chunk: Uint8Array): boolean {
    if (board !== this.board || chunk.length < 2) return true
    const frame = ++this.#frames
    const { clock } = this
    for (const fault of this.plan.faults) {
      if (!('atFrame' in fault) || fault.atFrame !== frame) continue
      switch (fault.kind) {
        case 'board-reset':
          this.#strike(fault.kind, 0, `${fault.before ? 'before' : 'after'} frame ${frame}`)
          if (fault.before) board.reset()
          else clock.setTimer(0, () => board.reset())
          break
        case 'mute':
          this.#mute(board, fault.forMs)
          break
        case 'wrong-board':
          clock.setTimer(0, () => this.#swap(fault.forMs))
          break
        case 'slot-corruption':
          clock.setTimer(0, () => this.#rot(board, fault.bits))
      }
    }
    return true
  }

  #mute(board: SimBoard, forMs: number): void {
    const { clock } = this
    this.#strike('mute', forMs, 'the board hangs')
    board.mute = true
    if (this.#present)
      clock.setTimer(noticedMs, () => {
        if (
          board.mute &&
          this.#present &&
          this.host.alive &&
          board.muteSinceMs + noticedMs <= clock.now() + 1
        )
          this.invariants.violate('a mute board was not noticed')
      })
    clock.setTimer(forMs, () => {
      this.note(events.fault, 0, () => 'somebody resets the board')
      board.reset()
    })
  }

  #swap(forMs: number): void {
    this.#strike('wrong-board', forMs, 'another board on the port')
    const uuid = new Uint8Array(16).fill(9)
    const other = this.#addBoard('wrong board', { ...this.plan.config, uuid })
    other.start()
    this.#port.plug(other)
    this.clock.setTimer(forMs, () => {
      this.note(events.fault, 0, () => 'the right board is back')
      this.#port.plug(this.board)
      other.stop()
    })
  }

  /** Bits of what is not proved yet, or of what may be copied from, are lost. */
  #rot(board: SimBoard, bits: number): void {
    const layout = layoutOf(board.config)
    const { active, trial } = readRecord(board.flash.bytesAt(0, 2 * layout.areaBytes), layout)
    const wanted = this.host.job?.transferId
    for (let slot = 0; slot < layout.slots; slot++) {
      if (slot === active || slot === trial) continue
      const base = slotAddress(layout, slot)
      const bytes = board.flash.bytesAt(base, layout.slotBytes)
      const held = readSlot(bytes, { ...layout, areaBytes: 0, slots: 1 }, 0)
      if (held === undefined || (held.state === 'verified' && held.id === wanted)) continue
      this.#strike('slot-corruption', 0, `${bits} bits of slot ${slot}`)
      const span = 48 + held.manifest.length + held.journal.length + held.image.length
      for (let i = 0; i < bits; i++) board.flash.rot(base + this.#prng.below(span), this.#prng.below(8))
    }
  }

  /** Faults that come at a step of the host. */
  #onStep(host: SimHost): void {
    if (host !== this.host || this.hosts[0] !== host) return
    for (const fault of this.plan.faults) {
      if (!('atStep' in fault)) continue
      if (host.steps === Math.max(1, fault.backupStep)) this.#backup = host.tables.copy()
      if (host.steps !== fault.atStep) continue
      this.#strike(fault.kind, fault.awayMs, `at step ${fault.atStep}`)
      this.#restart(fault.awayMs, fault.kind)
    }
  }

  #restart(awayMs: number, kind: FaultKind): void {
    const dead = this.host
    dead.kill()
    this.#present = false
    const older = kind === 'old-checkpoint' || kind === 'generation-rollback'
    const tables = older ? (this.#backup ?? new MemoryTables()) : dead.tables
    if (kind === 'generation-rollback')
      for (const [id, board] of tables.boards) tables.boards.set(id, { ...board, generation: 0 })
    this.clock.setTimer(awayMs, () => {
      this.note(events.fault, 0, () => 'the host is started again')
      this.host = this.#addHost('host again', tables, this.plan.file)
      this.host.start()
    })
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
    const dies = this.#fault('trial-host-dies')
    if (type === messageTypes.ACTIVATE && dies?.afterReply === false && host === this.hosts[0])
      this.clock.setTimer(0, () => host === this.host && host.alive && this.#dieInTrial(dies.awayMs))
  }

  #dieInTrial(awayMs: number): void {
    this.#strike('trial-host-dies', awayMs, 'between ACTIVATE and CONFIRM')
    this.#restart(awayMs, 'trial-host-dies')
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
    const dies = this.#fault('trial-host-dies')
    if (frame.type === messageTypes.ACTIVATE && dies?.afterReply === true && host === this.hosts[0])
      this.#dieInTrial(dies.awayMs)
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
    if (host === this.host) this.#present = present
    if (present && host.tables.jobs.length === 0) host.submit(id)
  }
}
