/** Room for new bytes behind the window, so that it is moved seldom. */
const roomBytes = 512 * 1024
/** Longest match that one step of a decoder writes, and the largest block of zstd. */
export const maxStepBytes = 128 * 1024

/** The bytes that a decoder has written last: as many as a match may reach back to, and those that nobody has taken yet. */
export class History {
  bytes = new Uint8Array(0)
  /** Where the next byte goes. */
  at = 0
  /** Matches reach no further back than here. */
  start = 0
  #taken = 0

  /** Forgets everything and takes memory for a window, `maxStepBytes` and some room. What a stream cannot fill needs no room. */
  begin(windowBytes: number, mostBytes: number): void {
    const needed = Math.min(windowBytes + roomBytes, mostBytes) + maxStepBytes
    if (this.bytes.length < needed) this.bytes = new Uint8Array(needed)
    this.at = 0
    this.start = 0
    this.#taken = 0
  }

  /** Before a step that writes up to `maxStepBytes`: moves the window to the front when the room is used up. Everything must have been taken. */
  makeRoom(windowBytes: number): void {
    if (this.bytes.length - this.at >= maxStepBytes) return
    const from = Math.max(this.start, this.at - windowBytes)
    this.bytes.copyWithin(0, from, this.at)
    this.at -= from
    this.start = 0
    this.#taken = this.at
  }

  /** What was written since the last time. Good until the next step. */
  take(): Uint8Array {
    const fresh = this.bytes.subarray(this.#taken, this.at)
    this.#taken = this.at
    return fresh
  }

  /** Repeats `length` bytes from `distance` bytes back, which may overlap what is written. The caller has checked both. */
  copyMatch(distance: number, length: number): void {
    const { bytes, at } = this
    const from = at - distance
    this.at = at + length
    if (length < 24) {
      for (let index = 0; index < length; index++) bytes[at + index] = bytes[from + index] ?? 0
      return
    }
    if (distance === 1) {
      bytes.fill(bytes[from] ?? 0, at, at + length)
      return
    }
    // Each round doubles what there is to copy from.
    let done = 0
    while (done < length) {
      const piece = Math.min(distance + done, length - done)
      bytes.copyWithin(at + done, from, from + piece)
      done += piece
    }
  }
}
