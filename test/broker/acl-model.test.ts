import { parseArgs } from 'node:util'
import t from 'tap'
import { boardId } from '../../src/kernel/ids.ts'
import { AclCampaign } from './acl-campaign.ts'
import { own, serialTopic, served } from './acl-reference.ts'
import { BrokerRig, until } from './broker-rig.ts'

const { values } = parseArgs({
  options: { operations: { type: 'string' }, seed: { type: 'string' } },
  strict: false,
})
/** What is remembered of a broker is in memory: for a million of them there is `npm run acl:nightly`. */
const operations = Number(values.operations ?? 20_500)
const seed = Number(values.seed ?? 20_240_117)
/** A slow machine does some 170 operations a second. */
const timeout = 120_000 + operations * 6
t.setTimeout(timeout)

t.test('whatever happens on a live broker, nobody hears or says what is not theirs', { timeout }, async t => {
  const rig = await BrokerRig.start(t, {
    limits: { maxMessagesPerSecond: 100_000, maxRefusalsPerMinute: 100_000_000 },
    serialTopics: [serialTopic],
  })
  rig.core.bus.emit('board.down', { boardId: boardId(served), error: undefined })
  const made = new AclCampaign(rig)
  await made.run(operations, seed)
  const { delivered, replayed, revocations, leaks } = made
  t.same(leaks.slice(0, 5), [], `seed ${seed}`)
  t.equal(made.operations, operations)
  t.ok(delivered > operations / 4, `${delivered} messages were delivered`)
  t.ok(replayed > operations / 5000, `${replayed} had waited for their reader`)
  t.ok(revocations > operations / 200, `${revocations} credentials were changed`)
  const watcher = await rig.connect()
  await watcher.client.subscribeAsync(`${own}/#`)
  await watcher.hears(`${own}/status`, 'online')
  t.notOk(
    watcher.heard.some(({ topic, retain }) => retain && /\/(cmd|tx|frames|light\/set)(\/|$)/.test(topic)),
    'nothing that asks for something was kept',
  )
  t.same(
    rig.lines.filter(({ level }) => level === 'error'),
    [],
  )
  await until(() => rig.broker.stats().commandsRunning === 0, 'the commands to end')
  t.comment(
    `${operations} operations, seed ${seed}: ${delivered} deliveries, ${replayed} of them late, ${revocations} revocations, ${leaks.length} leaks`,
  )
})
