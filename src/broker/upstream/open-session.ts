import type { IClientOptions, MqttClient } from 'mqtt'
import { systemClock } from '../../kernel/clock.ts'
import { withDeadline } from '../../kernel/deadline.ts'
import { toError } from '../../kernel/errors.ts'
import { explainFault } from './explain-fault.ts'
import { PacketMeter } from './packet-meter.ts'
import type {
  IncomingMessage,
  OpenSession,
  PublishOutcome,
  RemoteSession,
  SessionEnd,
  SessionEvents,
  SessionRequest,
} from './remote-session.ts'

const connectTimeoutMs = 15_000
const keepAliveSeconds = 20
/** What the other end keeps for us while we are away; MQTT 5 only. */
const sessionExpirySeconds = 24 * 3600
/** Messages that the other end may send ahead of our acknowledgements. */
const receiveMaximum = 32
const maxUnderWay = 64
/** For DISCONNECT to get out. */
const closeTimeoutMs = 150
export const idProperty = 'pixelgate-id'

/** "Not authorized", "topic name invalid", "packet too large", "payload format invalid" (MQTT 5 §3.4.2.1): it stays so. */
const lastingRefusals = new Set([135, 144, 149, 153])

/** CONNACK of a broker that retains nothing, to a will that is to be retained (MQTT 5 §3.2.2.3.13). */
const retainsNothing = 154
/** A longer packet is not even read to its end; one that is only longer than allowed is dropped by whoever gets it. */
const mostBytes = 4 * 1024 * 1024

export interface SessionLimits {
  /** Of what comes down, with its header. In MQTT 5 the other end is told. */
  readonly maxPacketBytes: number
  /** For CONNACK, and then for SUBACK. */
  readonly answerTimeoutMs?: number
}

/** Opens connections of mqtt.js, which is loaded when the first one is made. They never reconnect by themselves. */
export const sessionOpener =
  (limits: SessionLimits): OpenSession =>
  (request, events) =>
    open({ answerTimeoutMs: connectTimeoutMs, ...limits }, request, events, true)

async function open(
  limits: Required<SessionLimits>,
  request: SessionRequest,
  events: SessionEvents,
  retainsWill: boolean,
): Promise<RemoteSession> {
  const where = placeOf(request.url)
  const { connect } = await import('mqtt')
  const client = connect(request.url, optionsOf(limits, request, retainsWill))
  // Of a session that lasts, messages may come in one piece with CONNACK.
  client.handleMessage = (packet, done) => {
    const payload = Buffer.from(packet.payload)
    const id = packet.properties?.userProperties?.[idProperty]
    const incoming: IncomingMessage = {
      topic: packet.topic,
      payload,
      retain: packet.retain,
      dup: packet.dup,
      id: Array.isArray(id) ? id[0] : id,
    }
    events.onMessage(incoming).then(() => done(), done)
  }
  return new Promise<RemoteSession>((resolve, reject) => {
    let error: Error | undefined
    let over: SessionEnd | undefined
    let isOpen = false
    let hasFailed = false
    const fail = (silent: boolean): void => {
      client.end(true)
      if (hasFailed) return
      hasFailed = true
      if (retainsWill && error !== undefined && 'code' in error && error.code === retainsNothing)
        return resolve(open(limits, request, events, false))
      reject(explainFault(where, error ?? new Error('it ended the connection without an answer'), silent))
    }
    const cut = (reason: string): void => {
      error ??= new Error(reason)
      over ??= { byEngine: false, reason: `${where}: ${reason}` }
      client.end(true)
      client.stream.destroy()
    }
    const meter = new PacketMeter()
    const longest = Math.max(limits.maxPacketBytes, mostBytes)
    client.stream.on('data', (chunk: Buffer) => {
      const length = meter.longest(chunk)
      if (length > longest) cut(`it sends a message of ${length} bytes: let nothing so large come down`)
    })
    client.on('error', thrown => {
      error ??= thrown
    })
    client.on('disconnect', ({ reasonCode }) => {
      error ??= Object.assign(new Error(`it said goodbye (reason ${reasonCode ?? 0})`), { code: reasonCode })
    })
    client.on('close', () => {
      const hadError = error
      client.end(true)
      if (!isOpen) return fail(hadError === undefined || isSilentEnd(hadError))
      over ??= {
        byEngine: true,
        reason: explainFault(where, hadError ?? new Error('it ended the connection')).message,
      }
      events.onEnd(over)
    })
    client.on('connect', ({ properties }) => {
      const retains = properties?.retainAvailable !== false
      const session: RemoteSession = {
        level: request.level,
        maxUnderWay: Math.min(maxUnderWay, properties?.receiveMaximum ?? maxUnderWay),
        maxPacketBytes: properties?.maximumPacketSize,
        publish: (message, done) =>
          publish(client, request, { ...message, retain: message.retain && retains }, done),
        close: () => close(client),
        cut,
      }
      withDeadline(
        systemClock,
        limits.answerTimeoutMs,
        subscribe(client, request),
        'link_failed',
        'it does not answer SUBSCRIBE: check its log',
      ).then(
        () => {
          isOpen = true
          resolve(session)
        },
        (thrown: unknown) => {
          error ??= toError(thrown)
          fail(false)
        },
      )
    })
  })
}

