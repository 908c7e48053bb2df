import t, { type Test } from 'tap'
import { mqttBoards } from '../../src/app-mqtt-boards.ts'
import type { BrokerPart, BrokerPort } from '../../src/broker/broker-port.ts'
import { homeAssistant } from '../../src/broker/home-assistant/home-assistant.ts'
import { startBroker } from '../../src/broker/start-broker.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { BrokerRig, gw, type Listener, type RigParts, until } from './broker-rig.ts'
import { databasePath } from './memory-rig.ts'

const own = `pixelgate/${gw}`

/** A gateway that takes boards over MQTT and shows itself to Home Assistant, over a broker.db. */
async function gateway(t: Test) {
  let port: BrokerPort | undefined
  const spy: BrokerPart = {
    start: async given => {
      port = given
    },
    stop: async () => undefined,
  }
  const database = { path: databasePath(t) }
  const options = ({ core, store, users, log }: RigParts) => ({
    database,
    boardLinks: mqttBoards({ core, clock: systemClock, log }),
    parts: [
      homeAssistant(
        { enabled: true, prefix: 'homeassistant', birthTopic: null },
        {
          ...{ gatewayId: gw, version: '1.2.3', url: undefined, core, store, log, clock: systemClock },
          random: size => new Uint8Array(size),
          hasCredential: id => users.hasBoard(id),
          health: () => 'ok',
        },
      ),
      spy,
    ],
  })
  const rig = await BrokerRig.start(t, options)
  /** What is retained below a board, for somebody who comes now. */
  const retained = async (id: string) => {
    const late = await rig.connect()
    await late.client.subscribeAsync(`${own}/${id}/#`)
    const of = (kind: string) => late.hears(`${own}/${id}/${kind}`)
    const words = {
      ...{ availability: await of('availability'), info: await of('info'), state: await of('state') },
      light: await of('light/state'),
    }
    await late.client.endAsync()
    return words
  }
  /** Home Assistant comes, and everything has been said again. */
  const birth = async () => {
    const ear = await rig.connect()
    await ear.client.subscribeAsync(`${own}/stats`)
    await ear.hears(`${own}/stats`)
    ear.heard.length = 0
    await port?.publisher.send('homeassistant/status', 'online')
    await ear.hears(`${own}/stats`)
    await rig.broker.ping()
  }
  const restart = async () => {
    await rig.broker.stop()
    const { core, users, log } = rig
    const at = (anonymous: boolean) => ({ host: '127.0.0.1', port: 0, anonymous })
    rig.broker = await startBroker({
      listeners: [at(false), at(true)],
      ...{ gatewayId: gw, core, users, clock: systemClock, log, version: '1.2.3', ...options(rig) },
    })
  }
  return { rig, retained, birth, restart }
}

const says = async (shelf: Listener, id: string, words: Readonly<Record<string, unknown>>): Promise<void> => {
  for (const [kind, word] of Object.entries(words))
    await shelf.client.publishAsync(
      `${own}/${id}/${kind}`,
      typeof word === 'string' ? word : JSON.stringify(word),
      { qos: 1, retain: true },
    )
}

const mine = {
  info: { name: 'mine', leds: 30, firmware: 'own 1' },
  state: { mode: 'playing', brightness: 40, patternName: 'waves' },
}

t.test(
  'what a board says itself stands until the gateway reaches it again, whatever the gateway knew of it',
  async t => {
    const { rig, retained, birth, restart } = await gateway(t)
    const ear = await rig.connect()
    await ear.client.subscribeAsync(`${own}/#`)
    const board = await rig.board(1)
    const { id } = board
    const known = await ear.hears(`${own}/${id}/state`)
    t.match(JSON.parse(known), { mode: 'stopped' })
    board.unplug()
    await ear.hears(`${own}/${id}/availability`, 'offline')
    const shelf = { ...(await rig.user('shelf', { boardId: id })), clientId: id }
    // From now on its way is MQTT.
    await rig.core.book.change(id, { name: 'Shelf' })
    await ear.hears(`${own}/${id}/info`, /"Shelf"/)
    const first = await rig.connect(shelf)
    await says(first, id, { ...mine, availability: 'online' })
    const words = { info: JSON.stringify(mine.info), state: JSON.stringify(mine.state) }
    await ear.hears(`${own}/${id}/light/state`, /"ON"/)
    await birth()
    t.match(await retained(id), { ...words, availability: 'online', light: /"ON"/ }, 'after a birth')
    await first.client.subscribeAsync(`${own}/${id}/cmd/+`)
    const assistant = await rig.connect(await rig.user('assistant', 'home-assistant'))
    await assistant.client.subscribeAsync(`${own}/${id}/light/set/result`)
    await assistant.client.publishAsync(`${own}/${id}/light/set`, 'OFF', { qos: 1 })
    t.same(JSON.parse(await assistant.hears(`${own}/${id}/light/set/result`)), { ok: true })
    await first.hears(`${own}/${id}/cmd/stop`)
    ear.heard.length = 0
    await first.client.endAsync()
    await ear.hears(`${own}/${id}/availability`, 'offline')
    await rig.core.book.change(id, { name: 'Board' })
    await rig.broker.ping()
    t.match(await retained(id), { ...words, availability: 'offline' }, 'after it has left')
    await restart()
    t.match(await retained(id), { ...words, availability: 'offline' }, 'after a restart')
    board.plugged = true
    await until(() => rig.core.registry.session(id) !== undefined, 'the board on its cable')
    const after = await rig.connect()
    await after.client.subscribeAsync(`${own}/#`)
    await after.hears(`${own}/${id}/state`, known)
    await after.hears(`${own}/${id}/info`, /"Board"/)
    await after.hears(`${own}/${id}/availability`, 'online')
  },
)

t.test('a board that speaks for itself is a device again after a restart, with its light', async t => {
  const { rig, retained, restart } = await gateway(t)
  const id = '44444444-4444-4444-4444-444444444444'
  const credential = { ...(await rig.user('shelf', { boardId: id })), clientId: id }
  await says(await rig.connect(credential), id, { ...mine, availability: 'online' })
  await restart()
  const shelf = await rig.connect(credential)
  await shelf.client.subscribeAsync(`${own}/${id}/cmd/+`)
  await says(shelf, id, { availability: 'online' })
  const ear = await rig.connect(await rig.user('assistant', 'home-assistant'))
  await ear.client.subscribeAsync(['homeassistant/#', `${own}/#`])
  await ear.hears(`homeassistant/device/pixelgate_${gw}_${id}/config`, /"mine"/)
  await ear.hears(`${own}/stats`, /"boards":1,"boardsOnline":1,/)
  t.match(JSON.parse((await retained(id)).light), { state: 'ON', brightness: 40, effect: 'waves' })
  await ear.client.publishAsync(`${own}/${id}/light/set`, 'OFF', { qos: 1 })
  t.same(JSON.parse(await ear.hears(`${own}/${id}/light/set/result`)), { ok: true })
  await shelf.hears(`${own}/${id}/cmd/stop`)
})

t.test('a birth of Home Assistant makes no word of a board one of the gateway', async t => {
  const { rig, retained, birth, restart } = await gateway(t)
  const id = '44444444-4444-4444-4444-444444444444'
  const shelf = await rig.connect({ ...(await rig.user('shelf', { boardId: id })), clientId: id })
  await says(shelf, id, { ...mine, availability: 'online' })
  await birth()
  await restart()
  t.match(await retained(id), {
    ...{ info: JSON.stringify(mine.info), state: JSON.stringify(mine.state) },
    availability: 'online',
  })
})
