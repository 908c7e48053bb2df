import type { AedesPublishPacket } from 'aedes'
import { copyOf } from './retained-messages.ts'

/** A message on its way, or what is left of it once PUBREC has come: its PUBREL. */
export interface Outgoing {
  readonly cmd: string
  readonly brokerId?: string
  readonly brokerCounter?: number
  messageId?: number | undefined
}

interface Entry {
  packet: Outgoing
  readonly sizeBytes: number
  /** Over the connection that there is now. */
  sent: boolean
}

/** What the object costs beside its topic and payload, roughly. */
const overheadBytes = 256

export const queuedBytes = ({ topic, payload }: AedesPublishPacket): number =>
  topic.length + payload.length + overheadBytes

/** The messages of one session that its client has not acknowledged, in the order in which they came. */
export class SessionQueue {
  readonly #entries = new Set<Entry>()
  /** Counts comings and goings of the client; a replay ends with its own. */
  #connection = 0
  #replaying = false
  /** Called when something was sent, or the client has left. */
  #wake: () => void = () => undefined
  sizeBytes = 0

  get count(): number {
    return this.#entries.size
  }

  /** What the client missed is not all sent yet: newer messages wait here for their turn. */
  get replaying(): boolean {
    return this.#replaying
  }

  /** `messageId`: it is being sent already. */
  add(packet: AedesPublishPacket, messageId?: number): void {
    const kept = { ...packet, payload: copyOf(packet.payload), messageId } as Outgoing
    const sizeBytes = queuedBytes(packet)
    this.#entries.add({ packet: kept, sizeBytes, sent: messageId !== undefined })
    this.sizeBytes += sizeBytes
  }

  /** A message gets its packet identifier, or becomes its PUBREL. False: it is not here. */
  update(packet: Outgoing): boolean {
    const entry = this.#find(packet)
    if (entry === undefined) return false
    if (packet.cmd === 'pubrel') entry.packet = { cmd: 'pubrel', messageId: packet.messageId }
    else entry.packet.messageId = packet.messageId
    entry.sent = true
    this.#wake()
    return true
  }

  /** Takes a message out: it has arrived, or must not be sent. */
  acknowledge(packet: Outgoing): Outgoing | undefined {
    const entry = this.#find(packet)
    if (entry === undefined) return undefined
    this.#entries.delete(entry)
    this.sizeBytes -= entry.sizeBytes
    this.#wake()
    return entry.packet
  }

  /** The client is back: from now on `replaying` holds, until `replay` has come to its end. */
  resume(): void {
    this.#connection++
    this.#replaying = true
    for (const entry of this.#entries) entry.sent = false
  }

  /** The client has gone; what it has not acknowledged waits. */
  left(): void {
    this.#connection++
    this.#replaying = false
    this.#wake()
  }

  /** All there is, and what comes meanwhile: one after the other, each when the one before is sent. */
  async *replay(): AsyncGenerator<Outgoing, void> {
    const connection = this.#connection
    for (const entry of this.#entries) {
      if (entry.sent) continue
      yield entry.packet
      while (!entry.sent && this.#entries.has(entry) && this.#connection === connection)
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      if (this.#connection !== connection) return
    }
    this.#replaying = false
  }

  /** By identity, which a message has before it has a packet identifier; what is left of it has only the latter. */
  #find({ brokerId, brokerCounter, messageId }: Outgoing): Entry | undefined {
    let byNumber: Entry | undefined
    for (const entry of this.#entries) {
      const { packet } = entry
      if (
        packet.brokerId !== undefined &&
        packet.brokerId === brokerId &&
        packet.brokerCounter === brokerCounter
      )
        return entry
      const sameNumber = messageId !== undefined && packet.messageId === messageId
      if (sameNumber && (brokerId === undefined || packet.brokerId === undefined)) byNumber ??= entry
    }
    return byNumber
  }
}
