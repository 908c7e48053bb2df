import t from 'tap'
import type { BrokerPart, BrokerPort } from '../../src/broker/broker-port.ts'
import { BrokerRig, gw } from './broker-rig.ts'

const own = `pixelgate/${gw}`

t.test('messages that overtake each other within the broker all arrive, each of them once', async t => {
  let port: BrokerPort | undefined
  const inside: BrokerPart = {
    start: async given => {
      port = given
    },
    stop: async () => undefined,
  }
  const rig = await BrokerRig.start(t, { parts: [inside] })
  const ear = await rig.connect()
  await ear.client.subscribeAsync({
    [`${own}/#`]: { qos: 1 },
    [`${own}/+/state`]: { qos: 0 },
    [`${own}/a/state`]: { qos: 2 },
  })
  await ear.hears(`${own}/status`)
  ear.heard.length = 0
  const rounds = Array.from({ length: 50 }, (_, i) => String(i))
  for (const round of rounds) {
    void port?.publisher.retain(`${own}/a/state`, round)
    void port?.publisher.send(`${own}/a/event`, round)
  }
  await port?.publisher.send(`${own}/end`, '')
  await ear.hears(`${own}/a/event`, '49')
  await ear.hears(`${own}/a/state`, '49')
  await ear.hears(`${own}/end`)
  t.same(ear.on(`${own}/a/event`), rounds)
  t.same(ear.on(`${own}/a/state`), rounds)
  t.notOk(ear.heard.some(({ retain }) => retain))
})

t.test('a filter that is subscribed to again brings what is retained again', async t => {
  const rig = await BrokerRig.start(t)
  const ear = await rig.connect()
  for (const round of [1, 2]) {
    ear.heard.length = 0
    await ear.client.subscribeAsync(`${own}/status`, { qos: 1 })
    await ear.hears(`${own}/status`, 'online')
    t.equal(ear.on(`${own}/status`).length, 1, `round ${round}`)
  }
})
