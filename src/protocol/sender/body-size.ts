/** Header, CRC, delimiter and COBS code byte of a short frame. */
const overheadBytes = 10
const smallestBody = 32
/** Frames after which old outcomes weigh half. */
const memoryFrames = 200
/** A change costs about a round trip, so it must promise this much. */
const worthwhileGain = 1.01
/** Where no frame was lost yet, this part of one counts as lost: a few clean frames do not prove a clean line. */
const doubtFrames = 0.2
/** 99.5 % of a clean line, and where bits flip three losses tell within 6 KB. */
const firstBody = 2048
/** A share of frames lost above which a repetition may need repetitions itself. */
const lossyShare = 0.02

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

  constructor(largest: number, adaptive: boolean) {
    this.#largest = largest
    this.current = adaptive ? Math.min(firstBody, largest) : largest
  }

  delivered(wireBytes: number): void {
    this.#count(wireBytes, 0)
  }

  lost(wireBytes: number): void {
    this.#count(wireBytes, 1)
  }

  /** So many frames are lost that a short queue of frames pays: a repetition waits behind what is on the line. */
  get lossy(): boolean {
    return this.#frames >= 16 && this.#lost / this.#frames > lossyShare
  }

  /** Hardly a frame of this size gets through. */
  get hopeless(): boolean {
    return this.#frames >= 3 && this.#lost / this.#frames > 0.9
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
    const rate = Math.min((this.#lost + doubtFrames) / this.#frames, 1 - 1 / (2 * this.#frames + 2))
    return -Math.log(1 - rate) / (this.#wireBytes / this.#frames)
  }
}

/** Expected share of the line that is payload: body over frame, times the chance that the frame survives. */
function efficiency(body: number, lossPerByte: number): number {
  const wire = body + overheadBytes
  return (body / wire) * Math.exp(-lossPerByte * wire)
}
