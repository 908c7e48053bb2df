import { networkInterfaces } from 'node:os'
import type { MqttShow, MqttUserView, NewMqttUserView } from '../wire/mqtt-user.ts'
import { ago, textTable } from './text-table.ts'

export interface MqttPlace {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

/** Where a client connects to: a listener on every address is named by those that this machine has. */
export function mqttPlaces({ settings }: NewMqttUserView): readonly MqttPlace[] {
  return settings.urls.flatMap(url => {
    const { hostname, port, protocol } = new URL(url)
    const host = hostname.replace(/^\[|\]$/g, '')
    const hosts = host === '0.0.0.0' || host === '::' ? ownAddresses() : [host]
    return hosts.map(each => ({ host: each, port: Number(port), tls: protocol === 'mqtts:' }))
  })
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap(each => each ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)

const accessWords: Readonly<Record<MqttUserView['access'], string>> = {
  watch: 'may watch',
  control: 'may watch and control',
  board: 'is for one board',
  'home-assistant': 'is for Home Assistant',
  bridge: 'is for a broker that watches',
  'bridge-control': 'is for a broker that watches and controls',
  device: 'has topics of its own',
}

/** What a person is told about a new secret. */
export function mqttUserWords(
  { user, password, settings }: NewMqttUserView,
  places: readonly MqttPlace[],
  show: MqttShow | undefined,
): string {
  const begin = `${user.name} ${accessWords[user.access]}. The password is shown this once; `
  if (settings.text !== null) return `${begin}set ${show} up with:\n\n${settings.text}\n`
  const rows = [
    ...places.flatMap(({ host, port, tls }) => [
      ['host', host],
      ['port', `${port}${tls ? ' (TLS)' : ''}`],
    ]),
    ['user', user.name],
    ['password', password],
    ['client id', settings.clientId ?? 'any'],
    ...topicRows(user, settings.topic),
  ]
  const lines = rows.map(([key = '', value = '']) => `  ${key.padEnd(10)} ${value}`)
  return `${begin}set the client up with:\n\n${lines.join('\n')}\n${hint(user, settings, places, show)}`
}

function topicRows({ access, publish, subscribe }: MqttUserView, topic: string): string[][] {
  const own = access === 'device' ? [] : [['topics', `${topic}/…`]]
  return [...own, ...publish.map(each => ['publishes', each]), ...subscribe.map(each => ['reads', each])]
}

function hint(
  { name }: MqttUserView,
  { missing }: NewMqttUserView['settings'],
  places: readonly MqttPlace[],
  show: MqttShow | undefined,
): string {
  if (missing !== null) {
    const then = show === undefined ? '' : ` Then: pixelgate mqtt-user rotate ${name} --show ${show}`
    return `\n${missing}${then}\n`
  }
  return places.some(({ host }) => !/^(127\.|::1$|localhost$)/.test(host))
    ? ''
    : '\nOnly programs on this machine reach the broker. For others add a listener to mqtt.listeners in the configuration.\n'
}

export const mqttUserTable = (users: readonly MqttUserView[]): string =>
  users.length === 0
    ? 'There is no MQTT user yet. Add one: pixelgate mqtt-user add NAME\n'
    : textTable(
        ['name', 'access', 'since', 'board'],
        users.map(({ name, access, createdAt, boardId }) => [name, access, ago(createdAt), boardId ?? '']),
      )
