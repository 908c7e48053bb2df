import { z } from 'zod'
import { absolutePath } from './schema-parts.ts'

const isLoopback = (name: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[::1\]|\[::ffff:7f[0-9a-f:]+\])$/i.test(name)

const brokerUrl = z.string().refine(text => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return (
    url !== undefined &&
    /^(mqtts?|wss?):$/.test(url.protocol) &&
    url.hostname !== '' &&
    url.username === '' &&
    url.password === '' &&
    url.hash === ''
  )
}, 'must be a URL such as mqtts://broker.example:8883, without user and password: those are user and passwordFile')

const topicBytes = 400

/** Levels of a topic, without wildcards. */
const levels = z
  .string()
  .refine(
    text => /^[^+#\0/$][^+#\0]*$/.test(text) && !text.endsWith('/') && Buffer.byteLength(text) <= topicBytes,
    'must be the first levels of a topic, such as sites/attic/pixelgate, without wildcards',
  )

const filter = z.string().refine(text => {
  const parts = text.split('/')
  return (
    text !== '' &&
    !text.startsWith('$') &&
    !text.includes('\0') &&
    Buffer.byteLength(text) <= topicBytes &&
    parts.every((part, i) => part === '+' || (part === '#' && i === parts.length - 1) || !/[+#]/.test(part))
  )
}, 'must be an MQTT filter, such as zigbee2mqtt/#')

/** Whether user and password could be read on the way. */
const exposed = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^(mqtt|ws):$/.test(url.protocol) && !isLoopback(url.hostname)
}

const whole = ({ value }: z.core.ParsePayload): boolean => value instanceof Object

/** A broker above: another machine's, a cluster's, Home Assistant's. */
export const upstreamSchema = z
  .strictObject({
    /** In status, metrics and log; also names what waits for it, so a new name is a new outbox. */
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be a name of small letters, digits and hyphens')
      .default('upstream'),
    url: brokerUrl,
    /** Other nodes of the same cluster; they are tried in turn. */
    otherUrls: z.array(brokerUrl).max(16).default([]),
    /** auto: MQTT 5 where it is spoken, else 3.1.1. */
    protocol: z.literal(['auto', 5, 4]).default('auto'),
    /** null: made of the gateway's id and the name. */
    clientId: z
      .string()
      .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 printable ASCII characters')
      .nullable()
      .default(null),
    user: z.string().min(1).max(256).nullable().default(null),
    /** The password alone, and perhaps the end of its line. */
    passwordFile: absolutePath.nullable().default(null),
    /** Certificates of the authorities that are trusted, instead of the system's. */
    caFile: absolutePath.nullable().default(null),
    /** The gateway's own certificate, where the broker asks for one. */
    certFile: absolutePath.nullable().default(null),
    keyFile: absolutePath.nullable().default(null),
    /** User and password may go over a network in the clear. */
    insecure: z.boolean().default(false),
    /** `pixelgate/…` here is `sites/SITE/pixelgate/…` there. */
    site: z
      .string()
      .regex(/^[^+#/$\0]{1,64}$/, 'must be one level of a topic, such as attic')
      .nullable()
      .default(null),
    /** Other pairs of first levels; what none fits has the same topic on both sides. */
    map: z
      .array(z.strictObject({ local: levels, remote: levels }))
      .max(32)
      .default([]),
    /** What goes up, by the topics here; null: everything of this gateway. Commands never go up. */
    out: z.array(filter).max(64).nullable().default(null),
    /** What comes down besides commands, by the topics here. */
    in: z.array(filter).max(64).default([]),
    /** Whether those above may command the boards. */
    commands: z.boolean().default(false),
    /** `.`, blanks and `%` in topics go as %2E, %20 and %25, for engines that do not take them. */
    escapeTopics: z.boolean().default(false),
    /** Of what waits. */
    maxOutboxBytes: z.int().min(65_536).max(17_179_869_184).default(67_108_864),
    /** What waited so long, while the gateway ran, goes nowhere; ends of uploads stay. */
    maxAgeHours: z.number().min(0.01).max(87_600).default(168),
  })
  .refine(({ site, map }) => site === null || map.length === 0, {
    error: 'must be left out where there is a map: the map says it all',
    path: ['site'],
    when: whole,
  })
  .refine(({ user, passwordFile }) => user !== null || passwordFile === null, {
    error: 'must name the user whose password it is',
    path: ['user'],
    when: whole,
  })
  .refine(({ certFile, keyFile }) => (certFile === null) === (keyFile === null), {
    error: 'must stand beside certFile, and certFile beside it',
    path: ['keyFile'],
    when: whole,
  })
  .refine(
    ({ user, insecure, url, otherUrls = [] }) =>
      user === null ||
      user === undefined ||
      insecure ||
      ![url, ...otherUrls].some(each => exposed(String(each))),
    {
      error:
        'must begin with mqtts:// or wss://: the password could be read on the way. If that does not matter, set insecure to true',
      path: ['url'],
      when: whole,
    },
  )
