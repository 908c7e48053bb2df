import t from 'tap'
import type { BrokerMessage, BrokerPart, BrokerPort, ClientEvent } from '../../src/broker/broker-port.ts'
import { BrokerRig, gw, until } from './broker-rig.ts'

class Ear implements BrokerPart {
  readonly heard: BrokerMessage[] = []
  readonly clients: ClientEvent[] = []
  readonly asked: string[] = []
  answer: Promise<void> = Promise.resolve()
  port: BrokerPort | undefined
  stopped = 0

  async start(port: BrokerPort): Promise<void> {
    this.port = port
    port.onMessage(`pixelgate/${gw}/#`, message => this.heard.push(message))
    port.onClient(event => this.clients.push(event))
    port.beforeAcknowledged(`pixelgate/${gw}/+/telemetry/#`, message => {
      this.asked.push(message.topic)
      return this.answer
    })
  }

  async stop(): Promise<void> {
    this.stopped++
  }
}

const board = '10101010-1010-1010-1010-101010101010'
const topic = `pixelgate/${gw}/${board}/telemetry/volt`

t.test(
  'a part of the gateway hears messages and clients, and an acknowledgement waits for its promise',
  async t => {
    const ear = new Ear()
    const rig = await BrokerRig.start(t, { parts: [ear] })
    const { client } = await rig.connect({
      ...(await rig.user('shelf', { boardId: board })),
      clientId: board,
    })
    await until(() => ear.clients.length === 1, 'the client')
    t.match(ear.clients, [
      {
        type: 'connected',
        who: { name: 'shelf', boardId: board },
        clientId: `shelf/${board}`,
        address: '127.0.0.1',
      },
    ])
    let promise: () => void = () => undefined
    ear.answer = new Promise(resolve => {
      promise = resolve
    })
    let acknowledged = false
    const publishing = client.publishAsync(topic, '5.1', { qos: 1 }).then(() => {
      acknowledged = true
    })
    await until(() => ear.asked.length === 1, 'the question')
    await client.publishAsync(topic, '5.2', { qos: 0 })
    await until(() => ear.heard.some(({ payload }) => payload.toString() === '5.2'), 'the second message')
    t.notOk(acknowledged, 'the first one still waits')
    t.notOk(ear.heard.some(({ payload }) => payload.toString() === '5.1'))
    promise()
    await publishing
    await until(() => ear.heard.some(({ payload }) => payload.toString() === '5.1'), 'the first message')
    t.match(
      ear.heard
        .filter(heard => heard.topic === topic)
        .map(({ who, payload }) => [who?.name, payload.toString()]),
      [
        ['shelf', '5.2'],
        ['shelf', '5.1'],
      ],
    )
    t.equal(ear.asked.length, 1, 'a message with QoS 0 has no acknowledgement')
    await ear.port?.publisher.send(`pixelgate/${gw}/hello`, 'from within')
    t.match(ear.heard.at(-1), { who: undefined, clientId: undefined, topic: `pixelgate/${gw}/hello`, qos: 1 })
    await client.endAsync()
    await until(() => ear.clients.length === 2, 'the end')
    t.match(ear.clients[1], { type: 'left', who: { name: 'shelf' } })
    await rig.broker.stop()
    t.equal(ear.stopped, 1)
  },
)

t.test('a promise that is not given cuts the client off, so that it sends the message again', async t => {
  const ear = new Ear()
  const rig = await BrokerRig.start(t, { parts: [ear] })
  const { client } = await rig.connect({ ...(await rig.user('shelf', { boardId: board })), clientId: board })
  ear.answer = Promise.reject(new Error('the disk is full'))
  ear.answer.catch(() => undefined)
  client.publish(topic, '5.1', { qos: 1 })
  await until(() => ear.clients.some(({ type }) => type === 'left'), 'the end of the connection')
  t.notOk(ear.heard.some(heard => heard.topic === topic))
})
