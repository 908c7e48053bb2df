import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { ControlClient } from '../../src/cli/control-client.ts'
import { type Event, eventually, ledmFile, numbers, startBoard, workplace } from '../support/pixelgate.ts'

const tools = { pub: 'mosquitto_pub', sub: 'mosquitto_sub' }
const isThere = (() => {
  try {
    execFileSync('mosquitto_sub', ['--help'])
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ENOENT'
  }
  return true
})()
const [overMqtt, overTcp] = ['a0a0a0a0-0000-4000-8000-000000000001', 'b0b0b0b0-0000-4000-8000-000000000002']

t.test(
  'mosquitto_pub and mosquitto_sub upload, command and watch, whatever way a board is reached',
  { skip: isThere ? false : 'mosquitto-clients is not installed', timeout: 800_000 },
  async t => {
    const place = await workplace(t)
    const cable = await startBoard(t, place, { tcp: '0', uuid: overTcp, name: 'cable' })
    const [host = '', port] = cable.path.split(':')
    const links = [{ kind: 'tcp', host, port: Number(port) }]
    await place.file('config.json', JSON.stringify({ links, discovery: 'off', log: { level: 'warn' } }))
    const gateway = place.start('serve', '--config', place.path('config.json'))
    t.teardown(() => gateway.kill())
    const { mqtt: url } = await gateway.says(({ ready }) => ready === true, 'ready')
    const issued = async (...args: string[]) =>
      (await place.here('mqtt-user', 'add', ...args, '--json')).last['password']
    await place.file('secret', `${await issued('shelf', '--board', overMqtt)}\n`)
    const password = await issued('desk', '--access', 'control')
    await startBoard(t, place, {
      mqtt: url,
      'mqtt-user': 'shelf',
      'mqtt-password-file': place.path('secret'),
      uuid: overMqtt,
      name: 'shelf',
    })

    const at = ['-h', '127.0.0.1', '-p', new URL(url).port, '-u', 'desk', '-P', password]
    const sub: ChildProcess = spawn(tools.sub, [...at, '-v', '-q', '1', '-t', 'pixelgate/#'])
    t.teardown(() => sub.kill())
    let out = ''
    sub.stdout?.setEncoding('latin1').on('data', (text: string) => {
      out += text
    })
    /** The last payload of a topic, given without its beginning. */
    const said = (topic: string) =>
      out
        .match(new RegExp(`^pixelgate/[0-9a-f]{8}/${topic} (.*)$`, 'gm'))
        ?.at(-1)
        ?.replace(/^\S+ /, '')
    const hears = (topic: string, words: RegExp) =>
      eventually(() => {
        const text = said(topic)
        return text !== undefined && words.test(text) ? text : undefined
      }, `${topic} ${words}`)
    await hears('status', /online/)
    const gatewayId = JSON.parse(await hears('info', /gatewayId/)).gatewayId
    const pub = async (topic: string, body: object) => {
      const args = [...at, '-q', '1', '-t', `pixelgate/${gatewayId}/${topic}`, '-m', JSON.stringify(body)]
      const [status] = await once(spawn(tools.pub, args, { stdio: 'ignore' }), 'close')
      t.equal(status, 0, topic)
      return JSON.parse(
        await hears(
          `${topic}/result`,
          new RegExp(`"correlationId":"${'correlationId' in body ? body.correlationId : ''}"`),
        ),
      )
    }

    const api = new ControlClient(place.path('control.sock'))
    const file = await place.file('fire.ledm', ledmFile(numbers(0, 120)))
    const imported = await place.here('pattern', 'import', file, '--json')
    t.equal(imported.status, 0, imported.stderr)
    const { patterns } = await api.get<Event>('/patterns')
    const patternId = patterns[0].id
    let id = 0
    for (const board of [overMqtt, overTcp]) {
      await hears(`${board}/availability`, /^online$/)
      const asked = await pub(`${board}/cmd/upload`, { patternId, correlationId: `u${++id}` })
      t.match(asked, { ok: true, command: 'upload', jobs: [{ boardId: board }] })
      const job = asked.jobs[0].id
      const done = JSON.parse(await hears(`${board}/upload/${job}/status`, /"state":"done"/))
      t.match(done, { percent: 100, name: 'fire.ledm', patternId, error: null })
      await hears(`${board}/upload/${job}/offer`, /^$|^\(null\)$/)
      await hears(`${board}/state`, new RegExp(`"mode":"playing".*${patternId}`))
      t.match(await pub(`${board}/cmd/brightness`, { level: 33, correlationId: `b${id}` }), { ok: true })
      await hears(`${board}/state`, /"brightness":33/)
      t.match(await pub(`${board}/cmd/stop`, { correlationId: `s${id}` }), { ok: true })
      await hears(`${board}/state`, /"mode":"stopped"/)
      const wrong = await pub(`${board}/cmd/brightness`, { level: 999, correlationId: `w${id}` })
      t.match(wrong, { ok: false, code: 'usage' })
    }
    const both = await pub('cmd/play', { boards: 'all', correlationId: 'all' })
    t.match(both, { ok: true, results: [{ ok: true }, { ok: true }] })
    await gateway.kill('SIGTERM')
    await hears('status', /^offline$/)
  },
)
