import { connectAsync } from 'mqtt'
import t, { type Test } from 'tap'
import { boardId } from '../../src/kernel/ids.ts'
import { gw, until } from '../broker/broker-rig.ts'
import { eventually } from '../support/pixelgate.ts'
import { type NatsNode, natsCluster, noNats } from './nats.ts'
import { settingsOf, UpstreamRig, Watcher } from './upstream-rig.ts'

const board = boardId('10101010-1010-1010-1010-101010101010')
const local = `pixelgate/${gw}`
const own = `sites/attic/pixelgate/${gw}`

t.setTimeout(800_000)

/** The cluster takes MQTT clients only once its streams have leaders. */
const ready = (node: NatsNode): Promise<unknown> =>
  eventually(async () => {
    try {
      const client = await connectAsync(node.url, { reconnectPeriod: 0, connectTimeout: 3000, clean: true })
      await client.endAsync(true)
      return true
    } catch {
      await new Promise(resolve => setTimeout(resolve, 200))
      return false
    }
  }, 'the cluster')

let started: Promise<readonly NatsNode[]> | undefined

/** One for all tests: it takes a while to come up. */
function cluster(): Promise<readonly NatsNode[]> {
  started ??= natsCluster(t).then(async nodes => {
    for (const node of nodes) await ready(node)
    return nodes
  })
  return started
}

const watch = (t: Test, node: NatsNode, clientId: string) =>
  Watcher.on(t, node.url, 'sites/attic/#', { protocolVersion: 4, clean: false, clientId })

t.test(
  'over the death of the node that leads the stream nothing is missing, and each topic is in order',
  { skip: noNats },
  async t => {
    const nodes = await cluster()
    const [first] = nodes
    if (first === undefined) return
    const leader = await eventually(() => first.leader(), 'a leader')
    const leading = nodes.find(({ name }) => name === leader) ?? first
    const others = nodes.filter(node => node !== leading)
    const [calm] = others
    if (calm === undefined) return
    const watcher = await watch(t, calm, 'ledger')
    const up = await UpstreamRig.start(t, [
      settingsOf({
        url: leading.url,
        otherUrls: others.map(({ url }) => url),
        site: 'attic',
        commands: true,
      }),
    ])
    await up.online()
    t.equal(up.view.protocol, '3.1.1', 'MQTT 5 is not spoken there')
    const { client } = await up.rig.connect({
      ...(await up.rig.user('shelf', { boardId: board })),
      clientId: board,
    })
    const acknowledged: string[] = []
    let count = 0
    const publish = async (messages: number) => {
      for (let i = 0; i < messages; i++) {
        const number = ++count
        const topic = `telemetry/${number % 7}`
        await client.publishAsync(`${local}/${board}/${topic}`, String(number), { qos: 1 })
        acknowledged.push(`${own}/${board}/${topic} ${number}`)
      }
    }
    await publish(300)
    const publishing = publish(600)
    await leading.kill()
    await publishing
    await publish(100)
    // The nodes that are left let nobody in before they have chosen a leader.
    await up.online(60_000)
    await up.drained(60_000)
    const heard = () => new Set(watcher.heard.map(({ topic, text }) => `${topic} ${text}`))
    const missing = () => acknowledged.filter(each => !heard().has(each))
    await until(
      () => missing().length === 0,
      () => `missing: ${missing().slice(0, 5)}`,
      30_000,
    )
    t.equal(acknowledged.length, 1000)
    for (let topic = 0; topic < 7; topic++) {
      const numbers = watcher.texts(`${own}/${board}/telemetry/${topic}`).map(Number)
      const firsts = numbers.filter((number, at) => numbers.indexOf(number) === at)
      t.same(
        firsts,
        [...firsts].sort((a, b) => a - b),
      )
    }
    t.comment(`${watcher.heard.length} arrived, ${watcher.heard.length - heard().size} of them again`)

    const met = await up.rig.board(7)
    const topic = `${own}/${met.id}/cmd/brightness`
    await watcher.client.publishAsync(topic, '{"level":40,"correlationId":"1"}', { qos: 1 })
    await watcher.hears(`${topic}/result`, /"correlationId":"1".*"ok":true/)
  },
)

t.test('a topic that the engine cannot take keeps nothing else back', { skip: noNats }, async t => {
  const first = (await cluster()).find(node => node.runs)
  if (first === undefined) return
  const watcher = await watch(t, first, 'ledger')
  for (const escapeTopics of [false, true]) {
    const up = await UpstreamRig.start(t, [
      settingsOf({ url: first.url, site: 'attic', protocol: 4, escapeTopics }),
    ])
    await up.online()
    const { client } = await up.rig.connect({
      ...(await up.rig.user('shelf', { boardId: board })),
      clientId: board,
    })
    const say = (name: string) =>
      client.publishAsync(`${local}/${board}/telemetry/${name}`, `${escapeTopics}`, { qos: 1 })
    await Promise.all(['a', 'volt.dc', 'b', 'room one', 'c'].map(say))
    for (const name of ['a', 'b', 'c'])
      await watcher.hears(`${own}/${board}/telemetry/${name}`, `${escapeTopics}`)
    if (escapeTopics) {
      await watcher.hears(`${own}/${board}/telemetry/volt%2Edc`, 'true')
      await watcher.hears(`${own}/${board}/telemetry/room%20one`, 'true')
      await up.drained()
      t.same(up.view.setAside, [])
    } else {
      await until(
        () => up.view.setAside.length === 2,
        () => JSON.stringify(up.view),
        60_000,
      )
      // What is for them is kept.
      await until(
        () => up.view.outbox.rows === 2,
        () => JSON.stringify(up.view),
      )
      await say('d')
      await watcher.hears(`${own}/${board}/telemetry/d`, 'false')
      t.equal(up.view.state, 'online')
    }
    await up.rig.broker.stop()
  }
})
