import t from 'tap'
import type { BrokerPart } from '../../src/broker/broker-port.ts'
import {
  BrokerRig,
  connectPacket,
  publishPacket,
  RawClient,
  subscribePacket,
  until,
  welcome,
} from './broker-rig.ts'

async function enter(rig: BrokerRig, clientId: string): Promise<RawClient> {
  const raw = await RawClient.open(rig.t, rig.openPort)
  raw.send(connectPacket(clientId))
  await raw.gets(welcome)
  return raw
}

t.test(
  'a client that comes while the one before it breaks off gives way to the next [MQTT-3.1.4-2]',
  async t => {
    const rig = await BrokerRig.start(t)
    const sender = await enter(rig, 'sender')
    for (let i = 0; i < 12; i++) {
      const first = await enter(rig, `d${i}`)
      // What it wants takes a turn to be forgotten.
      first.send(subscribePacket(1, ['x', 0]))
      await first.gets('9003 0001 00')
      const second = await RawClient.open(t, rig.openPort)
      await until(() => rig.broker.stats().connections === 3, 'its socket')
      // Now the broker finds CONNECT and the reset in one turn, now in two.
      for (let turn = 0; turn < i % 4; turn++) await new Promise(setImmediate)
      second.send(connectPacket(`d${i}`))
      first.socket.resetAndDestroy()
      await second.gets(welcome)
      const third = await enter(rig, `d${i}`)
      await second.ends()
      third.send(subscribePacket(1, ['x', 0]))
      await third.gets('9003 0001 00')
      sender.send(publishPacket('x', 'one'))
      await third.gets(publishPacket('x', 'one').toString('hex'))
      third.send('e000')
      await third.ends()
      await until(() => rig.broker.stats().connections === 1, 'the sender alone')
    }
  },
)

t.test('a client is told as gone if it was told as connected, and never the other way round', async t => {
  const events: string[] = []
  const part: BrokerPart = {
    start: async port =>
      void port.onClient(({ type, clientId }) => {
        events.push(`${type} ${clientId.split('/').at(-1)}`)
      }),
    stop: async () => undefined,
  }
  const rig = await BrokerRig.start(t, { parts: [part] })
  for (let i = 0; i < 300; i++) {
    const raw = await RawClient.open(t, rig.openPort)
    raw.send(connectPacket(`d${i}`))
    for (let turn = 0; turn < i % 12; turn++) await new Promise(setImmediate)
    raw.socket.resetAndDestroy()
  }
  await until(() => rig.broker.stats().connections === 0, 'all to be gone')
  const last = await enter(rig, 'last')
  await until(() => events.includes('connected last'), 'the last one')
  for (let i = 0; i < 300; i++) {
    const told = events.filter(each => each.endsWith(` d${i}`))
    const both = [`connected d${i}`, `left d${i}`]
    t.same(told, told.length === 0 ? [] : both, `client ${i}`)
  }
  last.send('e000')
  await until(() => events.includes('left last'), 'its end')
})

t.test('a client that is taken over by one that is not let in is told as gone', async t => {
  const events: string[] = []
  const part: BrokerPart = {
    start: async port =>
      void port.onClient(({ type, clientId }) => {
        events.push(`${type} ${clientId.split('/').at(-1)}`)
      }),
    stop: async () => undefined,
  }
  const rig = await BrokerRig.start(t, { parts: [part] })
  for (let i = 0; i < 60; i++) {
    const first = await enter(rig, `d${i}`)
    const second = await RawClient.open(t, rig.openPort)
    second.send(connectPacket(`d${i}`))
    for (let turn = 0; turn < i % 12; turn++) await new Promise(setImmediate)
    second.socket.resetAndDestroy()
    await until(() => second.closed, 'its end')
    first.socket.destroy()
  }
  await until(() => rig.broker.stats().connections === 0, 'all to be gone')
  await enter(rig, 'last')
  await until(() => events.includes('connected last'), 'the last one')
  const now = new Map(events.map(each => each.split(' ').reverse() as [string, string]))
  t.same(
    [...now].filter(([, type]) => type === 'connected').map(([clientId]) => clientId),
    ['last'],
  )
})
