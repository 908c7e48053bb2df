import { Prng } from '../../src/link/prng.ts'
import type { Fault, FaultKind } from './faults.ts'
import { layoutOf, readRecord, readSlot, slotAddress } from './flash-layout.ts'
import { MemoryTables } from './memory-store.ts'
import type { SimBoard } from './sim-board.ts'
import type { SimHost } from './sim-host.ts'
import { events } from './trace.ts'
import type { World } from './world.ts'

/** A mute board must have been noticed by then: SPEC §2.3, and a heartbeat. */
const noticedMs = 6500

type Of<K extends FaultKind> = Extract<Fault, { readonly kind: K }>

/** What befalls a world from outside its lines: by the clock, at a frame, at a step of the host. Follows from the plan. */
export class Troubles {
  /** How often each kind of fault has come to pass. */
  readonly strikes = new Map<FaultKind, number>()
  /** Until then somebody or something stands in the way on purpose. */
  unfairUntilMs = 0
  readonly #world: World
  readonly #prng: Prng
  #backup: MemoryTables | undefined
  #frames = 0

  constructor(world: World) {
    this.#world = world
    this.#prng = new Prng(world.plan.seed ^ 0x7b0b)
  }

  of<K extends FaultKind>(kind: K): Of<K> | undefined {
    return this.#world.plan.faults.find((fault): fault is Of<K> => fault.kind === kind)
  }

  /** A fault has come to pass in the line, the flash or an adapter. */
  count(kind: FaultKind, times = 1): void {
    if (times > 0) this.strikes.set(kind, (this.strikes.get(kind) ?? 0) + times)
  }

