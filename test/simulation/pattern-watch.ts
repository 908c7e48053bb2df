import type { BoardConfig } from '../../src/virtual/board-config.ts'
import type { ShownFrame } from '../../src/virtual/wasm-board.ts'
import { type FlashRecord, type Layout, layoutOf, readRecord, readSlot, slotAddress } from './flash-layout.ts'
import type { WatchedFlash } from './watched-flash.ts'

/** A pattern as it must be wherever it is active. */
export interface KnownPattern {
  readonly manifest: Uint8Array
  readonly image: Uint8Array
  /** What a board that plays it shows; empty for opaque bytes. */
  readonly frames: readonly Uint8Array[]
}

const noSlot = 255
const black = '0'.repeat(32)
/** A frame that was due within the trial may be decoded a little after it. */
const trialGraceMs = 1500

/**
 * Looks at a board's flash after each operation and at each frame that it shows: the active pattern is the old or the new one,
 * whole, and what is shown is the active one or the one in trial.
 */
export class PatternWatch {
  /** What may be active: what was at the start, and what a host has confirmed. */
  readonly allowed = new Set<string>()
  /** What a host has asked the board to try, and for how long. */
  readonly #activated = new Map<string, number>()
  readonly #known = new Map<string, KnownPattern>()
  readonly #flash: WatchedFlash
  readonly #layout: Layout
  readonly #config: BoardConfig
  readonly #now: () => number
  readonly #violate: (what: string) => void
  #record: FlashRecord
  #activeId = ''
  #trialId = ''
  #trialEndsMs = Number.NEGATIVE_INFINITY

  constructor(parts: {
    readonly flash: WatchedFlash
    readonly config: BoardConfig
    readonly now: () => number
    readonly violate: (what: string) => void
  }) {
    this.#flash = parts.flash
    this.#config = parts.config
    this.#layout = layoutOf(parts.config)
    this.#now = parts.now
    this.#violate = parts.violate
    this.#record = this.#readRecord()
  }

  /** Id of the whole and active pattern; '' for none. */
  get activeId(): string {
    return this.#activeId
  }

  /** Checks since the start. */
  checks = 0

  /** Called when a pattern becomes known. */
  onLearn: (pattern: KnownPattern) => void = () => undefined

  learn(id: string, pattern: KnownPattern): void {
    this.#known.set(id, pattern)
    this.onLearn(pattern)
  }

  mayTry(id: string, seconds: number): void {
    this.#activated.set(id, seconds)
  }

  /** The board has answered ACTIVATE. */
  trialBegins(seconds: number): void {
    this.#trialEndsMs = this.#now() + seconds * 1000
  }

  onChange(address: number): void {
    const { areaBytes, slotBytes } = this.#layout
    if (address < 2 * areaBytes) return this.look()
    const slot = Math.floor((address - 2 * areaBytes) / slotBytes)
    if (slot === this.#record.active || slot === this.#record.trial) this.look()
  }

  /** Reads the flash as a board that boots now would. */
  look(): void {
    this.checks++
    this.#record = this.#readRecord()
    const { active, trial } = this.#record
    this.#activeId = active === noSlot ? '' : this.#whole(active)
    const before = this.#trialId
    this.#trialId = trial === noSlot || trial === active ? '' : this.#whole(trial)
    // With a slow flash the answer comes later than the first frame.
    if (this.#trialId !== before) this.trialBegins(this.#activated.get(this.#trialId) ?? 0)
    if (active === noSlot) {
      // A board with one slot gives up what it plays before it takes another (SPEC §4.4).
      if (this.#config.slots > 1 && this.allowed.size > 0 && !this.#neverActive)
        this.#violate('nothing is active any more')
    } else if (!this.allowed.has(this.#activeId))
      this.#violate(`${this.#activeId || 'a broken pattern'} is active, neither old nor new`)
    else this.#neverActive = false
  }
  #neverActive = true

  onShown({ id, frame, pixels }: ShownFrame): void {
    const shown = Buffer.from(id).toString('hex')
    if (shown === black) {
      if (pixels.some(value => value !== 0)) this.#violate('light without a pattern')
      return
    }
    if (shown !== this.#activeId && shown !== this.#trialId)
      return this.#violate(`${shown} is shown, neither active nor in trial`)
    const isTrial = shown !== this.#activeId
    if (isTrial && this.#now() > this.#trialEndsMs + trialGraceMs)
      this.#violate('a trial that nobody confirmed goes on')
    if (isTrial && !this.#activated.has(shown)) this.#violate('a pattern is in trial that nobody activated')
    const wanted = this.#known.get(shown)?.frames[frame]
    if (wanted === undefined || Buffer.compare(wanted, pixels) !== 0)
      this.#violate(`frame ${frame} of ${shown} is shown wrong`)
  }

  #readRecord(): FlashRecord {
    return readRecord(this.#flash.view(0, 2 * this.#layout.areaBytes), this.#layout)
  }

  /** Id of what the slot holds if that is whole, else ''. */
  #whole(slot: number): string {
    const { slotBytes } = this.#layout
    if (slot >= this.#layout.slots) return ''
    const bytes = this.#flash.view(slotAddress(this.#layout, slot), slotBytes)
    const held = readSlot(bytes, { areaBytes: 0, slotBytes, slots: 1 }, 0)
    const known = held === undefined ? undefined : this.#known.get(held.id)
    if (held?.state !== 'verified' || known === undefined) return ''
    const same = held.manifest.equals(known.manifest) && held.image.equals(known.image)
    return same ? held.id : ''
  }
}
