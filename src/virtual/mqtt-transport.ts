import type { IClientOptions, MqttClient } from 'mqtt'
import type { Clock, Timer } from '../kernel/clock.ts'
import { withDeadline } from '../kernel/deadline.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { type BoardTransport, outputCapBytes, type TransportListeners } from './board-transport.ts'
import { MessageCutter, toLine } from './message-cutter.ts'

const connectTimeoutMs = 5000
/** A board that dies without a word is missed after one and a half of this. */
const keepaliveSeconds = 15
const firstRetryMs = 100
const longestRetryMs = 5000
/** For the answer to REBOOT to leave before the board restarts. */
const lastWordsMs = 50
/** For the word that it goes to be acknowledged. */
const farewellMs = 1000
/** Answers of a broker that will not change by asking again: client id, name and secret, rights (MQTT 3.1.1 §3.2.2.3). */
const refusals = [2, 4, 5]
/** Of OpenSSL and Node: no TLS there, or a certificate that is not believed. */
const isTlsFault = (code: unknown): boolean =>
  /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(String(code))

export interface MqttBoardSettings {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`, without name and secret. */
  readonly url: string
  readonly user: string
  readonly password: string
  /** PEM of the authority that has signed the broker's certificate; undefined: one that the system knows. */
  readonly ca: Uint8Array | undefined
  /** Id of the gateway; undefined: the first greeting tells it. */
  readonly gatewayId: string | undefined
  /** UUID of the board. */
  readonly boardId: string
  readonly clock: Clock
  /** In [0, 1). */
  readonly random?: () => number
}

interface Connection {
  readonly client: MqttClient
  readonly gatewayId: string | undefined
  /** Where the last frame came from is where the answers go (SPEC §11.2). */
  answerTopic: string | undefined
  waitingBytes: number
}

/** A board as a client of the gateway's broker (SPEC §11): connects, and again whenever it was cut off. */
export class MqttTransport implements BoardTransport {
  readonly kind = 'mqtt'
  readonly path: string
  readonly ready: Promise<void>
  readonly #settings: MqttBoardSettings
  readonly #listeners: TransportListeners
  readonly #cutter = new MessageCutter()
  #gatewayId: string | undefined
  #connection: Connection | undefined
  #retry: Timer | undefined
  #failures = 0
  #isOn = true
  #isClosed = false
  #wasLetIn = false
  #connected: () => void = () => undefined

  constructor(settings: MqttBoardSettings, listeners: TransportListeners) {
    this.#settings = settings
    this.#listeners = listeners
    this.path = settings.url
    this.#gatewayId = settings.gatewayId
    this.ready = new Promise(resolve => {
      this.#connected = resolve
    })
    void this.#connect()
  }

  write(bytes: Uint8Array): void {
    const connection = this.#connection
    for (const frame of this.#cutter.push(bytes)) {
      const { answerTopic } = connection ?? {}
      if (connection === undefined || answerTopic === undefined) continue
      if (connection.waitingBytes + frame.length > outputCapBytes) continue
      connection.waitingBytes += frame.length
      connection.client.publish(answerTopic, Buffer.from(frame), { qos: 1 }, () => {
        connection.waitingBytes -= frame.length
      })
    }
  }

  setBaud(): void {}

  power(isOn: boolean, isCut: boolean): void {
    if (isOn === this.#isOn) return
    this.#isOn = isOn
    this.#cutter.clear()
    if (isOn) return this.#again(0)
    if (isCut) this.#drop()
    else this.#retry = this.#settings.clock.setTimer(lastWordsMs, () => this.#drop())
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#retry?.cancel()
    const connection = this.#connection
    this.#connection = undefined
    if (connection === undefined) return
    const { client, gatewayId } = connection
    const { clock } = this.#settings
    if (gatewayId !== undefined && client.connected) {
      const goodBye = client.publishAsync(this.#own('availability', gatewayId), 'offline', {
        qos: 1,
        retain: true,
      })
      // mqtt.js does not settle it when the line is cut before the acknowledgement; the last will says the same.
      await withDeadline(clock, farewellMs, goodBye, 'link_failed', 'not in time').catch(() => undefined)
    }
    await client.endAsync(true).catch(() => undefined)
  }

  /** Without a word, as when the supply fails. */
  #drop(): void {
    this.#retry?.cancel()
    this.#connection?.client.end(true)
    this.#connection = undefined
  }

  #own(rest: string, gatewayId: string): string {
    return `pixelgate/${gatewayId}/${this.#settings.boardId}/${rest}`
  }

