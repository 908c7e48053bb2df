/** Bounds of SPEC §2.3 and §5.8, in ms. */
const minTimeoutMs = 100
const maxTimeoutMs = 1000
const marginMs = 20

/** Round-trip estimate after RFC 6298 §2, with the board protocol's margin instead of the one-second floor. */
export class RttEstimator {
  srttMs: number | undefined
  #varMs = 0

  sample(rttMs: number): void {
    if (this.srttMs === undefined) {
      this.srttMs = rttMs
      this.#varMs = rttMs / 2
      return
    }
    this.#varMs = 0.75 * this.#varMs + 0.25 * Math.abs(this.srttMs - rttMs)
    this.srttMs = 0.875 * this.srttMs + 0.125 * rttMs
  }

  /** Time after which a stream without progress is probed (SPEC §5.8); `frameMs` is one frame's time on the line. */
  streamTimeoutMs(frameMs: number, expiries: number): number {
    const base = this.srttMs === undefined ? minTimeoutMs : this.srttMs + 4 * this.#varMs + marginMs
    return Math.min(maxTimeoutMs, (base + frameMs) * 2 ** Math.min(expiries, 10))
  }

  /** Time after which an unanswered request is repeated (SPEC §2.3). */
  requestTimeoutMs(frameMs: number, repeats: number): number {
    const base = Math.max(minTimeoutMs, (this.srttMs ?? 0) + 4 * this.#varMs + marginMs)
    return Math.min(maxTimeoutMs, (base + frameMs) * 2 ** Math.min(repeats, 10))
  }
}
