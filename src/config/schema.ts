import { isIP } from 'node:net'
import { z } from 'zod'
import { bridgeFaults, serialBridge, tcpBridge } from './bridge-schema.ts'
import { gpioSchema } from './gpio-schema.ts'
import { mqttSchema } from './mqtt-schema.ts'
import { absolutePath, address, distinct, host, listenPort } from './schema-parts.ts'

/** sun_path of a Unix socket address holds 108 bytes with its closing zero (unix(7)). */
const maxSocketPathBytes = 107

const baudRate = z.int().min(300).max(12_000_000)

const serialLink = z.strictObject({
  kind: z.literal('serial'),
  /** board: our protocol; bridge: whatever it speaks goes to MQTT and back (bridge-schema.ts). */
  mode: z.literal('board').optional(),
  path: absolutePath,
  baudRate: baudRate.default(115_200),
  /** Rate to go to after the greeting, if the board and the line carry it; null: stay at baudRate. */
  maxBaudRate: baudRate.nullable().default(null),
})
const tcpLink = z.strictObject({
  kind: z.literal('tcp'),
  mode: z.literal('board').optional(),
  host,
  port: z.int().min(1).max(65_535),
})
const link = z.discriminatedUnion('kind', [
  z.discriminatedUnion('mode', [serialLink, serialLink.omit({ maxBaudRate: true }).extend(serialBridge)]),
  z.discriminatedUnion('mode', [tcpLink, tcpLink.extend(tcpBridge)]),
])

/** Also said while other keys have faults. */
const fileForTls = (key: 'certFile' | 'keyFile') => ({
  error: 'must name a file, since http.tls is files',
  path: [key],
  when: ({ value }: z.core.ParsePayload) => value instanceof Object,
})

const network = z.string().refine(text => {
  const [address = '', bits, more] = text.split('/')
  const most = [undefined, undefined, undefined, undefined, 32, undefined, 128][isIP(address)] ?? -1
  if (bits === undefined) return most > 0
  return more === undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= most
}, 'must be an IP address or a network, such as 192.168.1.2 or fd00::/8')
/** As browsers write it: no path, no capitals, and the scheme's own port left out. */
const webOrigin = z.string().refine(text => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return (url?.protocol === 'http:' || url?.protocol === 'https:') && url.origin === text
}, 'must be an origin, such as https://lamps.example or http://192.0.2.7:3000')

const http = z
  .strictObject({
    host: host.default('0.0.0.0'),
    port: listenPort.default(8443),
    /** auto: a certificate authority of our own; files: certFile and keyFile; insecure: plain HTTP. */
    tls: z.enum(['auto', 'files', 'insecure']).default('auto'),
    certFile: absolutePath.nullable().default(null),
    keyFile: absolutePath.nullable().default(null),
    /** Names under which the gateway is reached beside its own: of a proxy or of an entry in the router's DNS. */
    hosts: z.array(host).max(64).default([]),
    /** view: whoever is in the network may look at boards and patterns without an account. */
    guest: z.enum(['off', 'view']).default('off'),
    /** Plain HTTP with nothing but how to trust the certificate; 0 or null: none. */
    landingPort: listenPort.nullable().default(8080),
    /** Origins whose scripts may use the API with a token. */
    corsOrigins: z.array(webOrigin).max(64).default([]),
    /** Proxies whose X-Forwarded-For, -Proto and -Host are believed. */
    trustedProxies: z.array(network).max(64).default([]),
    maxConnections: z.int().min(16).max(65_535).default(2_000),
    /** Of one address of the network; this machine and trusted proxies have no cap of their own. */
    maxConnectionsPerAddress: z.int().min(8).max(65_535).default(256),
    /** WebSocket connections of one person; programs of many share the person whose tokens they have. */
    maxLivePerPerson: z.int().min(1).max(10_000).default(16),
  })
  .refine(({ tls, certFile }) => tls !== 'files' || certFile !== null, fileForTls('certFile'))
  .refine(({ tls, keyFile }) => tls !== 'files' || keyFile !== null, fileForTls('keyFile'))

/**
 * The whole configuration. Each key has a default; those of stateDir and controlSocket follow from the environment
 * (default-paths.ts). Nothing in it is a secret: secrets are files that it names.
 */
export const configSchema = z.strictObject({
  stateDir: absolutePath,
  controlSocket: absolutePath.refine(
    path => Buffer.byteLength(path) <= maxSocketPathBytes,
    `must have at most ${maxSocketPathBytes} bytes: set a shorter one`,
  ),
  /** Boards to reach in any case, beside what discovery finds, and lines that are bridged to MQTT. */
  links: distinct(
    link,
    link => (link.kind === 'serial' ? link.path : address(link)),
    'must not name one link twice',
  )
    .superRefine((links, ctx) => {
      for (const { path, message } of bridgeFaults(links))
        ctx.addIssue({ code: 'custom', path: [...path], message })
    })
    .default([]),
  /** known: ports that the user approved; all: every serial port; off: none. */
  discovery: z.enum(['known', 'all', 'off']).default('known'),
  http: http.prefault({}),
  /** Names in the local network that no server gives out (multicast DNS). */
  mdns: z
    .strictObject({
      /** Nothing is said while http.host and the MQTT listeners are loopback. */
      enabled: z.boolean().default(true),
      /** NAME.local; with a number behind it where a neighbour has the name. */
      name: z
        .string()
        .regex(/^[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?$/, 'must be a name of small letters, digits and hyphens')
        .default('pixelgate'),
    })
    .prefault({}),
  mqtt: mqttSchema.prefault({}),
  gpio: gpioSchema.prefault({}),
  /** What a pattern file may be at most. */
  pattern: z
    .strictObject({
      maxLeds: z.int().min(1).max(16_777_216).default(262_144),
      maxFrames: z.int().min(1).max(1_000_000).default(131_072),
      /** Width and height. */
      maxSide: z.int().min(1).max(65_535).default(4096),
      /** Of all frames together, three a LED. */
      maxBytes: z.int().min(1024).max(1_073_741_824).default(100_663_296),
      /** Of a file that is read in one piece; larger sequences are read in parts. */
      maxFileBytes: z.int().min(1024).max(1_073_741_824).default(268_435_456),
    })
    .prefault({}),
  /** Messages about events to programs elsewhere. */
  webhooks: z
    .strictObject({
      /** Host names and addresses to which they may go although they are this machine or only of its link. */
      allowHosts: z.array(host).max(64).default([]),
    })
    .prefault({}),
  /** Backups of the database, in stateDir/backups. */
  backup: z
    .strictObject({
      nightly: z.boolean().default(true),
      /** Local time. */
      at: z
        .string()
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day, such as 03:17')
        .default('03:17'),
      /** Nightly ones that are kept. */
      keep: z.int().min(1).max(365).default(7),
    })
    .prefault({}),
  /** Debug routes for those who develop the gateway. */
  development: z.boolean().default(false),
  log: z
    .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') })
    .prefault({}),
})

export type Settings = Readonly<z.output<typeof configSchema>>
