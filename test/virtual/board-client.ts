import { crc32 } from '../../src/protocol/crc32.ts'
import { encodeFrame, maxBodyBytes } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import type { BuiltImage } from '../../src/protocol/image.ts'
import { decodeBoardMessage, decodeCaps, encodeHostMessage } from '../../src/protocol/message-codec.ts'
import { type BoardMessage, type Caps, type HostMessage, messageTypes } from '../../src/protocol/messages.ts'

type Reply<T extends BoardMessage['type']> = Extract<BoardMessage, { readonly type: T }>

/** Waits until the condition holds; throws when it takes too long. */
export type Until = (condition: () => boolean, what: string) => Promise<void>

/** A host that sends one thing at a time, for a line without faults. */
export class BoardClient {
  readonly heard: BoardMessage[] = []
  readonly #decoder = new FrameDecoder(maxBodyBytes)
  readonly #write: (bytes: Uint8Array) => unknown
  readonly #until: Until
  readonly session: number
  #seq = 0

  constructor(write: (bytes: Uint8Array) => unknown, until: Until, session = 7) {
    this.#write = write
    this.#until = until
    this.session = session
  }

  readonly receive = (bytes: Uint8Array): void =>
    this.#decoder.push(bytes, frame => {
      const message = decodeBoardMessage(frame.type, frame.body)
      if (!message.ok) throw new Error(`the board sent a malformed ${frame.type}`)
      this.heard.push(message.value)
    })

  send(message: HostMessage, seq = ++this.#seq): void {
    this.#write(encodeFrame(messageTypes[message.type], this.session, seq, encodeHostMessage(message)))
  }

  /** The next message of that type. BUSY is passed over; an ERR that is not wanted fails. */
  async hear<T extends BoardMessage['type']>(type: T): Promise<Reply<T>> {
    let found: BoardMessage | undefined
    await this.#until(() => {
      found = this.heard.find(message => message.type === type || message.type === 'ERR')
      return found !== undefined
    }, type)
    this.heard.length = 0
    if (found?.type !== type) throw new Error(`${JSON.stringify(found)} in place of ${type}`)
    return found as Reply<T>
  }

  request<T extends BoardMessage['type']>(message: HostMessage, type: T): Promise<Reply<T>> {
    this.heard.length = 0
    this.send(message)
    return this.hear(type)
  }

  async caps(): Promise<Caps> {
    const hello = { type: 'HELLO', minVersion: 1, maxVersion: 1, hostMaxBody: 4096, page: 0 } as const
    const { pages, bytes } = await this.request(hello, 'CAPS')
    const caps = decodeCaps(bytes)
    if (pages !== 1 || !caps.ok) throw new Error('the capability record is malformed')
    return caps.value
  }

  /** BEGIN and the missing bytes; the board then holds every block. Returns whether it had it verified already. */
  async transfer(built: BuiltImage, bodyBytes = 256): Promise<boolean> {
    const { manifest, image, blocks } = built
    const { state } = await this.request(
      {
        type: 'BEGIN',
        id: built.id,
        manifestBytes: manifest.length,
        manifestCrc: crc32(manifest),
        imageBytes: image.length,
        blocks: blocks.length,
        slot: 255,
        fresh: false,
      },
      'BEGIN',
    )
    if (state === 2) return true
    for (;;) {
      const firstSeq = this.#seq + 1000
      const have = await this.request({ type: 'HAVEQ', start: true, firstSeq, bodyBytes, from: 0 }, 'HAVE')
      if (have.block === blocks.length) return false
      const starts = blocks.map((_, i) =>
        blocks.slice(0, i).reduce((sum, block) => sum + block.storedBytes, 0),
      )
      const isMissing = (i: number) => ((have.bitmap[i >> 3] ?? 0) >> (i & 7)) & 1
      const parts =
        have.block === 0xffff
          ? [manifest.subarray(have.offset)]
          : blocks.flatMap((block, i) => {
              const start = starts[i] ?? 0
              const from = start + (i === have.block ? have.offset : 0)
              return isMissing(i) ? [image.subarray(from, start + block.storedBytes)] : []
            })
      let seq = firstSeq
      for (const part of parts) {
        for (let at = 0; at < part.length; at += bodyBytes) {
          this.send({ type: 'DATA', bytes: part.subarray(at, at + bodyBytes) }, seq++)
          const next = seq & 0xffff
          await this.#until(
            () => this.heard.some(heard => heard.type === 'ACK' && heard.next === next),
            'ACK',
          )
          this.heard.length = 0
        }
      }
      this.#seq = seq
    }
  }

  verify(): Promise<Reply<'VERIFY'>> {
    const none = new Uint8Array(16)
    return this.request({ type: 'VERIFY', alg: 0, key: none, expected: none }, 'VERIFY')
  }

  /** Transfer, verification, trial and confirmation. */
  async upload(built: BuiltImage): Promise<void> {
    if (!(await this.transfer(built))) await this.verify()
    const slots = (await this.request({ type: 'LIST', slot: 0 }, 'LIST')).slots
    for (let slot = 0; slot < slots; slot++) {
      const listed = await this.request({ type: 'LIST', slot }, 'LIST')
      if (!Buffer.from(listed.id).equals(built.id)) continue
      await this.request({ type: 'ACTIVATE', slot, id: built.id, trialSeconds: 60 }, 'ACTIVATE')
      await this.request({ type: 'CONFIRM', slot, id: built.id }, 'CONFIRM')
      return
    }
    throw new Error('no slot lists the pattern')
  }
}
