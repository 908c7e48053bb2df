import type { Clock } from '../../src/kernel/clock.ts'
import { Channel, type ChannelFaults, type Passage } from '../../src/link/channel.ts'
import { Prng } from '../../src/link/prng.ts'
import type { LineFault } from './faults.ts'

const stallMs = 60
const longestBurstBytes = 48

/** What each kind is for the noisy channel of the link module; bursts and reordering are made here. */
const channelRate: Partial<Record<LineFault['kind'], keyof ChannelFaults>> = {
  'bit-errors': 'bitErrorRate',
  drops: 'dropRate',
  insertions: 'insertRate',
  duplicates: 'duplicateRate',
  stalls: 'stallRate',
}

/** One direction of a line with the faults of a plan, each until its time is over. */
export class LineNoise {
  readonly #clock: Clock
  readonly #prng: Prng
  readonly #onStrike: (kind: LineFault['kind'], times: number) => void
  readonly #parts: readonly { readonly fault: LineFault; readonly channel: Channel | undefined }[]
  /** A chunk that the next one overtakes. */
  #late: Uint8Array | undefined

  constructor(
    clock: Clock,
    faults: readonly LineFault[],
    seed: number,
    onStrike: (kind: LineFault['kind'], times: number) => void,
  ) {
    this.#clock = clock
    this.#onStrike = onStrike
    this.#prng = new Prng(seed)
    this.#parts = faults.map((fault, index) => {
      const rate = channelRate[fault.kind]
      const channel =
        rate === undefined ? undefined : new Channel({ seed: seed + index, stallMs, [rate]: fault.rate })
      return { fault, channel }
    })
  }

  readonly pass = (chunk: Uint8Array): Passage => {
    let bytes = chunk
    let stalledMs = 0
    for (const { fault, channel } of this.#parts) {
      if (this.#clock.now() >= fault.untilMs) continue
      if (channel !== undefined) {
        const before = channel.faults
        const passage = channel.pass(bytes)
        this.#onStrike(fault.kind, channel.faults - before)
        bytes = passage.bytes
        stalledMs += passage.stallMs
      } else if (this.#prng.real() < fault.rate) {
        this.#onStrike(fault.kind, 1)
        if (fault.kind === 'bursts') bytes = this.#burst(bytes)
        else if (this.#late === undefined) {
          this.#late = bytes
          return { bytes: new Uint8Array(0), stallMs: stalledMs }
        }
      }
    }
    const late = this.#late
    this.#late = undefined
    return { bytes: late === undefined ? bytes : Buffer.concat([bytes, late]), stallMs: stalledMs }
  }

  #burst(bytes: Uint8Array): Uint8Array {
    const damaged = Uint8Array.from(bytes)
    const from = this.#prng.below(damaged.length)
    const end = Math.min(damaged.length, from + 1 + this.#prng.below(longestBurstBytes))
    for (let at = from; at < end; at++) damaged[at] = this.#prng.below(256)
    return damaged
  }
}
