/** What a client's frames come to (RFC 6455 §5). */
export type FrameEvent =
  /** A part of a binary message, as soon as it is there. */
  | { readonly type: 'payload' | 'ping'; readonly bytes: Buffer }
  | { readonly type: 'close' }
  /** The connection has to end with this status code (§7.4.1). */
  | { readonly type: 'fault'; readonly code: 1002 | 1003; readonly reason: string }

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const maxControlBytes = 125
/** Two bytes, eight of length, four of mask. */
const maxHeaderBytes = 14

const fault = (reason: string, code: 1002 | 1003 = 1002): FrameEvent => ({ type: 'fault', code, reason })

/** How long the header is that begins so; undefined: its second byte is still to come. */
function headerBytes(header: Buffer, length: number): number | undefined {
  const second = length < 2 ? undefined : header[1]
  if (second === undefined) return undefined
  const short = second & 0x7f
  return 6 + (short === 126 ? 2 : short === 127 ? 8 : 0)
}

/** Reads the frames of a client without keeping more of them than a header and a ping, however long they say they are. */
export class FrameReader {
  readonly #header = Buffer.alloc(maxHeaderBytes)
  #headerLength = 0
  /** Of the frame under way; undefined: its header is not complete. */
  #opcode: number | undefined
  #left = 0
  #maskAt = 0
  #mask: Buffer = Buffer.alloc(4)
  #control: Buffer[] = []
  /** Within a message of several frames. */
  #continues = false
  #over = false

  /** Takes the bytes over: their payload is unmasked in place. After a fault or a close nothing more is read. */
  read(bytes: Buffer): readonly FrameEvent[] {
    const events: FrameEvent[] = []
    let at = 0
    while (!this.#over && (at < bytes.length || (this.#opcode !== undefined && this.#left === 0))) {
      if (this.#opcode === undefined) {
        at = this.#takeHeader(bytes, at)
        const refusal = this.#begin()
        if (refusal !== undefined) {
          this.#over = true
          events.push(refusal)
        }
        continue
      }
      const part = bytes.subarray(at, at + Math.min(this.#left, bytes.length - at))
      at += part.length
      this.#left -= part.length
      this.#unmask(part)
      const event = this.#event(this.#opcode, part)
      if (this.#left === 0) this.#opcode = undefined
      if (event?.type === 'close') this.#over = true
      if (event !== undefined) events.push(event)
    }
    return events
  }

  #takeHeader(bytes: Buffer, at: number): number {
    let next = at
    while (next < bytes.length && this.#headerLength < (headerBytes(this.#header, this.#headerLength) ?? 2))
      this.#header[this.#headerLength++] = bytes[next++] ?? 0
    return next
  }

  /** Begins the frame when its header is complete; answers with what is wrong with it. */
  #begin(): FrameEvent | undefined {
    const total = headerBytes(this.#header, this.#headerLength)
    if (total === undefined || this.#headerLength < total) return undefined
    const [first = 0, second = 0] = this.#header
    const opcode = first & 0x0f
    const isFinal = (first & 0x80) !== 0
    const isControl = opcode >= opcodes.close
    const short = second & 0x7f
    if ((first & 0x70) !== 0) return fault('reserved bits are set')
    if ((second & 0x80) === 0) return fault('a frame without a mask')
    if (opcode === opcodes.text) return fault('MQTT needs binary frames [MQTT-6.0.0-1]', 1003)
    if (!known.has(opcode)) return fault('an unknown kind of frame')
    if (isControl && (!isFinal || short > maxControlBytes))
      return fault('a control frame in parts, or longer than 125 bytes')
    if (!isControl && this.#continues !== (opcode === opcodes.continuation))
      return fault('a message within another one')
    const left =
      short === 126
        ? this.#header.readUInt16BE(2)
        : short === 127
          ? Number(this.#header.readBigUInt64BE(2))
          : short
    if (left > Number.MAX_SAFE_INTEGER) return fault('a frame beyond every bound')
    if (!isControl) this.#continues = !isFinal
    this.#opcode = opcode
    this.#left = left
    this.#mask = Buffer.from(this.#header.subarray(total - 4, total))
    this.#maskAt = 0
    this.#headerLength = 0
    return undefined
  }

  #unmask(part: Buffer): void {
    const mask = this.#mask
    let at = this.#maskAt
    for (let i = 0; i < part.length; i++) part[i] = (part[i] ?? 0) ^ (mask[at++ & 3] ?? 0)
    this.#maskAt = at & 3
  }

  #event(opcode: number, part: Buffer): FrameEvent | undefined {
    if (opcode === opcodes.continuation || opcode === opcodes.binary)
      return part.length === 0 ? undefined : { type: 'payload', bytes: part }
    if (opcode === opcodes.ping) this.#control.push(Buffer.from(part))
    if (this.#left > 0) return undefined
    if (opcode === opcodes.close) return { type: 'close' }
    if (opcode === opcodes.pong) return undefined
    const bytes = Buffer.concat(this.#control)
    this.#control = []
    return { type: 'ping', bytes }
  }
}

const known: ReadonlySet<number> = new Set(Object.values(opcodes))

/** Header of one whole frame of the server, which has no mask (§5.1). */
export function frameHeader(kind: 'binary' | 'close' | 'pong', sizeBytes: number): Buffer {
  const first = 0x80 | opcodes[kind]
  if (sizeBytes <= maxControlBytes) return Buffer.from([first, sizeBytes])
  if (sizeBytes <= 0xffff) return Buffer.from([first, 126, sizeBytes >> 8, sizeBytes & 0xff])
  const header = Buffer.alloc(10)
  header[0] = first
  header[1] = 127
  header.writeBigUInt64BE(BigInt(sizeBytes), 2)
  return header
}
