import { AppError } from '../../kernel/errors.ts'
import { type MqttShow, type MqttUserView, mqttShow, type NewMqttUserView } from '../../wire/mqtt-user.ts'
import type { Command, OptionValues } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { mqttPlaces, mqttUserTable, mqttUserWords } from '../mqtt-user-words.ts'
import { flag, text, texts } from '../option-values.ts'

const accesses = ['watch', 'control', 'home-assistant', 'bridge', 'bridge-control', 'device']
const shows = mqttShow.options.join(', ')
const usage =
  'Write: pixelgate mqtt-user list, or: pixelgate mqtt-user add NAME [--board ID] [--access A] [--publish F] [--subscribe F] [--show KIND], or: pixelgate mqtt-user set NAME …, or: pixelgate mqtt-user rotate|remove NAME'

export const mqttUser: Command = {
  name: 'mqtt-user',
  summary: 'List, add, change, rotate and remove the credentials of the MQTT broker',
  operands: 'list|add NAME|set NAME|rotate NAME|remove NAME',
  operandCount: [1, 2],
  options: {
    board: { type: 'string', value: 'ID', help: 'the credential of this board: reaches its topics only' },
    access: {
      type: 'string',
      value: 'ACCESS',
      help: `of a program: ${accesses.join(', ')}; watch when left out, device with topics`,
    },
    publish: {
      type: 'string',
      multiple: true,
      value: 'FILTER',
      help: 'topics of the room that it may publish, such as tele/plug/#; may be given several times',
    },
    subscribe: {
      type: 'string',
      multiple: true,
      value: 'FILTER',
      help: 'topics of the room that it may read; may be given several times',
    },
    show: { type: 'string', value: 'KIND', help: `what to paste into the client: ${shows}` },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: [
    'pixelgate mqtt-user add home-assistant --access home-assistant',
    'pixelgate mqtt-user add shelf --board shelf --show arduino',
    'pixelgate mqtt-user add plug --show tasmota',
    "pixelgate mqtt-user add co2 --publish 'sensors/co2/#'",
    'pixelgate mqtt-user rotate shelf',
  ],
  async run([verb, name], options, surroundings) {
    if (!(verb === 'list' ? name === undefined : isVerb(verb) && name !== undefined))
      throw new AppError('usage', usage)
    const rights = rightsOf(options)
    const board = text(options, 'board')
    const show = showOf(options, verb)
    if (board !== undefined && 'access' in rights)
      throw new AppError(
        'usage',
        '--access is for programs; with --board it means nothing. Leave one of them out.',
      )
    if (verb === 'set' && (board !== undefined || Object.keys(rights).length === 0))
      throw new AppError('usage', 'mqtt-user set takes --access, --publish or --subscribe.')
    const client = await controlClient(options, surroundings)
    const { stdout } = surroundings
    const json = flag(options, 'json')
    const say = (value: object, words: string) =>
      void stdout.write(json ? `${JSON.stringify(value)}\n` : words)
    const path = `/mqtt-users/${encodeURIComponent(name ?? '')}`
    const query = show === undefined ? '' : `?show=${show}`
    if (verb === 'list') {
      const users = await client.list<MqttUserView>('/mqtt-users', 'users')
      say({ users }, mqttUserTable(users))
    } else if (verb === 'remove') {
      await client.delete(path)
      say({ removed: name }, `${name} may not connect any more.\n`)
    } else if (verb === 'set') {
      const user = await client.patch<MqttUserView>(path, rights)
      say(user, `${name} has other rights now, and was disconnected to come back with them.\n`)
    } else {
      const issued = await client.post<NewMqttUserView>(
        verb === 'add' ? `/mqtt-users${query}` : `${path}/rotate${query}`,
        verb === 'add' ? { name, ...(board !== undefined && { boardId: board }), ...rights } : undefined,
      )
      const places = mqttPlaces(issued)
      say({ ...issued, settings: { ...issued.settings, places } }, mqttUserWords(issued, places, show))
    }
    return 0
  },
}

const isVerb = (verb: string | undefined): boolean =>
  verb !== undefined && ['add', 'set', 'rotate', 'remove'].includes(verb)

/** What was given; an empty filter (`--publish ''`) takes all of that list away. */
function rightsOf(options: OptionValues): object {
  const access = text(options, 'access')
  if (access !== undefined && !accesses.includes(access))
    throw new AppError('usage', `--access takes ${accesses.join(', ')}, not "${access}".`)
  const list = (name: 'publish' | 'subscribe') => {
    const given = texts(options, name)
    return given.length === 0 ? {} : { [name]: given.filter(filter => filter !== '') }
  }
  return { ...(access !== undefined && { access }), ...list('publish'), ...list('subscribe') }
}

function showOf(options: OptionValues, verb: string | undefined): MqttShow | undefined {
  const given = text(options, 'show')
  if (given === undefined) return undefined
  const known = mqttShow.safeParse(given)
  if (!known.success) throw new AppError('usage', `--show takes ${shows}, not "${given}".`)
  if (verb !== 'add' && verb !== 'rotate')
    throw new AppError('usage', '--show needs a secret, which only add and rotate tell.')
  return known.data
}
