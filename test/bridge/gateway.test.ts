import { existsSync } from 'node:fs'
import { connectAsync } from 'mqtt'
import t from 'tap'
import { startApp } from '../../src/app.ts'
import { ControlClient } from '../../src/cli/control-client.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { PortWatch } from '../../src/link/discovery.ts'
import { openLink } from '../../src/link/link-settings.ts'
import type { SerialPortInfo } from '../../src/link/list-ports.ts'
import { eventually, workplace } from '../support/pixelgate.ts'
import { openPtyPair } from '../support/pty.ts'

const hasSocat = ['/usr/bin/socat', '/bin/socat'].some(existsSync)

t.test(
  'a gateway bridges its line, leaves it to nobody else, and switches its outputs',
  hasSocat ? {} : { skip: 'socat is not installed' },
  async t => {
    const place = await workplace(t)
    const pair = await openPtyPair()
    t.teardown(() => pair.unplug())
    const opened: string[] = []
    const seen: SerialPortInfo = {
      path: pair.a,
      stableId: '/dev/serial/by-id/usb-meter',
      links: [],
      manufacturer: undefined,
      vendorId: '1a86',
      productId: '7523',
      serialNumber: '1',
    }
    const watch: PortWatch = {
      start: listener => listener([seen]),
      look: async () => undefined,
      stop: () => undefined,
    }
    const file = await place.file(
      'config.json',
      JSON.stringify({
        log: { level: 'silent' },
        discovery: 'all',
        links: [
          {
            kind: 'serial',
            path: pair.a,
            baudRate: 9600,
            mode: 'bridge',
            name: 'meter',
            topic: 'sensors/meter',
            retain: true,
          },
        ],
        gpio: {
          enabled: true,
          backend: 'memory',
          lines: [{ kind: 'output', name: 'pump', line: 6 }],
        },
      }),
    )
    const app = await startApp(await loadConfig({ file, env: place.env, flags: {} }), {
      log: silentLog,
      watch,
      open: (settings, clock) => {
        opened.push(settings.kind === 'serial' ? settings.path : settings.host)
        return openLink(settings, clock)
      },
    })
    t.teardown(() => app.stop())
    const run = async (...args: string[]) => {
      const { status, stdout, stderr } = await place.here(...args)
      t.equal(status, 0, `${args.join(' ')}: ${stderr}`)
      return stdout
    }
    const { user, password } = JSON.parse(
      await run('mqtt-user', 'add', 'desk', '--access', 'control', '--json'),
    )
    const client = await connectAsync(app.mqtt?.url ?? '', {
      username: user.name,
      password,
      reconnectPeriod: 0,
    })
    t.teardown(() => client.endAsync(true))
    const heard: (readonly [string, string])[] = []
    client.on('message', (topic, payload) => heard.push([topic, payload.toString()]))
    await client.subscribeAsync(['sensors/#', 'pixelgate/+/gpio/#'], { qos: 1 })
    const hears = (topic: RegExp, text: RegExp) =>
      eventually(() => heard.find(each => topic.test(each[0]) && text.test(each[1])), `${topic} ${text}`)

    await hears(/gpio\/pump\/state$/, /"active":false/)
    await hears(/^sensors\/meter\/status$/, /"state":"open"/)
    const far = await openLink({ kind: 'serial', path: pair.b, baudRate: 9600 }, systemClock)
    t.teardown(() => far.close())
    let said = ''
    far.onData(chunk => {
      said += Buffer.from(chunk).toString()
    })
    far.write(Buffer.from('230.1 V\n'))
    await hears(/^sensors\/meter\/rx$/, /^230\.1 V$/)
    await client.publishAsync('sensors/meter/tx', 'reset', { qos: 1 })
    await eventually(() => said === 'reset\n', 'the line')
    // The far end may have it before the port says that it has left.
    const bridges = async () => JSON.parse(await run('bridges', '--json')).bridges
    await eventually(async () => (await bridges())[0].tx.frames === 1, 'the count')

    t.same(JSON.parse(await run('ports', '--json')).ports, [
      {
        path: pair.a,
        stableId: seen.stableId,
        manufacturer: null,
        vendorId: '1a86',
        productId: '7523',
        serialNumber: '1',
        open: true,
        reason: 'bridge',
        trouble: null,
      },
    ])
    t.match(await run('ports'), /bridged to MQTT/)
    t.same(opened, [pair.a], 'no board is looked for there, although discovery is all')
    await t.rejects(app.connections.lend(pair.a), { code: 'conflict', message: /bridged/ })
    t.match(await run('bridges'), /meter +\S+ 9600 +line +sensors\/meter +1 +1 +open/)
    t.match(await bridges(), [
      {
        name: 'meter',
        topic: 'sensors/meter',
        state: 'open',
        rx: { frames: 1, bytes: 7 },
        tx: { frames: 1, bytes: 5 },
      },
    ])
    const metrics = String(
      await new ControlClient(place.path('control.sock')).getBytes('/metrics').then(Buffer.from),
    )
    t.match(metrics, /pixelgate_bridge_frames_total\{bridge="meter",direction="rx"\} 1/)

    t.match(await run('gpio'), /pump +output +memory 6 +off/)
    t.equal(await run('gpio', 'set', 'pump', 'on'), 'pump: on\n')
    await hears(/gpio\/pump\/edge$/, /"active":true,"edges":1,/)
    t.equal(await run('gpio', 'pulse', 'pump', '20'), 'pump: off\n')
    const [topic] = await hears(/gpio\/pump\/state$/, /"active":false/)
    await client.publishAsync(topic.replace(/state$/, 'cmd/set'), '{"active":true,"correlationId":9}', {
      qos: 1,
    })
    await hears(/gpio\/pump\/cmd\/set\/result$/, /"correlationId":9,"command":"set","ok":true,"active":true/)
    const audit = await run('audit', '--json')
    t.match(audit, /"mqttCommand"/)
    t.match(audit, /"setGpioLine"/)
    t.equal((await place.here('gpio', 'set', 'nothing', 'on')).status, 2)
    t.equal((await place.here('gpio', 'set', 'pump')).status, 2)

    // The line was waiting before it was first opened, too.
    heard.length = 0
    await pair.unplug()
    await hears(/^sensors\/meter\/status$/, /"state":"waiting"/)
    t.match(JSON.parse(await run('ports', '--json')).ports, [{ reason: 'bridge', trouble: /\S/ }])
    const doctor = await place.here('doctor', '--config', file)
    t.match(doctor.stdout, /plug the device in/)
  },
)
