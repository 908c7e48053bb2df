import t, { type Test } from 'tap'
import { Upstreams } from '../../src/broker/upstream/upstreams.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { OutboxThread } from '../../src/store/outbox/outbox-thread.ts'
import { BrokerRig, gw, until } from '../broker/broker-rig.ts'
import { FakeAbove } from './fake-above.ts'
import { databaseOf, noUploads, settingsOf } from './upstream-rig.ts'

const board = '10101010-1010-1010-1010-101010101010'
const topic = `pixelgate/${gw}/${board}/telemetry/volt`

/** A gateway with one broker above and a client; `behind` is run at a stop when the outbox is closed and clients are still there. */
async function stopping(t: Test, behind: (say: (text: string) => Promise<unknown>) => Promise<void>) {
  const above = new FakeAbove(systemClock)
  const databasePath = await databaseOf(t)
  const upstreams = new Upstreams({
    ...{ settings: [settingsOf({ url: 'mqtt://above' })], gatewayId: gw, core: noUploads },
    ...{ clock: systemClock, log: silentLog, databasePath, open: above.open },
  })
  const part = {
    start: upstreams.start.bind(upstreams),
    stop: async () => {
      await upstreams.stop()
      await behind(say)
    },
  }
  const rig = await BrokerRig.start(t, { parts: [part] })
  await until(() => upstreams.view()[0]?.state === 'online', 'the connection')
  const { client } = await rig.connect({
    ...(await rig.user('shelf', { boardId: board })),
    clientId: board,
  })
  const say = (text: string) => client.publishAsync(topic, text, { qos: 1 })
  /** What the outbox holds after the stop. */
  const kept = async () => {
    await upstreams.close()
    const thread = await OutboxThread.open(databasePath)
    const { rows } = await thread.call('read', 'above', 0, 100, 1e6)
    await thread.close()
    return rows.map(({ payload }) => Buffer.from(payload).toString())
  }
  return { above, rig, client, say, kept }
}

t.test('what is acknowledged while the gateway says goodbye above is in the outbox', async t => {
  const { above, rig, say, kept } = await stopping(t, async () => undefined)
  await say('before')
  await until(() => above.texts(topic).length === 1, 'it above')
  above.answer = ({ payload }, done) => {
    if (Buffer.from(payload).toString() !== 'offline') done({ is: 'arrived' })
    else void say('behind the last word').then(() => done({ is: 'arrived' }))
  }
  above.onClose = async () => void (await say('behind the connection'))
  await rig.broker.stop()
  t.same(above.texts(topic), ['before'], 'nothing goes up behind the last word')
  t.equal(above.texts(`pixelgate/${gw}/status`).at(-1), 'offline')
  t.same(await kept(), ['behind the last word', 'behind the connection'])
})

t.test('what can no longer be put into the outbox is not acknowledged', async t => {
  let acknowledged: boolean | undefined
  const { rig, client, kept } = await stopping(t, async say => {
    const gone = new Promise<false>(resolve => client.once('close', () => resolve(false)))
    acknowledged = await Promise.race([
      say('too late').then(
        () => true,
        () => false,
      ),
      gone,
    ])
  })
  await rig.broker.stop()
  t.equal(acknowledged, false)
  t.same(await kept(), [])
})
