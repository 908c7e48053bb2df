import { Duplex } from 'node:stream'
import type { Client } from 'aedes'
import type { MqttPrincipal } from '../../account/mqtt-users.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Result } from '../../kernel/result.ts'
import type { Admission, Refusal } from '../admission.ts'
import { packetTypes } from '../packets/check-packet.ts'
import type { EncodedPublish } from '../packets/encoded-publish.ts'
import type { PacketCounts } from '../packets/packet-counts.ts'
import { PacketSplitter } from '../packets/packet-splitter.ts'
import type { Violation } from '../packets/violation.ts'
import type { Subscriptions } from '../subscriptions.ts'
import type { Delivery } from '../topics/topic-emitter.ts'
import { Answers } from './answers.ts'
import type { Door } from './door.ts'
import type { GuardedStreamOptions, Visitor } from './guarded-stream-options.ts'
import { Incoming, type MessageBroker } from './incoming.ts'
import { Outgoing } from './outgoing.ts'
import { Pace } from './pace.ts'
import { mostInFlight, PacketIds } from './packet-ids.ts'
import { partFrom } from './part-from.ts'
import { StreamDeadlines } from './stream-deadlines.ts'

/** What may wait for a slow client before the broker waits for it. */
const maxOutgoingBytes = 256 * 1024
const pingresp = { bytes: Buffer.of(0xd0, 0), idAt: 0 }

type WriteDone = (error?: Error | null) => void

/**
 * A client's socket as the broker sees it: whole, well-formed packets only. Nothing beyond CONNECT is read until the
 * client has been let in; then messages and their acknowledgements take the short way of `Incoming`, and the rest is for aedes to
 * parse. Who breaks a rule is cut off here, and the broker knows only that the client went away.
 */
export class GuardedStream extends Duplex {
  readonly id: string
  readonly address: string
  readonly door: Door
  /** What became of its CONNECT; undefined: there was none. */
  admission: Result<Admission, Refusal> | undefined
  /** Of who has been let in. */
  subscriptions: Subscriptions | undefined
  /** Set when the client has said who it is, and has been believed. */
  principal: MqttPrincipal | undefined
  /** The message that it got last: another subscription of its own may want it as well. */
  lastDelivery: Delivery | undefined
  /** A bridge of mosquitto, by its CONNECT: it wants nothing back that it has said itself. */
  isBridge = false
  readonly answers = new Answers()
  readonly #socket: Duplex
  readonly #clock: Clock
  readonly #pace: Pace
  readonly #counts: PacketCounts
  readonly #onViolation: GuardedStreamOptions['onViolation']
  readonly #splitter: PacketSplitter
  readonly #outgoing: Outgoing
  readonly #deadlines: StreamDeadlines
  #incoming: Incoming | undefined
  #ids: PacketIds | undefined
  #state: 'connect' | 'held' | 'open' = 'connect'
  #chunk: Buffer = Buffer.alloc(0)
  #at = 0
  /** All of a chunk is taken at one time. */
  #chunkMs = 0
  /** Checked, and waiting for its turn. */
  #waiting: Buffer | undefined
  #full = false
  /** Receivers of its messages that take them too slowly. */
  #holds = 0
  /** The client sends nothing more. */
  #ended = false
  #owesDrain = false
  #roomListeners: (() => void)[] | undefined
  /** DISCONNECT was taken: nothing behind it counts, be it broken or not [MQTT-3.14.4-3]. */
  #saidGoodBye = false
  #pumping = false

