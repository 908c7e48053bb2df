import { basename } from 'node:path'
import { z } from 'zod'
import { lineName } from './schema-parts.ts'

/** A topic has at most 65,535 bytes (MQTT 3.1.1 §4.7.3); ours get words behind them. */
const maxTopicBytes = 256
const maxTopicLevels = 16
/** First levels that are the gateway's own. */
const ownRoots = ['pixelgate', 'homeassistant']

const topic = z
  .string()
  .refine(
    text =>
      text !== '' && Buffer.byteLength(text) <= maxTopicBytes && text.split('/').length <= maxTopicLevels,
    `must be a topic of at most ${maxTopicBytes} bytes and ${maxTopicLevels} levels`,
  )
  .refine(
    text => text.split('/').every(level => level !== '') && !/[+#\p{Cc}\p{Cs}]/u.test(text),
    'must be a topic without wildcards, control characters and empty levels, such as sensors/co2',
  )
  .refine(
    text => !text.startsWith('$') && !ownRoots.includes(text.split('/', 1)[0] ?? ''),
    'must not begin with $, pixelgate/ or homeassistant/; without a topic it is pixelgate/GATEWAY/serial/NAME',
  )

const shared = {
  mode: z.literal('bridge'),
  /** As the API, the CLI and the default topic call it; made from the path or address when left out. */
  name: lineName.optional(),
  /** The topics are TOPIC/rx, TOPIC/tx and TOPIC/status. Default: pixelgate/GATEWAY/serial/NAME. */
  topic: topic.optional(),
  framing: z.enum(['line', 'cobs', 'length', 'idle', 'raw']).default('line'),
  /** What ends a line. */
  newline: z.enum(['\n', '\r\n', '\r']).default('\n'),
  /** Silence that ends a frame. Default: 20 for idle, 200 for length; none for line and cobs. */
  idleMs: z.int().min(1).max(60_000).optional(),
  /** Of the length in front of a frame. */
  lengthBytes: z.literal([1, 2, 4]).default(2),
  lengthEndian: z.enum(['big', 'little']).default('big'),
  /** Of the payloads, both ways. */
  encoding: z.enum(['utf-8', 'base64', 'binary']).default('utf-8'),
  maxFrameBytes: z.int().min(1).max(65_536).default(4096),
  /** Each way. */
  maxMessagesPerSecond: z.int().min(1).max(10_000).default(100),
  /** Of messages that wait for the line. */
  maxQueuedBytes: z.int().min(256).max(1_048_576).default(16_384),
  /** The last frame is kept for whoever subscribes later. */
  retain: z.boolean().default(false),
  /** Of what the line says. */
  qos: z.literal([0, 1]).default(1),
} as const

/** Keys that make a bridge of a TCP link. */
export const tcpBridge = shared

/** Keys that make a bridge of a serial link. */
export const serialBridge = {
  ...shared,
  dataBits: z.literal([5, 6, 7, 8]).default(8),
  parity: z.enum(['none', 'even', 'odd']).default('none'),
  stopBits: z.literal([1, 2]).default(1),
} as const

interface Named {
  readonly mode?: 'board' | 'bridge' | undefined
  readonly name?: string | undefined
  readonly topic?: string | undefined
}
type Line = Named &
  (
    | { readonly kind: 'serial'; readonly path: string }
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  )

/** The name of a bridge: its own, `ttyUSB1` of /dev/ttyUSB1, `192.0.2.7-4001` of an address. */
export const bridgeName = (link: Line): string =>
  link.name ??
  (link.kind === 'serial' ? basename(link.path) : `${link.host}-${link.port}`)
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, 64)

/** Names that two bridges have, and topics of which one is, or is below, another's; as paths into the list. */
export function bridgeFaults(links: readonly Line[]) {
  const faults: { readonly path: readonly (string | number)[]; readonly message: string }[] = []
  const names = new Set<string>()
  const topics: string[] = []
  for (const [index, link] of links.entries()) {
    if (link.mode !== 'bridge') continue
    const name = bridgeName(link)
    if (names.has(name))
      faults.push({ path: [index, 'name'], message: 'must be a name that no other bridge has' })
    names.add(name)
    const { topic } = link
    if (topic === undefined) continue
    if (topics.some(other => `${topic}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${topic}/`)))
      faults.push({
        path: [index, 'topic'],
        message: 'must not be the topic of another bridge, nor above or below one',
      })
    topics.push(topic)
  }
  return faults
}
