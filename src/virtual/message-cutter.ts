import { cobsDecode, cobsEncode } from '../protocol/cobs.ts'
import { frameOverheadBytes, maxBodyBytes, wireBytes } from '../protocol/frame.ts'

const longestContent = maxBodyBytes + frameOverheadBytes

/** A frame that came as a message, as the bytes of a line (SPEC §11.1). */
export function toLine(message: Uint8Array): Uint8Array {
  const code = cobsEncode(message)
  const bytes = new Uint8Array(code.length + 1)
  bytes.set(code)
  return bytes
}

/** Cuts what a board writes to its line into frames without COBS and delimiter (SPEC §11.1). What can be no frame is dropped. */
export class MessageCutter {
  #held: Uint8Array[] = []
  #heldBytes = 0

  /** The frames that these bytes complete. */
  push(bytes: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = []
    let from = 0
    for (let to = bytes.indexOf(0); to >= 0; to = bytes.indexOf(0, from)) {
      this.#hold(bytes.slice(from, to))
      from = to + 1
      const content = cobsDecode(Buffer.concat(this.#held))
      this.clear()
      if (content.ok && content.value.length <= longestContent) frames.push(content.value)
    }
    this.#hold(bytes.slice(from))
    return frames
  }

  /** The board has died within a frame. */
  clear(): void {
    this.#held = []
    this.#heldBytes = 0
  }

  /** Of what is too long for a frame nothing is kept but its length. */
  #hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#heldBytes += bytes.length
    if (this.#heldBytes > wireBytes(maxBodyBytes)) this.#held = []
    else this.#held.push(bytes)
  }
}
