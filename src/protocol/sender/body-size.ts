/** Header, CRC, delimiter and COBS code byte of a short frame. */
const overheadBytes = 10
const smallestBody = 32
/** Frames after which old outcomes weigh half. */
const memoryFrames = 200
/** A change costs a round trip and up to a window, so it must promise this much. */
const worthwhileGain = 1.03

/**
 * Chooses how many bytes a DATA body carries, from what became of the frames sent so far: large bodies where the line
 * is clean, small ones where bits flip. Model: a byte survives with probability 1 − p, independently.
 */
export class BodySize {
  readonly #largest: number
  #frames = 0
  #lost = 0
  #wireBytes = 0
  current: number

  constructor(largest: number, first = largest) {
    this.#largest = largest
    this.current = Math.min(first, largest)
  }

  delivered(wireBytes: number): void {
    this.#count(wireBytes, 0)
  }

  lost(wireBytes: number): void {
    this.#count(wireBytes, 1)
  }

  /** The size to go on with; equal to `current` when a change is not worth its price. */
  best(): number {
    const enough = this.#lost >= 3 || this.#frames >= 64
    if (!enough) return this.current
    const p = this.#lossPerByte()
    let best = this.current
    let bestShare = efficiency(this.current, p) * worthwhileGain
    for (let size = smallestBody; ; size *= 2) {
      const candidate = Math.min(size, this.#largest)
      const share = efficiency(candidate, p)
      if (share > bestShare) {
        best = candidate
        bestShare = share
      }
      if (candidate === this.#largest) return best
    }
  }

  change(size: number): void {
    const p = this.#lossPerByte()
    this.current = size
    // What was learnt per byte stays as a light prior for the new size.
    this.#frames = 8
    this.#wireBytes = 8 * (size + overheadBytes)
    this.#lost = 8 * (1 - Math.exp(-p * (size + overheadBytes)))
    if (this.#lost < 0.01) this.#lost = 0
  }

  #count(wireBytes: number, lost: number): void {
    const keep = 1 - 1 / memoryFrames
    this.#frames = this.#frames * keep + 1
    this.#lost = this.#lost * keep + lost
    this.#wireBytes = this.#wireBytes * keep + wireBytes
  }

  #lossPerByte(): number {
    const rate = Math.min(this.#lost / this.#frames, 1 - 1 / (2 * this.#frames + 2))
    return -Math.log(1 - rate) / (this.#wireBytes / this.#frames)
  }
}

/** Expected share of the line that is payload: body over frame, times the chance that the frame survives. */
function efficiency(body: number, lossPerByte: number): number {
  const wire = body + overheadBytes
  return (body / wire) * Math.exp(-lossPerByte * wire)
}