  async #connect(): Promise<void> {
    const { url, user, password, ca, boardId } = this.#settings
    const gatewayId = this.#gatewayId
    const options: IClientOptions = {
      clientId: boardId,
      username: user,
      password,
      clean: true,
      keepalive: keepaliveSeconds,
      reconnectPeriod: 0,
      connectTimeout: connectTimeoutMs,
      ...(ca && { ca: Buffer.from(ca) }),
      ...(gatewayId !== undefined && {
        will: {
          topic: this.#own('availability', gatewayId),
          payload: Buffer.from('offline'),
          qos: 1,
          retain: true,
        },
      }),
    }
    const { connect } = await import('mqtt')
    if (this.#isClosed || !this.#isOn) return
    const client = connect(url, options)
    const connection: Connection = { client, gatewayId, answerTopic: undefined, waitingBytes: 0 }
    this.#connection = connection
    let fault: Error | undefined
    client.on('error', error => {
      fault = error
    })
    client.on('connect', () => void this.#arrived(connection).catch(() => client.end(true)))
    client.on('message', (topic, payload) => this.#onMessage(connection, topic, payload))
    client.on('close', () => this.#left(connection, fault))
  }

  async #arrived(connection: Connection): Promise<void> {
    const { client, gatewayId } = connection
    const from = gatewayId ?? '+'
    // One after the other: what asks for frames is greeted at once.
    await client.subscribeAsync(this.#own('upload/+/data', from), { qos: 1 })
    await client.subscribeAsync(this.#own('frames/down', from), { qos: 1 })
    this.#failures = 0
    this.#wasLetIn = true
    if (gatewayId === undefined) return
    connection.answerTopic = this.#own('frames/up', gatewayId)
    await client.publishAsync(this.#own('availability', gatewayId), 'online', { qos: 1, retain: true })
    this.#connected()
  }

  #onMessage(connection: Connection, topic: string, payload: Uint8Array): void {
    if (connection !== this.#connection) return
    const [, gatewayId = '', , kind, job] = topic.split('/')
    if (connection.gatewayId === undefined) {
      // Once more, now with a last will.
      this.#gatewayId = gatewayId
      connection.client.end(true)
      return
    }
    connection.answerTopic = this.#own(kind === 'upload' ? `upload/${job}/get` : 'frames/up', gatewayId)
    this.#listeners.onData(toLine(payload))
  }

  #left(connection: Connection, fault: Error | undefined): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    const code = fault !== undefined && 'code' in fault ? fault.code : undefined
    if (!this.#wasLetIn && refusals.some(refusal => refusal === code))
      return this.#listeners.onFault(refused(this.path, toError(fault)))
    if (!this.#wasLetIn && isTlsFault(code))
      return this.#listeners.onFault(notBelieved(this.path, toError(fault)))
    const { random = Math.random } = this.#settings
    const isNew = connection.gatewayId !== this.#gatewayId
    const longestMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures++, 10))
    this.#again(isNew ? 0 : longestMs * (0.5 + random() / 2))
  }

  #again(delayMs: number): void {
    this.#retry?.cancel()
    if (this.#isClosed || !this.#isOn) return
    this.#retry = this.#settings.clock.setTimer(delayMs, () => void this.#connect())
  }
}

const refused = (url: string, cause: Error): AppError =>
  new AppError(
    'link_failed',
    `${url} does not let the board in (${cause.message}). Its user must be a credential of this board: pixelgate mqtt-user add NAME --board UUID`,
    { cause },
  )

const notBelieved = (url: string, cause: Error): AppError =>
  new AppError(
    'link_failed',
    `${url} cannot be trusted (${cause.message}). Give the authority of its certificate with --mqtt-ca FILE, and the name or address that stands in the certificate.`,
    { cause },
  )
