import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { boardId } from '../../src/kernel/ids.ts'
import { gw, until } from '../broker/broker-rig.ts'
import { noise } from '../upload/upload-rig.ts'
import { Line, Mosquitto, noMosquitto } from './mosquitto.ts'
import { settingsOf, UpstreamRig, Watcher } from './upstream-rig.ts'

const board = boardId('10101010-1010-1010-1010-101010101010')
const local = `pixelgate/${gw}`
const own = `sites/attic/pixelgate/${gw}`

t.test('what happens here is heard above under the topics of the site', { skip: noMosquitto }, async t => {
  for (const protocol of [5, 4] as const) {
    const above = await Mosquitto.start(t)
    const watcher = await Watcher.on(t, above.url)
    const { rig } = await UpstreamRig.start(t, [settingsOf({ url: above.url, site: 'attic', protocol })])
    await watcher.hears(`${own}/status`, 'online')
    await watcher.hears(`${own}/info`, /1\.2\.3/)
    const { client } = await rig.connect({
      ...(await rig.user('shelf', { boardId: board })),
      clientId: board,
      will: {
        topic: `${local}/${board}/availability`,
        payload: Buffer.from('offline'),
        qos: 1,
        retain: true,
      },
    })
    await client.publishAsync(`${local}/${board}/telemetry/volt`, '5.1', { qos: 2 })
    await client.publishAsync(`${local}/${board}/telemetry/amp`, '0.4', { qos: 0 })
    await client.publishAsync(`${local}/${board}/state`, '{"mode":"playing"}', { qos: 1, retain: true })
    await watcher.hears(`${own}/${board}/telemetry/volt`, '5.1')
    await watcher.hears(`${own}/${board}/telemetry/amp`, '0.4')
    await watcher.hears(`${own}/${board}/state`, /playing/)
    client.stream.destroy()
    await watcher.hears(`${own}/${board}/availability`, 'offline')
    await rig.broker.stop()
    await watcher.hears(`${own}/status`, 'offline')
    t.equal(watcher.texts(`${own}/${board}/telemetry/volt`).length, 1)
    const late = await Watcher.on(t, above.url, `${own}/${board}/state`)
    await late.hears(`${own}/${board}/state`, /playing/)
    t.ok(late.heard[0]?.retain, 'what is retained here is retained there')
    const names = watcher.heard.flatMap(({ id }) => (id === undefined ? [] : [id]))
    if (protocol === 5) {
      t.equal(new Set(names).size, names.length, 'every message has a name of its own')
      t.ok(names.length > 3 && names.every(name => /^0badcafe:[0-9a-f]{12}:v?\d+$/.test(name)))
    } else t.same(names, [])
  }
})

t.test(
  'an upload that has ended leaves nothing above that nobody would clear',
  { skip: noMosquitto },
  async t => {
    const above = await Mosquitto.start(t)
    const watcher = await Watcher.on(t, above.url)
    const { rig } = await UpstreamRig.start(t, [settingsOf({ url: above.url })])
    const { id } = await rig.board(1)
    const { pattern } = await rig.core.uploads.addFile(noise(500), 'x.bin', true)
    const { jobs } = await rig.core.uploads.submit(pattern, [id], { fileName: 'x.bin', raw: true })
    const topic = `${local}/${id}/upload/${jobs[0]?.id}/status`
    await watcher.hears(topic, /"state":"done"/)
    await rig.broker.stop()
    await watcher.hears(`${local}/status`, 'offline')
    const late = await Watcher.on(t, above.url, `${local}/#`)
    await late.hears(`${local}/status`, 'offline')
    await late.hears(`${local}/${id}/info`)
    t.same(late.texts(topic), [])
  },
)

t.test('a gateway that is gone without a word is told to be offline', { skip: noMosquitto }, async t => {
  const above = await Mosquitto.start(t)
  const line = await Line.to(t, above.port)
  const watcher = await Watcher.on(t, above.url)
  await UpstreamRig.start(t, [settingsOf({ url: line.url })])
  await watcher.hears(`${local}/status`, 'online')
  line.reset()
  await watcher.hears(`${local}/status`, 'offline')
  await until(() => watcher.texts(`${local}/status`).at(-1) === 'online', 'the next connection')
})

