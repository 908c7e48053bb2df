import { z } from 'zod'
import { gpioSchema } from './gpio-schema.ts'

/** sun_path of a Unix socket address holds 108 bytes with its closing zero (unix(7)). */
const maxSocketPathBytes = 107

export const absolutePath = z
  .string()
  .refine(
    path => path.startsWith('/') && !path.includes('\0'),
    'must be an absolute path, such as /var/lib/pixelgate',
  )
const host = z.string().regex(/^[A-Za-z0-9._:%-]{1,253}$/, 'must be a host name or an IP address')
const baudRate = z.int().min(300).max(12_000_000)
/** 0: any free port. */
const listenPort = z.int().min(0).max(65_535)

/**
 * A list whose entries differ in what `key` gives (undefined: not comparable). Said also while an entry has faults of
 * its own, so that all faults come at once.
 */
const distinct = <T extends z.ZodType>(
  entry: T,
  key: (entry: z.output<T>) => string | undefined,
  words: string,
) =>
  z.array(entry).refine(
    list => {
      const keys = list.map(key).filter(each => each !== undefined)
      return new Set(keys).size === keys.length
    },
    {
      error: words,
      when: ({ value }) => Array.isArray(value) && value.every(each => each instanceof Object),
    },
  )

const address = (at: { host: string; port: number }): string | undefined =>
  at.host && at.port ? `${at.host} ${at.port}` : undefined

const serialLink = z.strictObject({
  kind: z.literal('serial'),
  path: absolutePath,
  baudRate: baudRate.default(115_200),
  /** Rate to go to after the greeting, if the board and the line carry it; null: stay at baudRate. */
  maxBaudRate: baudRate.nullable().default(null),
})
const tcpLink = z.strictObject({ kind: z.literal('tcp'), host, port: z.int().min(1).max(65_535) })

/** Also said while other keys have faults. */
const fileForTls = (key: 'certFile' | 'keyFile') => ({
  error: 'must name a file, since http.tls is files',
  path: [key],
  when: ({ value }: z.core.ParsePayload) => value instanceof Object,
})

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
  })
  .refine(({ tls, certFile }) => tls !== 'files' || certFile !== null, fileForTls('certFile'))
  .refine(({ tls, keyFile }) => tls !== 'files' || keyFile !== null, fileForTls('keyFile'))

const isLoopback = (name: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/i.test(name)

const mqttListener = z
  .strictObject({
    host,
    port: listenPort,
    /** Clients without a user name may watch and control. */
    anonymous: z.boolean().default(false),
  })
  .refine(({ host, anonymous }) => !anonymous || isLoopback(host), {
    error:
      'must be false unless the host is loopback (127.0.0.1, ::1 or localhost): on a network everybody could command the boards. Give each program a user instead: pixelgate mqtt-user add NAME',
    path: ['anonymous'],
    when: ({ value }) => value instanceof Object,
  })

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
  /** Boards to reach in any case, beside what discovery finds. */
  links: distinct(
    z.discriminatedUnion('kind', [serialLink, tcpLink]),
    link => (link.kind === 'serial' ? link.path : address(link)),
    'must not name one link twice',
  ).default([]),
  /** known: ports that the user approved; all: every serial port; off: none. */
  discovery: z.enum(['known', 'all', 'off']).default('known'),
  http: http.prefault({}),
  mqtt: z
    .strictObject({
      listeners: distinct(mqttListener, address, 'must not name one address twice').default([
        { host: '127.0.0.1', port: 1883, anonymous: false },
      ]),
      /** Of one MQTT packet; before a client is let in it is 1 KiB. */
      maxPacketBytes: z.int().min(1024).max(16_777_216).default(262_144),
      maxClients: z.int().min(1).max(10_000).default(512),
      maxClientsPerAddress: z.int().min(1).max(10_000).default(128),
      /** Packets that one client may send in a second; it is read no faster. */
      maxMessagesPerSecond: z.int().min(1).max(100_000).default(1000),
    })
    .prefault({}),
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
  log: z
    .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') })
    .prefault({}),
})

export type Settings = Readonly<z.output<typeof configSchema>>
