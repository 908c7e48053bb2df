/** `--messages N` behind the file's name: more, at night. */
import t from 'tap'
import { BrokerChild, boardTopic } from './broker-child.ts'
import { gw } from './broker-rig.ts'

const at = process.argv.indexOf('--messages')
const total = at < 0 ? 100_000 : Number(process.argv[at + 1])
const timeout = 60_000 + total
const mebibyte = 1024 * 1024
/** Of the process, over what it has with 2,000 messages that wait. A short run has more of the compiler's in it. */
const mostBytes = (total >= 1_000_000 ? 20 : 32) * mebibyte

t.setTimeout(timeout)
t.test(`${total} offline messages stay within the quota of their user`, { timeout }, async t => {
  const broker = await BrokerChild.open(t.testdir())
  t.teardown(() => broker.kill())
  const desk = await broker.connect('desk')
  await desk.subscribeAsync(boardTopic(gw), { qos: 1 })
  await desk.endAsync()
  const shelf = await broker.connect('shelf', { clean: true })
  t.teardown(() => shelf.endAsync(true))
  let next = 0
  const send = async (last: number) => {
    while (next < last) await shelf.publishAsync(boardTopic(gw), String(++next), { qos: 1 })
  }
  const sendAll = (last: number) => Promise.all(Array.from({ length: 500 }, () => send(last)))
  await sendAll(2000)
  const before = await broker.stats()
  await sendAll(total)
  const { rssBytes, queuedMessages, queuedBytes, droppedMessages } = await broker.stats()
  t.ok(queuedBytes <= 12 * mebibyte, `${queuedBytes} bytes`)
  t.equal(queuedMessages + droppedMessages, total, 'every one is kept or counted')
  t.ok(queuedMessages > 15_000, `${queuedMessages} messages`)
  const grown = rssBytes - before.rssBytes
  const words = `${Math.round(grown / mebibyte)} MiB more than the ${Math.round(before.rssBytes / mebibyte)} before`
  t.comment(`${words}; ${queuedMessages} wait, ${droppedMessages} were dropped`)
  t.ok(grown < mostBytes, words)
})