t.test(
  'over cuts, darkness and deaths of the broker above everything arrives, in the order of each topic',
  { skip: noMosquitto },
  async t => {
    const above = await Mosquitto.start(t)
    const line = await Line.to(t, above.port)
    // Home of what arrives: it must outlast the deaths of the broker above.
    let watcher = await Watcher.on(t, above.url)
    const watchers = [watcher]
    const up = await UpstreamRig.start(t, [settingsOf({ url: line.url, site: 'attic' })])
    await up.online()
    const { client } = await up.rig.connect({ ...(await up.rig.user('desk', 'control')) })
    const shelf = await up.rig.connect({
      ...(await up.rig.user('shelf', { boardId: board })),
      clientId: board,
    })
    t.ok(client.connected)
    const topics = ['a', 'b', 'c', 'd', 'e'].map(name => `${local}/${board}/telemetry/${name}`)
    let count = 0
    const acknowledged: number[] = []
    const publish = async (messages: number) => {
      for (let i = 0; i < messages; i++) {
        const number = ++count
        const topic = topics[number % topics.length] ?? ''
        await shelf.client.publishAsync(topic, String(number), { qos: 1 })
        acknowledged.push(number)
      }
    }
    await publish(50)
    line.reset()
    await publish(50)
    line.darken()
    await publish(50)
    line.mend()
    await publish(50)
    await up.drained()
    await above.kill()
    await publish(50)
    t.ok(up.view.outbox.rows + up.view.outbox.unwritten > 0, 'they wait')
    t.match(up.view.fault, /broker|listens|ended/)
    await above.start()
    watcher = await Watcher.on(t, above.url)
    watchers.push(watcher)
    await up.drained()
    const heard = new Set<number>()
    for (const topic of topics) {
      const numbers = watchers.flatMap(each =>
        each.texts(topic.replace('pixelgate', 'sites/attic/pixelgate')).map(Number),
      )
      for (const number of numbers) heard.add(number)
    }
    // The last fifty may come before the watcher is back; the outbox saw their acknowledgement.
    const missing = acknowledged.filter(number => number <= 200 && !heard.has(number))
    t.same(missing, [])
    for (const topic of topics) {
      const numbers =
        watchers[0]?.texts(topic.replace('pixelgate', 'sites/attic/pixelgate')).map(Number) ?? []
      const firsts = numbers.filter((number, at) => numbers.indexOf(number) === at)
      t.same(
        firsts,
        [...firsts].sort((a, b) => a - b),
        'in order',
      )
      t.same(
        numbers,
        [...numbers].sort((a, b) => a - b),
        'even what came twice',
      )
    }
    t.equal(up.view.state, 'online')
  },
)

t.test(
  'commands come down with the rights of control and are answered above',
  { skip: noMosquitto },
  async t => {
    for (const protocol of [5, 4] as const) {
      const above = await Mosquitto.start(t)
      const watcher = await Watcher.on(t, above.url)
      const up = await UpstreamRig.start(t, [
        settingsOf({ url: above.url, site: 'attic', protocol, commands: true, in: ['room/#'] }),
      ])
      await up.online()
      const met = await up.rig.board(7)
      const { client } = watcher
      const topic = `${own}/${met.id}/cmd/brightness`
      await client.publishAsync(topic, '{"level":40,"correlationId":"1"}', { qos: 1 })
      await watcher.hears(`${topic}/result`, /"correlationId":"1".*"ok":true/)
      await client.publishAsync(topic, '{"level":41,"correlationId":"2"}', { qos: 1, retain: true })
      if (protocol === 5) await watcher.hears(`${topic}/result`, /"correlationId":"2".*"ok":false.*retained/)
      await client.publishAsync(`${own}/cmd/brightness`, '{"level":42,"correlationId":"3","boards":"all"}', {
        qos: 1,
      })
      await watcher.hears(`${own}/cmd/brightness/result`, /"correlationId":"3".*"ok":true/)
      // The same name twice: it works once.
      const properties = { userProperties: { 'pixelgate-id': 'other:1:1' } }
      if (protocol === 5) {
        const again = { qos: 1 as const, properties }
        await client.publishAsync(topic, '{"level":43,"correlationId":"4"}', again)
        await client.publishAsync(topic, '{"level":43,"correlationId":"4"}', again)
        await until(() => up.view.duplicates === 1, 'the duplicate')
      }
      const ear = await up.rig.connect(await up.rig.user('desk', 'control'))
      await ear.client.subscribeAsync('#', { qos: 1 })
      // What is not asked for stays above, and what the gateway says itself nobody else says.
      await client.publishAsync(`${own}/${met.id}/state`, '{"mode":"lies"}', { qos: 1, retain: true })
      await client.publishAsync(`${own}/status`, 'lies', { qos: 1 })
      await client.publishAsync(`${own}/${met.id}/cmd/next`, '{"correlationId":"5"}', { qos: 1 })
      await watcher.hears(`${own}/${met.id}/cmd/next/result`, /"correlationId":"5"/)
      t.notOk(ear.heard.some(({ text }) => text.includes('lies')))
      t.equal(watcher.texts(topic).length, protocol === 5 ? 4 : 2, 'no command goes up again')
      await up.drained()
    }
  },
)