function optionsOf(
  { maxPacketBytes, answerTimeoutMs }: Required<SessionLimits>,
  { url, level, clientId, filters, will, secrets }: SessionRequest,
  retainsWill: boolean,
): IClientOptions {
  const { user, password, ca, cert, key } = secrets
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), rejectUnauthorized: true }
  return {
    protocolVersion: level,
    clientId,
    clean: filters.length === 0,
    keepalive: keepAliveSeconds,
    connectTimeout: answerTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: retainsWill },
    ...(user !== null && { username: user }),
    ...(password !== null && { password }),
    ...(level === 5 && {
      properties: {
        receiveMaximum,
        maximumPacketSize: maxPacketBytes,
        ...(filters.length > 0 && { sessionExpiryInterval: sessionExpirySeconds }),
      },
    }),
    ...tls,
    ...(url.startsWith('ws') && { wsOptions: tls }),
  }
}

/** MQTT 5: nothing that we have said ourselves comes back (No Local), and retained is told from live (Retain As Published). */
async function subscribe(client: MqttClient, { filters, level }: SessionRequest): Promise<void> {
  if (filters.length === 0) return
  const granted = await client.subscribeAsync([...filters], {
    qos: 1,
    ...(level === 5 && { nl: true, rap: true }),
  })
  const refused = granted.filter(({ qos }) => qos >= 128).map(({ topic }) => topic)
  if (refused.length > 0)
    throw new Error(`it does not let this user subscribe to ${refused.join(', ')}: check its access list`)
}

function publish(
  client: MqttClient,
  { level }: SessionRequest,
  { topic, payload, retain, id }: Parameters<RemoteSession['publish']>[0],
  done: (outcome: PublishOutcome) => void,
): void {
  const properties = { userProperties: { [idProperty]: id } }
  client.publish(
    topic,
    Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    { qos: 1, retain, ...(level === 5 && { properties }) },
    error => {
      const code = error && 'code' in error && typeof error.code === 'number' ? error.code : undefined
      if (!error) done({ is: 'arrived' })
      // Without a code the connection has ended, which is told on its own.
      else if (code !== undefined && code >= 128)
        done({ is: lastingRefusals.has(code) ? 'refused' : 'later', reason: error.message })
    },
  )
}

/** Waits for DISCONNECT, but not for an end that does not answer. */
async function close(client: MqttClient): Promise<void> {
  const late = setTimeout(() => client.stream.destroy(), closeTimeoutMs)
  await client.endAsync().catch(() => undefined)
  clearTimeout(late)
}

/** Ended as some engines do when they do not know the version in CONNECT. */
const isSilentEnd = (error: Error): boolean =>
  'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')

/** The address without what is secret in it. */
export function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}
