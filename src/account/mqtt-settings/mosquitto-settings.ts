import type { ClientSettings } from './client-settings.ts'

const authorityFile = 'pixelgate-ca.pem'

const authorityLines = ({ tls, authority }: ClientSettings): readonly string[] =>
  tls && authority !== undefined ? ['', `# ${authorityFile}`, ...authority.trimEnd().split('\n')] : []

/** Both read their options from a file, so that the secret stands in no list of processes. */
export function mosquittoOptions(settings: ClientSettings): string {
  const { host, port, tls, user, password, topic } = settings
  const trust = settings.authority === undefined ? '--capath /etc/ssl/certs' : `--cafile ${authorityFile}`
  const clientId = user.boardId === null ? [] : [`-i ${settings.clientId}`]
  const filter = user.access === 'device' ? (user.subscribe[0] ?? '#') : `${topic}/#`
  return [
    '# ~/.config/mosquitto_sub and ~/.config/mosquitto_pub, readable for you alone (chmod 600)',
    `-h ${host}`,
    `-p ${port}`,
    ...(tls ? [trust] : []),
    `-u ${user.name}`,
    `-P ${password}`,
    ...clientId,
    '',
    `# mosquitto_sub -v -q 1 -t '${filter}'`,
    ...authorityLines(settings),
  ].join('\n')
}

/** For the mosquitto.conf of the broker that fetches the topics of the gateway. */
export function mosquittoBridge(settings: ClientSettings): string {
  const { host, port, tls, user, password, topic } = settings
  const commands = ['+/cmd/+', 'cmd/+'].map(each => `topic ${topic}/${each} out 1`)
  const trust =
    settings.authority === undefined
      ? 'bridge_capath /etc/ssl/certs'
      : `bridge_cafile /etc/mosquitto/certs/${authorityFile}`
  return [
    '# mosquitto.conf',
    `connection ${user.name}`,
    `address ${host}:${port}`,
    'bridge_protocol_version mqttv311',
    'try_private false',
    `remote_clientid ${settings.clientId}`,
    `remote_username ${user.name}`,
    `remote_password ${password}`,
    ...(tls ? [trust] : []),
    'cleansession false',
    `topic ${topic}/# in 1`,
    ...(user.access === 'bridge-control' ? commands : []),
    ...user.subscribe.map(filter => `topic ${filter} in 1`),
    ...user.publish.map(filter => `topic ${filter} out 1`),
    ...authorityLines(settings),
  ].join('\n')
}
