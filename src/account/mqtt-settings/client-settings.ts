import type { MqttShow, MqttUserView } from '../../wire/mqtt-user.ts'
import { arduinoSketch } from './arduino-sketch.ts'
import { mosquittoBridge, mosquittoOptions } from './mosquitto-settings.ts'
import type { Place } from './place.ts'

/** All that a client has to be told. */
export interface ClientSettings extends Place {
  readonly user: MqttUserView
  readonly password: string
  /** The one that the credential asks for, or the user's name. */
  readonly clientId: string
  /** What the topics of the gateway, or of the board, begin with. */
  readonly topic: string
  /** Certificate of our own authority, PEM; undefined: clients trust the certificate anyway. */
  readonly authority: string | undefined
}

/** What is to be pasted or typed into a client of this kind. */
export function settingsText(show: MqttShow, settings: ClientSettings): string {
  switch (show) {
    case 'tasmota':
      return tasmota(settings)
    case 'wled':
      return wled(settings)
    case 'esphome':
      return esphome(settings)
    case 'arduino':
      return arduinoSketch(settings)
    case 'mosquitto':
      return settings.user.access.startsWith('bridge')
        ? mosquittoBridge(settings)
        : mosquittoOptions(settings)
  }
}

/** One line for its console. It has no names of mDNS, and knows TLS in builds that have it. */
function tasmota({ host, port, tls, user, password, clientId }: ClientSettings): string {
  const commands = [
    `MqttHost ${host}`,
    `MqttPort ${port}`,
    `MqttUser ${user.name}`,
    `MqttPassword ${password}`,
    `MqttClient ${clientId}`,
    `Topic ${user.name}`,
    'FullTopic %prefix%/%topic%/',
    // The key of the server is learnt at the first connection.
    ...(tls ? ['SetOption103 1', 'SetOption132 1', 'MqttFingerprint1 00'] : []),
  ]
  return `Backlog ${commands.join('; ')}`
}

function wled({ host, port, user, password, clientId }: ClientSettings): string {
  return [
    'Config > Sync Interfaces > MQTT',
    '  Enable MQTT   yes',
    `  Broker        ${host}`,
    `  Port          ${port}`,
    `  Username      ${user.name}`,
    `  Password      ${password}`,
    `  Client ID     ${clientId}`,
    `  Device Topic  wled/${user.name}`,
    '  Group Topic   wled/all',
  ].join('\n')
}

/** Its discovery is off: what Home Assistant finds through this broker is said by the gateway alone. */
function esphome({ host, port, tls, user, password, clientId, authority }: ClientSettings): string {
  const lines = [
    'mqtt:',
    `  broker: ${JSON.stringify(host)}`,
    `  port: ${port}`,
    `  username: ${JSON.stringify(user.name)}`,
    `  password: ${JSON.stringify(password)}`,
    `  client_id: ${JSON.stringify(clientId)}`,
    `  topic_prefix: ${JSON.stringify(user.name)}`,
    '  discovery: false',
  ]
  if (tls && authority !== undefined) {
    // The authority vouches for this gateway alone, and an address is no name that every chip can compare.
    lines.push('  skip_cert_cn_check: true', '  certificate_authority: |')
    lines.push(
      ...authority
        .trimEnd()
        .split('\n')
        .map(line => `    ${line}`),
    )
  }
  return lines.join('\n')
}
