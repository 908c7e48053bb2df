/** `--seconds N` behind the file's name: how long the line is cut. At night minutes. */
import t from 'tap'
import { gw, until } from '../broker/broker-rig.ts'
import { Line, Mosquitto, noMosquitto } from './mosquitto.ts'
import { settingsOf, UpstreamRig, Watcher } from './upstream-rig.ts'

const at = process.argv.indexOf('--seconds')
/** Longer than a broker above may say nothing before it is left. */
const seconds = at < 0 ? 25 : Number(process.argv[at + 1])
const everyMs = 50
const timeout = 120_000 + 2 * seconds * 1000

const board = '10101010-1010-1010-1010-101010101010'
const local = `pixelgate/${gw}/${board}/telemetry`
const above = `sites/attic/${local}`

t.setTimeout(timeout)
t.test(
  `a line that is cut for ${seconds} s without a word costs nothing, and what is said meanwhile comes in order`,
  { skip: noMosquitto, timeout },
  async t => {
    const broker = await Mosquitto.start(t)
    const line = await Line.to(t, broker.port)
    const watcher = await Watcher.on(t, broker.url)
    const up = await UpstreamRig.start(t, [settingsOf({ url: line.url, site: 'attic' })])
    await up.online()
    const shelf = await up.rig.connect({
      ...(await up.rig.user('shelf', { boardId: board })),
      clientId: board,
    })
    let count = 0
    const publish = async () => {
      const number = ++count
      await shelf.client.publishAsync(`${local}/${number % 5}`, String(number), { qos: 1 })
    }
    for (let i = 0; i < 50; i++) await publish()
    line.darken()
    const states = new Set<string>()
    const endMs = performance.now() + seconds * 1000
    while (performance.now() < endMs) {
      await publish()
      states.add(up.view.state)
      await new Promise(resolve => setTimeout(resolve, everyMs))
    }
    t.ok(states.size > 1, `the silence was noticed: ${[...states].join(', ')}`)
    t.not(up.view.state, 'online')
    t.ok(up.view.outbox.rows + up.view.outbox.unwritten > seconds, 'what was said waits')
    const mendedMs = performance.now()
    line.mend()
    await until(
      () => up.view.state === 'online',
      () => `the connection: ${JSON.stringify(up.view)}`,
      70_000,
    )
    t.comment(`back after ${Math.round(performance.now() - mendedMs)} ms; ${count} messages`)
    await publish()
    await up.drained(60_000)
    for (const part of [0, 1, 2, 3, 4]) {
      await watcher.hears(`${above}/${part}`, String(count - ((count - part) % 5)))
      const numbers = watcher.texts(`${above}/${part}`).map(Number)
      const firsts = numbers.filter((number, i) => numbers.indexOf(number) === i)
      const due = Array.from({ length: count }, (_, i) => i + 1).filter(number => number % 5 === part)
      t.same(firsts, due, `all ${due.length} of a topic, in order`)
    }
    t.match(up.view.dropped, { space: 0, age: 0 })
  },
)