  /** Faults that come by the clock. */
  schedule(): void {
    const { clock } = this.#world
    const two = this.of('two-hosts')
    if (two !== undefined) clock.setTimer(two.fromMs, () => this.#addSecondHost(two))
    const babble = this.of('babble')
    if (babble !== undefined)
      clock.setTimer(babble.fromMs, () => {
        this.#strike('babble', babble.forMs, 'the board babbles')
        this.#babble(clock.now() + babble.forMs)
      })
    const twin = this.of('twin-uuid')
    if (twin !== undefined) clock.setTimer(twin.fromMs, () => this.#addTwin(twin.forMs))
  }

  /** Faults that come at a frame, right before the board hears it. */
  onChunk(board: SimBoard, chunk: Uint8Array): void {
    const { clock, plan } = this.#world
    if (board !== this.#world.board || chunk.length < 2) return
    const frame = ++this.#frames
    for (const fault of plan.faults) {
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
  }

  /** Faults that come at a step of the host. */
  onStep(host: SimHost): void {
    if (host !== this.#world.host || this.#world.hosts[0] !== host) return
    for (const fault of this.#world.plan.faults) {
      if (!('atStep' in fault)) continue
      if (host.steps === Math.max(1, fault.backupStep)) this.#backup = host.tables.copy()
      if (host.steps !== fault.atStep) continue
      this.#strike(fault.kind, fault.awayMs, `at step ${fault.atStep}`)
      // Whoever is dead does not die again.
      return this.#restart(fault.awayMs, fault.kind)
    }
  }

  /** A host has written ACTIVATE, or has heard the answer to it. */
  onActivate(host: SimHost, answered: boolean): void {
    const dies = this.of('trial-host-dies')
    if (dies === undefined || dies.afterReply !== answered || host !== this.#world.hosts[0]) return
    const die = () => {
      if (host !== this.#world.host || !host.alive) return
      this.#strike('trial-host-dies', dies.awayMs, 'between ACTIVATE and CONFIRM')
      this.#restart(dies.awayMs, 'trial-host-dies')
    }
    if (answered) die()
    else this.#world.clock.setTimer(0, die)
  }

  #strike(kind: FaultKind, forMs: number, words: string): void {
    this.count(kind)
    this.unfairUntilMs = Math.max(this.unfairUntilMs, this.#world.clock.now() + forMs)
    this.#world.note(events.fault, forMs, () => `FAULT ${kind}: ${words}`)
  }

  #addSecondHost({ forMs, shared }: Of<'two-hosts'>): void {
    const world = this.#world
    this.#strike('two-hosts', forMs, shared ? 'both talk at once' : 'each takes the line over')
    world.port.shared = shared
    const other = world.addHost('second host', new MemoryTables(), world.plan.otherFile)
    other.start()
    world.clock.setTimer(forMs, () => {
      world.note(events.fault, 0, () => 'the second host is gone')
      other.kill()
    })
  }

  #addTwin(forMs: number): void {
    const world = this.#world
    this.#strike('twin-uuid', forMs, 'a second board with the same UUID')
    const board = world.addBoard('twin', world.plan.config)
    board.start()
    world.spare.plug(board)
    world.clock.setTimer(forMs, () => {
      world.note(events.fault, 0, () => 'the twin is unplugged')
      world.spare.plug(undefined)
      board.stop()
    })
  }

  #babble(untilMs: number): void {
    const { clock, board, plan } = this.#world
    if (clock.now() >= untilMs) return
    const sizeBytes = 1 + this.#prng.below(40)
    board.say(Uint8Array.from({ length: sizeBytes }, () => this.#prng.below(256)))
    // No faster than half the line, or what is valid would wait behind it for minutes.
    const lineMs = plan.baudRate === null ? 0 : (sizeBytes * 20_000) / plan.baudRate
    clock.setTimer(lineMs + 1 + this.#prng.below(12), () => this.#babble(untilMs))
  }

  #mute(board: SimBoard, forMs: number): void {
    const world = this.#world
    const { clock } = world
    this.#strike('mute', forMs, 'the board hangs')
    board.mute = true
    if (world.present)
      clock.setTimer(noticedMs, () => {
        const stillMute = board.mute && board.muteSinceMs + noticedMs <= clock.now() + 1
        // A second board with the same UUID takes its place.
        const replaced = this.strikes.has('twin-uuid')
        if (stillMute && world.present && world.host.alive && !replaced)
          world.invariants.violate('a mute board was not noticed')
      })
    clock.setTimer(forMs, () => {
      world.note(events.fault, 0, () => 'somebody resets the board')
      board.reset()
    })
  }

  #swap(forMs: number): void {
    const world = this.#world
    this.#strike('wrong-board', forMs, 'another board on the port')
    const uuid = new Uint8Array(16).fill(9)
    const other = world.addBoard('wrong board', { ...world.plan.config, uuid })
    other.start()
    world.port.plug(other)
    world.clock.setTimer(forMs, () => {
      world.note(events.fault, 0, () => 'the right board is back')
      world.port.plug(world.board)
      other.stop()
    })
  }

  /** Bits of what is not proved yet, or of what may be copied from, are lost. */
  #rot(board: SimBoard, bits: number): void {
    const layout = layoutOf(board.config)
    const { active, trial } = readRecord(board.flash.view(0, 2 * layout.areaBytes), layout)
    const wanted = this.#world.host.job?.transferId
    for (let slot = 0; slot < layout.slots; slot++) {
      if (slot === active || slot === trial) continue
      const base = slotAddress(layout, slot)
      const bytes = board.flash.view(base, layout.slotBytes)
      const held = readSlot(bytes, { ...layout, areaBytes: 0, slots: 1 }, 0)
      if (held === undefined || (held.state === 'verified' && held.id === wanted)) continue
      this.#strike('slot-corruption', 0, `${bits} bits of slot ${slot}`)
      const span = 48 + held.manifest.length + held.journal.length + held.image.length
      for (let i = 0; i < bits; i++) board.flash.rot(base + this.#prng.below(span), this.#prng.below(8))
    }
  }

  #restart(awayMs: number, kind: FaultKind): void {
    const world = this.#world
    const dead = world.host
    dead.kill()
    world.present = false
    const older = kind === 'old-checkpoint' || kind === 'generation-rollback'
    const tables = older ? (this.#backup ?? new MemoryTables()) : dead.tables
    if (kind === 'generation-rollback')
      for (const [id, board] of tables.boards) tables.boards.set(id, { ...board, generation: 0 })
    world.clock.setTimer(awayMs, () => {
      world.note(events.fault, 0, () => 'the host is started again')
      world.host = world.addHost('host again', tables, world.plan.file)
      world.host.start()
    })
  }
}