  constructor(socket: Duplex, visitor: Visitor, options: GuardedStreamOptions) {
    super({ writableHighWaterMark: maxOutgoingBytes, allowHalfOpen: false, emitClose: true })
    this.#socket = socket
    this.id = visitor.id
    this.address = visitor.address
    this.door = visitor.door
    this.#clock = options.clock
    this.#pace = new Pace(options.maxMessagesPerSecond, options.clock, nowMs => {
      this.#chunkMs = nowMs
      this.#pump()
    })
    this.#counts = options.counts
    this.#onViolation = options.onViolation
    this.#splitter = new PacketSplitter(options.maxPacketBytes)
    const { turn, clock, counts } = options
    this.#outgoing = new Outgoing(socket, {
      turn,
      clock,
      counts,
      onRoom: () => this.#hasRoom(),
      onStall: () => this.#deadlines.watch(),
    })
    this.#deadlines = new StreamDeadlines(clock, this.#outgoing, violation => this.violate(violation))
    socket.on('data', (chunk: Buffer) => {
      this.#counts.bytesReceived += chunk.length
      this.#chunk = chunk
      this.#at = 0
      this.#chunkMs = clock.now()
      this.#deadlines.heard(this.#chunkMs)
      this.#pump()
    })
    socket.on('end', () => {
      this.#ended = true
      this.#pump()
    })
    socket.on('error', error => this.destroy(error))
    // What it said before it left is still worked off; before it was let in there is nothing of worth.
    socket.on('close', () => {
      if (!this.#ended || this.#state !== 'open') this.destroy()
    })
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** What waits to be taken by the other side. */
  get waitingBytes(): number {
    return this.#outgoing.waitingBytes
  }

  /** Nothing more should be sent to it for now. */
  get slow(): boolean {
    return this.#outgoing.fullSinceMs !== undefined || this.#ids?.fullSinceMs !== undefined
  }

  /** Whether a publisher that waits for it would wait in a circle: what it acknowledges may be behind what is not taken of it. */
  isHeldWith(publisher: GuardedStream | undefined): boolean {
    return this.#outgoing.fullSinceMs === undefined && (publisher === this || this.#holds > 0)
  }

  /** The client has been let in: reads on. */
  open(client: Client, broker: MessageBroker): void {
    this.#deadlines.letIn()
    if (this.#state !== 'held') return
    this.#state = 'open'
    this.#incoming = new Incoming({
      broker,
      client,
      send: (packet, id) => this.#outgoing.add(packet, id),
      onFault: error => this.destroy(error),
      onDone: () => this.#pump(),
    })
    this.#pump()
  }

  /** Seconds after one and a half of which a silent client is gone (§3.1.2.10); 0: never. */
  keepAlive(seconds: number): void {
    this.#deadlines.keepAlive(seconds)
  }

  /** Sends a message of this moment; the client has to acknowledge it unless the QoS is 0. */
  deliver(message: EncodedPublish, qos: 0 | 1 | 2): void {
    this.#outgoing.add(message.head(qos), qos === 0 ? 0 : this.nextId(qos))
    const { tail } = message
    if (tail.bytes.length > 0) this.#outgoing.add(tail)
    if (!this.slow) return
    this.#deadlines.watch()
    if (this.#outgoing.overflowing)
      this.violate({
        clause: 'limit',
        reason: `takes less than others send to it: ${this.waitingBytes} bytes wait`,
      })
  }

  /** For a message that is about to be sent; its acknowledgements are awaited. */
  nextId(qos: 1 | 2): number {
    this.expect(qos)
    this.#ids ??= new PacketIds(this.#clock)
    this.#deadlines.awaited = this.#ids
    const id = this.#ids.next(qos)
    if (id === 0) this.violate({ clause: 'limit', reason: `has not acknowledged ${mostInFlight} messages` })
    return id
  }

  /** A message was sent that has to be acknowledged. */
  expect(qos: 1 | 2): void {
    this.#incoming?.expect(qos)
  }

  /** Calls back, once, when it is not slow any more, or gone. */
  whenRoom(listener: () => void): void {
    if (this.destroyed || !this.slow) return listener()
    this.#roomListeners ??= []
    this.#roomListeners.push(listener)
  }

  /** Takes nothing of the client until `release`. */
  hold(): void {
    this.#holds++
  }

  release(): void {
    if (--this.#holds === 0) this.#pump()
  }

  /** Cuts the connection for a broken rule. */
  violate(violation: Violation): void {
    if (this.destroyed) return
    this.#onViolation(violation, { address: this.address, user: this.principal?.name ?? null })
    if (violation.returnCode !== undefined && this.#state === 'connect') {
      this.#socket.write(Uint8Array.of(0x20, 2, 0, violation.returnCode))
      this.destroy()
    } else {
      this.destroy(new Error(violation.reason))
    }
  }

  override _read(): void {
    this.#full = false
    this.#pump()
  }

  /** aedes corks the stream at the beginning of each packet. */
  override cork(): void {
    this.answers.packetBegins()
  }

  override uncork(): void {
    // All of a turn is written at once anyway.
  }

  /** A piece of a packet of aedes; it is sent at the end of the turn. False: wait for `drain`. */
  override write(
    piece: string | Uint8Array,
    encoding?: BufferEncoding | WriteDone,
    done?: WriteDone,
  ): boolean {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : asBuffer(piece)
    const answer = this.answers.take(bytes)
    const whole = answer ?? bytes
    if (whole.length > 0) this.#outgoing.add({ bytes: whole, idAt: 0 })
    if (answer !== undefined && answer.length > 0 && this.answers.settled()) setImmediate(() => this.#pump())
    const called = typeof encoding === 'function' ? encoding : done
    if (called !== undefined) setImmediate(called, null)
    if (this.slow) this.#deadlines.watch()
    else return true
    this.#owesDrain = true
    return false
  }

  override _final(done: () => void): void {
    this.#outgoing.flushAll()
    this.#socket.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#deadlines.end()
    this.#pace.end()
    this.#waiting = undefined
    this.#chunk = Buffer.alloc(0)
    if (error !== null) this.#socket.destroy()
    else if (!this.#socket.destroyed) {
      this.#outgoing.flushAll()
      partFrom(this.#socket, this.#clock)
    }
    this.#outgoing.clear()
    this.#hasRoom()
    done(error)
  }

  #hasRoom(): void {
    if (this.#owesDrain) {
      this.#owesDrain = false
      this.emit('drain')
    }
    const listeners = this.#roomListeners
    this.#roomListeners = undefined
    for (const listener of listeners ?? []) listener()
  }

  /** Hands on what may go on, and reads while there is nothing to wait for. */
  #pump(): void {
    // A message that is with all its receivers at once calls back from within `#handOn`, which goes on by itself.
    if (this.destroyed || this.#pumping) return
    this.#pumping = true
    this.#handOn()
    this.#pumping = false
    if (this.destroyed) return
    this.#deadlines.midPacket(this.#splitter.midPacket, this.#chunkMs)
    const isDone = this.#at >= this.#chunk.length && this.#waiting === undefined
    const goesOn = isDone && this.#mayGoOn()
    this.#deadlines.reads(goesOn && !this.#ended)
    if (!goesOn) this.#socket.pause()
    else if (!this.#ended) this.#socket.resume()
    else if (this.#incoming?.idle !== false) this.#finish()
  }

  #handOn(): void {
    while (this.#mayGoOn()) {
      if (this.#waiting !== undefined) {
        if (!this.#forward(this.#waiting)) break
        continue
      }
      const next = this.#splitter.next(this.#chunk, this.#at)
      if (!next.ok) return this.violate(next.fault)
      this.#at = next.value.at
      if (next.value.packet === undefined) break
      this.#deadlines.midPacket(false, this.#chunkMs)
      this.#waiting = next.value.packet
    }
  }

  #finish(): void {
    this.#full = true
    this.push(null)
  }

  #mayGoOn(): boolean {
    return (
      this.#state !== 'held' &&
      !this.#saidGoodBye &&
      !this.#full &&
      this.#holds === 0 &&
      !this.answers.awaited &&
      !this.#pace.waits &&
      this.#incoming?.hasRoom !== false &&
      !this.destroyed
    )
  }

  /** False: not its turn yet. */
  #forward(packet: Buffer): boolean {
    const first = packet[0] ?? 0
    const type = first >> 4
    // Whoever says good-bye has said everything before.
    if (type === packetTypes.disconnect && this.#incoming?.idle === false) return false
    if (this.#incoming?.owed(type) !== true && !this.#pace.take(this.#chunkMs)) return false
    this.#waiting = undefined
    this.#counts.took(first)
    if (type === packetTypes.disconnect) this.#saidGoodBye = true
    if (!this.#handled(first, type, packet)) this.#push(type, packet)
    return true
  }

  /** False: it is for aedes. */
  #handled(first: number, type: number, packet: Buffer): boolean {
    if (this.#incoming === undefined) return false
    switch (type) {
      case packetTypes.publish: {
        const { topic, messageId, payloadAt } = this.#splitter.publish
        return this.#incoming.publish(first, topic, messageId, packet.subarray(payloadAt))
      }
      case packetTypes.puback:
      case packetTypes.pubrec:
      case packetTypes.pubrel:
      case packetTypes.pubcomp:
        return this.#acknowledged(type, packet)
      case packetTypes.pingreq:
        this.#outgoing.add(pingresp)
        return true
      default:
        return false
    }
  }

  #acknowledged(type: number, packet: Buffer): boolean {
    const id = ((packet[2] ?? 0) << 8) | (packet[3] ?? 0)
    if (this.#ids?.answers(type, id) === false) {
      this.violate({
        clause: 'MQTT-4.8.0-1',
        reason: 'an acknowledgement of another QoS, or out of its turn',
      })
      return true
    }
    if (this.#incoming?.acknowledge(type, id) !== true) return false
    const isLast = type === packetTypes.puback || type === packetTypes.pubcomp
    if (isLast && this.#ids?.free(id) === true && !this.slow) this.#hasRoom()
    return true
  }

  #push(type: number, packet: Buffer): void {
    if (this.#state === 'connect') this.#state = 'held'
    if (!this.push(this.answers.asked(type, packet))) this.#full = true
  }
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
