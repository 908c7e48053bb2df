import { networkInterfaces } from 'node:os'
import { AppError } from '../../kernel/errors.ts'
import type { MqttUserView, NewMqttUserView } from '../../wire/auth.ts'
import type { Command, OptionValues } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, text } from '../option-values.ts'
import { ago, textTable } from '../text-table.ts'

const usage =
  'Write: pixelgate mqtt-user list, or: pixelgate mqtt-user add NAME [--board ID] [--access watch|control], or: pixelgate mqtt-user rotate|remove NAME'

export const mqttUser: Command = {
  name: 'mqtt-user',
  summary: 'List, add, rotate and remove the credentials of the MQTT broker',
  operands: 'list|add NAME|rotate NAME|remove NAME',
  operandCount: [1, 2],
  options: {
    board: { type: 'string', value: 'ID', help: 'the credential of this board: reaches its topics only' },
    access: { type: 'string', value: 'ACCESS', help: 'of a program: watch (default) or control' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: [
    'pixelgate mqtt-user add home-assistant --access control',
    'pixelgate mqtt-user add shelf --board shelf',
    'pixelgate mqtt-user rotate shelf',
  ],
  async run([verb, name], options, surroundings) {
    const body = verb === 'add' ? newUser(name, options) : undefined
    if (!(verb === 'list' ? name === undefined : isVerb(verb) && name !== undefined))
      throw new AppError('usage', usage)
    const client = await controlClient(options, surroundings)
    const { stdout } = surroundings
    const json = flag(options, 'json')
    const path = `/mqtt-users/${encodeURIComponent(name ?? '')}`
    if (verb === 'list') {
      const { users } = await client.get<{ users: readonly MqttUserView[] }>('/mqtt-users')
      stdout.write(json ? `${JSON.stringify({ users })}\n` : table(users))
    } else if (verb === 'remove') {
      await client.delete(path)
      stdout.write(json ? `${JSON.stringify({ removed: name })}\n` : `${name} may not connect any more.\n`)
    } else {
      const issued = await client.post<NewMqttUserView>(
        verb === 'add' ? '/mqtt-users' : `${path}/rotate`,
        body,
      )
      const places = placesOf(issued)
      stdout.write(
        json
          ? `${JSON.stringify({ ...issued, settings: { ...issued.settings, places } })}\n`
          : told(issued, places),
      )
    }
    return 0
  },
}

const isVerb = (verb: string | undefined): boolean => verb === 'add' || verb === 'rotate' || verb === 'remove'

function newUser(name: string | undefined, options: OptionValues): object {
  const boardId = text(options, 'board')
  const access = text(options, 'access')
  if (access !== undefined && access !== 'watch' && access !== 'control')
    throw new AppError('usage', `--access takes watch or control, not "${access}".`)
  if (access !== undefined && boardId !== undefined)
    throw new AppError(
      'usage',
      '--access is for programs; with --board it means nothing. Leave one of them out.',
    )
  return { name, ...(boardId !== undefined && { boardId }), ...(access !== undefined && { access }) }
}

interface Place {
  readonly host: string
  readonly port: number
}

/** Where a client connects to: a listener on every address is named by those that this machine has. */
function placesOf({ settings }: NewMqttUserView): readonly Place[] {
  return settings.urls.flatMap(url => {
    const { hostname, port } = new URL(url)
    const host = hostname.replace(/^\[|\]$/g, '')
    const hosts = host === '0.0.0.0' || host === '::' ? ownAddresses() : [host]
    return hosts.map(each => ({ host: each, port: Number(port) }))
  })
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap(each => each ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)

const accessWords = {
  watch: 'may watch',
  control: 'may watch and control',
  board: 'is for one board',
} as const

function told({ user, password, settings }: NewMqttUserView, places: readonly Place[]): string {
  const rows = [
    ...places.flatMap(({ host, port }) => [
      ['host', host],
      ['port', String(port)],
    ]),
    ['user', user.name],
    ['password', password],
    ['client id', settings.clientId ?? 'any'],
    ['topics', `${settings.topic}/…`],
  ]
  const lines = rows.map(([key = '', value = '']) => `  ${key.padEnd(10)} ${value}`)
  const hint = places.some(({ host }) => !/^(127\.|::1$|localhost$)/.test(host))
    ? ''
    : '\nOnly programs on this machine reach the broker. For others add a listener to mqtt.listeners in the configuration.\n'
  return `${user.name} ${accessWords[user.access]}. The password is shown this once; set the client up with:\n\n${lines.join('\n')}\n${hint}`
}

const table = (users: readonly MqttUserView[]): string =>
  users.length === 0
    ? 'There is no MQTT user yet. Add one: pixelgate mqtt-user add NAME\n'
    : textTable(
        ['name', 'access', 'since', 'board'],
        users.map(({ name, access, createdAt, boardId }) => [name, access, ago(createdAt), boardId ?? '']),
      )
