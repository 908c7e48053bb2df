import t from 'tap'
import type { MqttPrincipal } from '../../src/account/mqtt-users.ts'
import { GpioCommands } from '../../src/broker/devices/gpio-commands.ts'
import { GpioMirror } from '../../src/broker/devices/gpio-mirror.ts'
import { type Gpio, startGpio } from '../../src/gpio/gpio.ts'
import { MemoryChip } from '../../src/gpio/memory-backend.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { LineResultView } from '../../src/wire/mqtt.ts'
import { BrokerRig, gw, until } from './broker-rig.ts'

const own = `pixelgate/${gw}/gpio`

async function bench(t: Parameters<typeof BrokerRig.start>[0]) {
  const seen: string[] = []
  const chip = new MemoryChip((line, active) => seen.push(`${line} ${active ? 'on' : 'off'}`))
  const audited: string[] = []
  const mirror: GpioMirror = new GpioMirror(() => gpio.view().lines)
  const gpio: Gpio = startGpio({
    settings: {
      enabled: true,
      backend: 'memory',
      chip: 'auto',
      buttons: [{ name: 'bell', line: 1, action: 'next', activeLow: true, debounceMs: 5 }],
      statusLed: { line: 2, activeLow: false },
      resetLines: [{ board: 'my stage', line: 3, activeLow: true, pulseMs: 10 }],
      lines: [
        { kind: 'input', name: 'door', line: 4, activeLow: true, debounceMs: 5 },
        { kind: 'output', name: 'pump', line: 5, activeLow: false, initial: false, maxPulseMs: 300 },
      ],
    },
    backend: chip,
    clock: systemClock,
    log: silentLog,
    act: async () => undefined,
    onChange: line => mirror.publish(line),
  })
  t.teardown(() => gpio.stop())
  const commands = new GpioCommands({
    gpio,
    clock: systemClock,
    log: silentLog,
    onCommand: ({ name }: MqttPrincipal, topic, { ok }) => audited.push(`${name} ${topic} ${ok}`),
  })
  const rig = await BrokerRig.start(t, { parts: [mirror, commands] })
  const control = await rig.connect(await rig.user('operator', 'control'))
  await control.client.subscribeAsync(`${own}/#`, { qos: 1 })
  const results = (line: string, name: string) =>
    control.on(`${own}/${line}/cmd/${name}/result`).map(text => JSON.parse(text) as LineResultView)
  const command = async (line: string, name: string, payload: string, retain = false) => {
    const before = results(line, name).length
    await control.client.publishAsync(`${own}/${line}/cmd/${name}`, payload, { qos: 1, retain })
    await until(() => results(line, name).length > before, `an answer to ${name} ${payload}`)
    return results(line, name).at(-1)
  }
  return { rig, chip, gpio, seen, control, command, results, audited }
}

t.test('outputs are switched by topic, answered with the id of the command, and seen by all', async t => {
  const { chip, seen, control, command, audited, gpio } = await bench(t)
  t.match(await command('pump', 'set', '{"active":true,"correlationId":"a-1"}'), {
    correlationId: 'a-1',
    command: 'set',
    ok: true,
    active: true,
  })
  t.equal(chip.level(5), true)
  for (const [payload, active] of [
    ['0', false],
    ['1', true],
    ['off', false],
    ['ON', true],
    ['false', false],
  ] as const) {
    t.match(await command('pump', 'set', payload), { correlationId: null, ok: true, active })
    t.equal(chip.level(5), active)
  }
  seen.length = 0
  t.match(await command('pump', 'pulse', '{"ms":20,"correlationId":7}'), {
    correlationId: 7,
    ok: true,
    active: false,
  })
  t.same(seen, ['5 on', '5 off'])
  t.match(await command('pump', 'pulse', '10'), { ok: true })
  t.same(audited[0], `operator ${own}/pump/cmd/set true`)
  t.equal(audited.length, 8)
  await control.hears(`${own}/pump/state`, /"active":true/)
  const edges = control.on(`${own}/pump/edge`).map(text => JSON.parse(text))
  t.match(edges.at(-1), { active: false, monotonicMs: Number, changedAt: String, edges: 10 })
  t.equal(edges.length, 10, 'each edge is told once')
  t.ok(edges.every((edge, i) => i === 0 || edge.monotonicMs >= edges[i - 1].monotonicMs))
  t.equal(gpio.view().lines.find(({ name }) => name === 'pump')?.edges, 10)
})

t.test('a command that comes twice runs once', async t => {
  const { seen, control, results } = await bench(t)
  const payload = '{"ms":60,"correlationId":"once"}'
  for (let i = 0; i < 3; i++) control.client.publish(`${own}/pump/cmd/pulse`, payload, { qos: 1 })
  await until(() => results('pump', 'pulse').length > 0, 'the answer')
  control.client.publish(`${own}/pump/cmd/pulse`, payload, { qos: 1 })
  await until(() => results('pump', 'pulse').length === 2, 'the same answer again')
  t.same(
    seen.filter(text => text.startsWith('5 ')),
    ['5 on', '5 off'],
  )
  t.same(results('pump', 'pulse')[0], results('pump', 'pulse')[1])
})

t.test('whatever is no output refuses, and so does a command that is not one', async t => {
  const { rig, chip, seen, command, control } = await bench(t)
  seen.length = 0
  for (const line of ['bell', 'door', 'status-led', 'reset-my-stage'])
    t.match(await command(line, 'set', 'on'), { ok: false, code: 'conflict', message: /no output/ }, line)
  t.match(await command('nothing', 'set', 'on'), { ok: false, code: 'not_found' })
  for (const payload of ['', 'perhaps', '{"active":1}', '{"active":true,"more":1}', '[true]', '2'])
    t.match(await command('pump', 'set', payload), { ok: false, code: 'usage' }, payload)
  for (const payload of ['0', '-5', '60001', '1.5', '{"ms":"200"}', 'on'])
    t.match(await command('pump', 'pulse', payload), { ok: false, code: 'usage' }, payload)
  t.match(await command('pump', 'pulse', '{"ms":301,"correlationId":"x"}'), {
    ok: false,
    code: 'invalid',
    correlationId: 'x',
  })
  t.match(await command('pump', 'toggle', 'on'), { ok: false, code: 'usage', message: /set, pulse/ })
  t.match(await command('pump', 'set', '{"active":true,"correlationId":"r"}', true), {
    ok: false,
    code: 'usage',
    correlationId: 'r',
    message: /retained/,
  })
  const watcher = await rig.connect(await rig.user('display', 'watch'))
  await watcher.client.subscribeAsync(`${own}/#`, { qos: 1 })
  await watcher.client.publishAsync(`${own}/pump/cmd/set`, '{"active":true,"correlationId":"w"}', { qos: 1 })
  await watcher.hears(`${own}/pump/cmd/set/result`, /"correlationId":"w".*"code":"forbidden"/)
  for (const topic of ['pump/state', 'pump/edge', 'pump/cmd/set/result'])
    await control.client.publishAsync(`${own}/${topic}`, 'forged', { qos: 1, retain: true })
  const late = await rig.connect()
  await late.client.subscribeAsync(`${own}/#`, { qos: 1 })
  await late.hears(`${own}/pump/state`, /"active":false/)
  t.notOk([...late.heard, ...control.heard].some(({ text }) => text === 'forged'))
  t.same(seen, [], 'no line was driven')
  t.equal(chip.level(3), false)
})
