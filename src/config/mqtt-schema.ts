import { z } from 'zod'
import { homeAssistantSchema } from './home-assistant-schema.ts'
import { address, distinct, host, isLoopback, listenPort } from './schema-parts.ts'
import { upstreamSchema } from './upstream-schema.ts'

const mqttListener = z
  .strictObject({
    host,
    port: listenPort,
    /** Clients without a user name may watch and control. */
    anonymous: z.boolean().default(false),
    /** With the certificate of the panel. */
    tls: z.boolean().default(false),
    /** Says that a listener without TLS on the network is meant to be: for boards and devices that know no TLS. */
    plain: z.boolean().default(false),
  })
  .refine(({ tls, plain }) => !(tls && plain), {
    error: 'must be false, since tls is true',
    path: ['plain'],
    when: ({ value }) => value instanceof Object,
  })
  .refine(({ host, anonymous }) => !anonymous || isLoopback(host), {
    error:
      'must be false unless the host is loopback (127.0.0.1, ::1 or localhost): on a network everybody could command the boards. Give each program a user instead: pixelgate mqtt-user add NAME',
    path: ['anonymous'],
    when: ({ value }) => value instanceof Object,
  })

/** The broker. */
export const mqttSchema = z.strictObject({
  listeners: distinct(mqttListener, address, 'must not name one address twice').default([
    { host: '127.0.0.1', port: 1883, anonymous: false, tls: false, plain: false },
  ]),
  /** Of one MQTT packet; before a client is let in it is 1 KiB. */
  maxPacketBytes: z.int().min(1024).max(16_777_216).default(262_144),
  maxClients: z.int().min(1).max(10_000).default(512),
  maxClientsPerAddress: z.int().min(1).max(10_000).default(128),
  /** Packets that one client may send in a second; it is read no faster. */
  maxMessagesPerSecond: z.int().min(1).max(1_000_000).default(20_000),
  /** Of messages that wait for lasting sessions, each with 400 bytes for what keeping it costs. */
  maxQueuedBytes: z.int().min(0).max(268_435_456).default(16_777_216),
  maxQueuedBytesPerUser: z.int().min(0).max(268_435_456).default(12_582_912),
  maxQueuedMessagesPerUser: z.int().min(0).max(1_000_000).default(25_000),
  /** Of retained messages, likewise. */
  maxRetainedBytes: z.int().min(0).max(268_435_456).default(16_777_216),
  maxRetainedMessages: z.int().min(0).max(1_000_000).default(10_000),
  maxRetainedBytesPerUser: z.int().min(0).max(268_435_456).default(1_048_576),
  maxRetainedMessagesPerUser: z.int().min(0).max(1_000_000).default(1000),
  /** A session whose client stays away for so long ends. */
  sessionExpiryHours: z.number().min(0).max(8784).default(24),
  homeAssistant: homeAssistantSchema.prefault({}),
  /** Brokers to which the gateway dials out. */
  upstream: distinct(upstreamSchema, ({ name }) => name, 'must not use one name twice').default([]),
})
