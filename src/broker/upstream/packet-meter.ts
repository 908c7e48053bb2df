/** Follows MQTT packets by their fixed headers (§2.2): how long one is, is known before it is here. */
export class PacketMeter {
  /** Bytes of the packet that are still to come. */
  #rest = 0
  /** Digits of its length so far; undefined: the next byte begins a packet. */
  #digits: number | undefined
  #length = 0

  /** Bytes behind the header of the longest packet that is announced in this chunk. */
  longest(chunk: Uint8Array): number {
    let longest = 0
    for (let at = 0; at < chunk.length; ) {
      if (this.#rest > 0) {
        const here = Math.min(this.#rest, chunk.length - at)
        this.#rest -= here
        at += here
      } else longest = Math.max(longest, this.#header(chunk[at++] ?? 0))
    }
    return longest
  }

  /** The whole length with its last digit, else 0. */
  #header(byte: number): number {
    if (this.#digits === undefined) {
      this.#digits = 0
      this.#length = 0
      return 0
    }
    this.#length += (byte & 127) * 128 ** this.#digits++
    // A fifth digit would be none: mqtt.js ends such a connection.
    if (byte > 127 && this.#digits < 4) return 0
    this.#digits = undefined
    this.#rest = this.#length
    return this.#length
  }
}