t.test('without commands nobody above commands anything', { skip: noMosquitto }, async t => {
  const above = await Mosquitto.start(t)
  const watcher = await Watcher.on(t, above.url)
  const up = await UpstreamRig.start(t, [
    settingsOf({ url: above.url, in: ['room/+/set'], out: [`${local}/#`, 'room/+/state'] }),
  ])
  await up.online()
  const heard: string[] = []
  const ear = await up.rig.connect()
  await ear.client.subscribeAsync('#', { qos: 1 })
  ear.client.on('message', topic => heard.push(topic))
  await watcher.client.publishAsync(`${local}/cmd/stop`, '{"boards":"all","correlationId":"1"}', { qos: 1 })
  await watcher.client.publishAsync('room/1/set', 'on', { qos: 1 })
  await until(() => up.view.received === 1, 'the message that is let in')
  t.equal(watcher.texts('room/1/set').length, 1, 'it does not go round')
  t.same(watcher.texts(`${local}/cmd/stop/result`), [])
  t.notOk(heard.some(topic => topic.includes('/cmd/')))
})

t.test('at a reconnect what is comes before what was', { skip: noMosquitto }, async t => {
  const above = await Mosquitto.start(t)
  const up = await UpstreamRig.start(t, [settingsOf({ url: above.url })])
  await up.online()
  await up.drained()
  await above.kill()
  const shelf = await up.rig.connect({ ...(await up.rig.user('shelf', { boardId: board })), clientId: board })
  const publish = (name: string, text: string, retain: boolean) =>
    shelf.client.publishAsync(`${local}/${board}/${name}`, text, { qos: 1, retain })
  await publish('telemetry/volt', '1', false)
  for (let i = 0; i < 20; i++) await publish('state', `{"mode":"${i}"}`, true)
  await publish('telemetry/volt', '2', false)
  await above.start()
  const watcher = await Watcher.on(t, above.url)
  await watcher.hears(`${local}/${board}/telemetry/volt`, '2')
  await up.drained()
  const states = watcher.texts(`${local}/${board}/state`)
  t.same(states, ['{"mode":"19"}'], 'only the last value, once')
  const at = (topic: string) => watcher.heard.findIndex(each => each.topic === topic)
  t.ok(at(`${local}/${board}/state`) < at(`${local}/${board}/telemetry/volt`))
})

t.test(
  'TLS, passwords and access lists: what is wrong is said, and nothing is lost meanwhile',
  { skip: noMosquitto },
  async t => {
    const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
    const above = await Mosquitto.start(t, async (folder, port) => {
      const at = (name: string) => join(folder, name)
      for (const name of ['ca', 'wrong'])
        openssl(
          ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
          ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`), '-subj', `/CN=${name}`],
        )
      openssl(
        ...[
          'req',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-nodes',
          '-subj',
          '/CN=localhost',
        ],
        ...['-keyout', at('server.key'), '-out', at('server.csr')],
      )
      await writeFile(at('names'), 'subjectAltName=DNS:localhost\n')
      openssl(
        ...[
          'x509',
          '-req',
          '-in',
          at('server.csr'),
          '-CA',
          at('ca.pem'),
          '-CAkey',
          at('ca.key'),
          '-days',
          '2',
        ],
        ...['-CAcreateserial', '-out', at('server.pem'), '-extfile', at('names')],
      )
      await writeFile(at('users'), '')
      execFileSync('mosquitto_passwd', ['-b', at('users'), 'attic', 'right'], { stdio: 'pipe' })
      await writeFile(at('password'), 'wrong\n')
      return [
        `listener ${port} 127.0.0.1`,
        ...['allow_anonymous false', `password_file ${at('users')}`, `certfile ${at('server.pem')}`],
        `keyfile ${at('server.key')}`,
      ]
    })
    const file = (name: string) => join(above.folder, name)
    const secure = {
      ...{ url: `mqtts://localhost:${above.port}`, user: 'attic' },
      passwordFile: file('password'),
    }
    const up = await UpstreamRig.start(t, [
      settingsOf({ ...secure, name: 'known', caFile: file('ca.pem') }),
      settingsOf({ ...secure, name: 'other-ca', caFile: file('wrong.pem') }),
      settingsOf({
        ...secure,
        name: 'other-name',
        url: `mqtts://127.0.0.1:${above.port}`,
        caFile: file('ca.pem'),
      }),
      settingsOf({ ...secure, name: 'no-file', caFile: file('absent.pem') }),
      settingsOf({ ...secure, name: 'no-host', url: 'mqtts://broker.invalid:8883' }),
      settingsOf({ ...secure, name: 'no-port', url: 'mqtt://127.0.0.1:1' }),
    ])
    const fault = (name: string) => up.upstreams.view().find(view => view.name === name)?.fault ?? ''
    const says = (name: string, words: RegExp) =>
      until(
        () => words.test(fault(name)),
        () => `${name}: ${fault(name)}`,
      )
    await says('known', /user/)
    await says('other-ca', /caFile/)
    await says('other-name', /another name/)
    await says('no-file', /absent\.pem is not there/)
    await says('no-host', /DNS/)
    await says('no-port', /nothing listens/)
    t.notOk(up.rig.lines.some(line => JSON.stringify(line).includes('wrong\\n')))
    await up.rig.broker.ping()
    await writeFile(file('password'), 'right\n')
    await until(
      () => up.upstreams.view().find(({ name }) => name === 'known')?.state === 'online',
      'the renewed password',
      20_000,
    )
  },
)
