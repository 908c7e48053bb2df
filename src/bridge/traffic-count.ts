import type { BridgeTraffic } from '../wire/serial-bridge.ts'

/** What went one way since the start, and what was lost. */
export class TrafficCount {
  #frames = 0
  #bytes = 0
  #dropped = 0
  #droppedBytes = 0
  #lastMs: number | undefined
  readonly #reasons = new Map<string, number>()
  readonly #wallTime: () => number

  constructor(wallTime: () => number) {
    this.#wallTime = wallTime
  }

  get dropped(): number {
    return this.#dropped
  }

  passed(sizeBytes: number): void {
    this.#frames += 1
    this.#bytes += sizeBytes
    this.#lastMs = this.#wallTime()
  }

  lost(reason: string, sizeBytes: number): void {
    this.#dropped += 1
    this.#droppedBytes += sizeBytes
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
  }

  view(): BridgeTraffic {
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      dropped: this.#dropped,
      droppedBytes: this.#droppedBytes,
      reasons: Object.fromEntries(this.#reasons),
      lastAt: this.#lastMs === undefined ? null : new Date(this.#lastMs).toISOString(),
    }
  }
}
