import t from 'tap'
import { BrokerRig, publishPacket, until } from './broker-rig.ts'
import { isDup, Peer, types } from './conformance-peer.ts'

const keep = { clientId: 'k', clean: false }
const isPresent = (peer: Peer): boolean => peer.received[0]?.body[0] === 1

t.test('a session without filters is there too: its QoS 2 identifiers last [MQTT-3.2.2-2]', async t => {
  const rig = await BrokerRig.start(t)
  const connect = (options: object) => Peer.connect(t, rig, options)
  const listener = await connect({ clientId: 'listener' })
  await listener.subscribe(['a', 0])
  const first = await connect(keep)
  t.notOk(isPresent(first), 'there is none yet [MQTT-3.2.2-3]')
  first.send(publishPacket('a', 'one', { qos: 2, id: 1 }))
  await first.next(types.pubrec)
  first.cut()
  await until(() => rig.broker.stats().clients === 1, 'its end')
  const second = await connect(keep)
  t.ok(isPresent(second))
  second.acknowledge(types.pubrel, 1)
  await second.next(types.pubcomp)
  await second.publish('a', 'two', { qos: 2, id: 1 })
  await until(() => listener.publishes.length === 2, 'both')
  t.same(
    listener.publishes.map(({ payload }) => payload),
    ['one', 'two'],
  )
  await second.leave()
  const clean = await connect({ clientId: 'k' })
  t.notOk(isPresent(clean), 'a clean one is new [MQTT-3.2.2-1]')
  await clean.leave()
  t.notOk(isPresent(await connect(keep)), 'and leaves nothing')
})

t.test('what was on its way when its filter was given up comes again in a session that is there', async t => {
  const rig = await BrokerRig.start(t)
  const sender = await Peer.connect(t, rig, { clientId: 'sender' })
  const first = await Peer.connect(t, rig, keep)
  await first.subscribe(['a', 1])
  await sender.publish('a', 'x', { qos: 1 })
  const { id } = await first.next(types.publish)
  await first.unsubscribe('a')
  await first.leave()
  const second = await Peer.connect(t, rig, keep)
  t.ok(isPresent(second), 'MQTT-3.2.2-2')
  const again = await second.next(types.publish)
  t.ok(isDup(again))
  t.equal(again.id, id)
})
