import { networkInterfaces } from 'node:os'
import type { MqttShow, MqttUserView } from '../../wire/mqtt-user.ts'

/** Where a client connects to. */
export interface Place {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

interface Listener extends Place {
  /** Reached by programs of this machine alone. */
  readonly local: boolean
}

/** Kinds of devices that know no TLS, or only in builds of their own. */
const plainOnly: ReadonlySet<MqttShow | undefined> = new Set(['wled'])
const plainFirst: ReadonlySet<MqttShow | undefined> = new Set(['wled', 'tasmota'])
const elsewhere: ReadonlySet<MqttShow | undefined> = new Set(['wled', 'tasmota', 'esphome', 'arduino'])

const toAdd = {
  secure: '{"host": "0.0.0.0", "port": 8883, "tls": true}',
  plain: '{"host": "0.0.0.0", "port": 1883, "plain": true}',
} as const

const isLocal = (host: string): boolean => /^(127\.|::1$|localhost$)/.test(host)

/** IPv4 addresses at which neighbours reach this machine. */
const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap(each => each ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)

function listenerOf(url: string): Listener {
  const { hostname, port, protocol } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const [own = host] = host === '0.0.0.0' || host === '::' ? ownAddresses() : [host]
  return { host: own, port: Number(port), tls: protocol === 'mqtts:', local: isLocal(host) }
}

/** The listener that fits a client best; or why there is none, and what to configure. */
export function placeFor(
  urls: readonly string[],
  { access }: Pick<MqttUserView, 'access'>,
  show: MqttShow | undefined,
): { readonly place: Place | undefined; readonly missing: string | null } {
  const isDevice = access === 'board' || access === 'device'
  const fitting = urls
    .map(listenerOf)
    .filter(({ local, tls }) => local || tls || isDevice)
    .filter(({ local }) => !local || !elsewhere.has(show))
    .filter(({ tls }) => !tls || !plainOnly.has(show))
  const rank = ({ local, tls }: Listener): number => (local ? 2 : 0) + (tls === plainFirst.has(show) ? 1 : 0)
  const [best] = fitting.sort((a, b) => rank(a) - rank(b))
  if (best !== undefined) return { place: best, missing: null }
  return { place: undefined, missing: missingWords(urls, isDevice, show) }
}

function missingWords(urls: readonly string[], isDevice: boolean, show: MqttShow | undefined): string {
  const wantsPlain = isDevice && plainFirst.has(show)
  if (plainOnly.has(show) && !isDevice)
    return 'This kind of device knows no TLS, and without TLS only boards and devices are let in from the network. Add it with --board, or with --publish and --subscribe.'
  const add = wantsPlain ? `${toAdd.plain}, ${toAdd.secure}` : toAdd.secure
  const why = urls.length === 0 ? 'No listener of the broker is open' : 'No listener of the broker is for it'
  return `${why}. Write "mqtt": {"listeners": [${add}]} in the configuration and restart the gateway; docs/mqtt.md has more.`
}
