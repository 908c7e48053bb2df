import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { checkLine, chooseChip } from '../../src/gpio/chip-choice.ts'
import { chooseBackend } from '../../src/gpio/choose-backend.ts'
import { startGpio } from '../../src/gpio/gpio.ts'
import { gpiodBackend } from '../../src/gpio/gpiod-backend.ts'
import { toolError } from '../../src/gpio/gpiod-error.ts'
import {
  getArgs,
  monitorArgs,
  parseChips,
  parseEdge,
  parseEdgeTime,
  parseHolder,
  parseVersion,
  setArgs,
} from '../../src/gpio/gpiod-syntax.ts'
import type { PinRequest } from '../../src/gpio/pin.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { AppError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { FakeChip, until } from './fake-chip.ts'

const clock = systemClock
const input: PinRequest = {
  chip: 'auto',
  line: 17,
  direction: 'in',
  activeLow: true,
  bias: 'pull-up',
  drive: 'push-pull',
}
const output: PinRequest = { ...input, line: 22, direction: 'out', activeLow: false, bias: 'as-is' }
const reset: PinRequest = { ...output, line: 27, activeLow: true, drive: 'open-drain' }
const messageOf = (thrown: unknown): string => (thrown as AppError).message

t.test('each version of the tools has its command line', async t => {
  const v1 = parseVersion('gpiodetect (libgpiod) v1.6.3\nCopyright')
  const v2 = parseVersion('gpiodetect (libgpiod) v2.2.1\n')
  const old = parseVersion('gpiodetect (libgpiod) v1.4.1')
  t.same(
    [v1, v2, old],
    [
      { major: 1, minor: 6 },
      { major: 2, minor: 2 },
      { major: 1, minor: 4 },
    ],
  )
  t.equal(parseVersion('gpiodetect (libgpiod) v3.0'), undefined)
  t.equal(parseVersion('command not found'), undefined)
  if (v1 === undefined || v2 === undefined || old === undefined) return
  t.same(getArgs(v1, 'gpiochip0', input), ['--active-low', '--bias=pull-up', 'gpiochip0', '17'])
  t.same(getArgs(v1, 'gpiochip0', { ...input, bias: 'disabled' }), [
    '--active-low',
    '--bias=disable',
    'gpiochip0',
    '17',
  ])
  t.same(
    getArgs(v2, 'gpiochip0', { ...input, bias: 'disabled' }).filter(arg => arg.startsWith('--bias')),
    ['--bias=disabled'],
  )
  t.same(getArgs(old, 'gpiochip0', input), ['--active-low', 'gpiochip0', '17'], '1.4 knows no bias')
  t.same(monitorArgs(v1, 'gpiochip0', input), [
    '--line-buffered',
    '--format=%e',
    '--active-low',
    '--bias=pull-up',
    'gpiochip0',
    '17',
  ])
  t.same(monitorArgs(v2, 'gpiochip0', input).slice(-2), ['--chip=gpiochip0', '17'])
  t.same(setArgs(v1, 'gpiochip0', reset, true), [
    '--mode=signal',
    '--active-low',
    '--drive=open-drain',
    'gpiochip0',
    '27=1',
  ])
  t.same(setArgs(v2, 'gpiochip0', output, false), [
    '--banner',
    '--consumer=pixelgate',
    '--chip=gpiochip0',
    '22=0',
  ])
  t.same(
    ['1', '0', 'rising', ''].map(text => parseEdge(v1, text)),
    [true, false, undefined, undefined],
  )
  t.same(
    ["Monitoring line '17'...", 'rising', 'falling', '1'].map(text => parseEdge(v2, text)),
    ['ready', true, false, undefined],
  )
})

t.test('what the tools tell of chips and holders is understood in both versions', async t => {
  const chips = parseChips('gpiochip0 [pinctrl-bcm2711] (58 lines)\ngpiochip1 [gpio-mockup-A, b] (8 lines)\n')
  t.same(chips, [
    { name: 'gpiochip0', label: 'pinctrl-bcm2711', lines: 58 },
    { name: 'gpiochip1', label: 'gpio-mockup-A, b', lines: 8 },
  ])
  const v1 = [
    'gpiochip0 - 54 lines:',
    '\tline   4:     "GPIO4"       unused   input  active-high ',
    '\tline   7:      unnamed   "spi0 CS1"  output   active-low [used]',
    '\tline  17:      unnamed       kernel   input  active-high [used]',
  ].join('\n')
  t.same(
    [4, 7, 17, 99].map(line => parseHolder(v1, line)),
    [undefined, 'spi0 CS1', 'kernel', undefined],
  )
  const v2 = [
    'gpiochip0 - 54 lines:',
    '\tline   4:\t"GPIO4"         \tinput',
    '\tline   7:\tunnamed         \toutput active-low consumer="spi0 CS1"',
    '\tline  17:\t"GPIO17"        \tinput bias=pull-up edges=both consumer=gpiomon',
  ].join('\n')
  t.same(
    [4, 7, 17].map(line => parseHolder(v2, line)),
    [undefined, 'spi0 CS1', 'gpiomon'],
  )
})

t.test('a chip is found by label or name, and auto is the header of any Pi', async t => {
  const chip = (name: string, label: string) => ({ name, label, lines: 54 })
  const pi4 = [chip('gpiochip0', 'pinctrl-bcm2711'), chip('gpiochip1', 'raspberrypi-exp-gpio')]
  const pi5 = [chip('gpiochip10', 'gpio-brcmstb@107d508500'), chip('gpiochip4', 'pinctrl-rp1')]
  t.equal(chooseChip('auto', pi4).name, 'gpiochip0')
  t.equal(chooseChip('auto', pi5).name, 'gpiochip4')
  t.equal(chooseChip('auto', [chip('gpiochip0', 'pinctrl-bcm2835')]).name, 'gpiochip0')
  t.equal(chooseChip('raspberrypi-exp-gpio', pi4).name, 'gpiochip1')
  t.equal(chooseChip('gpiochip10', pi5).label, 'gpio-brcmstb@107d508500')
  const refusal = (wanted: string, chips: typeof pi4) => {
    try {
      return chooseChip(wanted, chips).name
    } catch (thrown) {
      return messageOf(thrown)
    }
  }
  t.match(
    refusal('pinctrl-rp1', pi4),
    /no GPIO chip pinctrl-rp1. Present: gpiochip0 \[pinctrl-bcm2711\], gpiochip1/,
  )
  t.match(
    refusal('auto', [chip('gpiochip0', 'INT34C6:00')]),
    /Raspberry Pi's header. Present: gpiochip0 \[INT34C6:00\]/,
  )
  t.match(refusal('auto', []), /no GPIO chips.*container/)
  t.doesNotThrow(() => checkLine(pi4[0] ?? chip('', ''), 53))
  t.throws(() => checkLine(pi4[0] ?? chip('', ''), 54), {
    code: 'gpio_failed',
    message: /lines 0 to 53.*BCM number/,
  })
})

t.test('every complaint of a tool becomes words that say what to do', async t => {
  const words = (stderr: string, holder?: string) =>
    toolError({ tool: 'gpiomon', chip: 'pinctrl-bcm2711', line: 17, stderr, holder }).message
  const v1 = (text: string) => `gpiomon: error waiting for events: ${text}\n`
  t.match(
    words(v1('Device or resource busy'), 'spi0 CS1'),
    /line 17 of pinctrl-bcm2711 is in use by spi0 CS1/,
  )
  t.match(words(v1('Device or resource busy')), /in use by another program or a driver.*gpioinfo/)
  t.match(words(v1('Permission denied')), /usermod -aG gpio/)
  t.match(words(v1('Operation not permitted')), /DeviceAllow=char-gpiochip/)
  t.match(words(v1('No such file or directory')), /no GPIO chip pinctrl-bcm2711/)
  t.match(words(v1('Invalid argument')), /may not exist, raise no interrupts/)
  t.match(words("gpiomon: offset 99 is out of range on chip 'gpiochip0'"), /has no line 17/)
  t.match(words("gpiomon: cannot find GPIO chip character device 'x'"), /no GPIO chip/)
  t.match(words('setpriv: failed to execute gpiomon: No such file or directory'), /apt-get install gpiod/)
  t.match(words('setpriv: activate capabilities: Operation not permitted'), /capset/)
  t.match(
    words('gpiomon: something new'),
    /gpiomon failed on line 17 of pinctrl-bcm2711: gpiomon: something new/,
  )
  t.match(words(''), /ended without a word/)
})

for (const version of ['1.6.3', '2.2.1']) {
  t.test(`with tools of version ${version} edges come in as levels, whatever the polarity`, async t => {
    const chip = new FakeChip(t, version)
    const backend = await gpiodBackend({ clock, toolsFolder: chip.folder, procFolder: chip.procFolder })
    chip.write('chip/17.value', '0')
    const pin = await backend.open(input)
    t.teardown(() => pin.close())
    t.equal(pin.chip, 'pinctrl-bcm2711')
    t.equal(pin.read(), true, 'low is active')
    const told: boolean[] = []
    pin.watch(active => told.push(active))
    await chip.edges(17, 1, 0, 1)
    await until(() => told.length === 3, 'three edges')
    t.same(told, [false, true, false])
    t.equal(pin.read(), false)
    const pid = chip.holder(17)
    t.ok(pid)
    await pin.close()
    t.equal(chip.holder(17), undefined, 'the tool has ended')
    await pin.close()
  })

  t.test(`with tools of version ${version} an output holds its level, and is left inactive`, async t => {
    const chip = new FakeChip(t, version)
    const backend = await gpiodBackend({ clock, toolsFolder: chip.folder, procFolder: chip.procFolder })
    const pin = await backend.open(output)
    t.teardown(() => pin.close())
    t.same(chip.levels(22), ['0'])
    await Promise.all([pin.write(true), pin.write(true), pin.write(false), pin.write(true)])
    t.same(chip.levels(22), ['0', '1', '0', '1'], 'in order, and nothing is done twice')
    t.ok(chip.holder(22), 'held')
    t.equal(pin.read(), true)
    await pin.close()
    t.same(chip.levels(22).at(-1), '0')
    t.equal(chip.holder(22), undefined)
    await t.rejects(pin.write(true), { code: 'gpio_failed', message: /closed/ })
    const line = await backend.open(reset)
    await line.write(true)
    await line.close()
    t.same(chip.levels(27), ['open', '0', 'open'], 'a reset line is never driven high')
  })

  t.test(`with tools of version ${version} each refusal is told in plain words`, async t => {
    const chip = new FakeChip(t, version)
    const backend = await gpiodBackend({ clock, toolsFolder: chip.folder, procFolder: chip.procFolder })
    const refusal = (request: PinRequest) => backend.open(request).then(() => 'opened', messageOf)
    chip.write('chip/17.holder', `${process.pid} spi0_CS1`)
    t.match(await refusal(input), /line 17 of pinctrl-bcm2711 is in use by "?spi0_CS1"?\. End that program/)
    t.match(await refusal({ ...output, line: 17 }), /in use by spi0_CS1/)
    chip.remove('chip/17.holder')
    chip.write('no-interrupts')
    t.match(await refusal(input), /cannot be used so/)
    chip.remove('no-interrupts')
    chip.write('gone')
    t.match(await refusal(input), /no GPIO chip pinctrl-bcm2711 any more/)
    chip.remove('gone')
    chip.write('cgroup')
    t.match(await refusal(output), /DeviceAllow/)
    chip.remove('cgroup')
    chip.write('denied')
    t.match(await refusal(input), /No permission to use the GPIO chips.*group gpio/)
    t.match(await refusal({ ...input, chip: 'pinctrl-bcm2711' }), /No permission to use pinctrl-bcm2711/)
    chip.remove('denied')
    chip.write('brief')
    t.match(await refusal(output), /ended without a word/)
    chip.remove('brief')
    t.match(await refusal({ ...input, line: 58 }), /lines 0 to 57/)
    t.match(await refusal({ ...input, chip: 'nosuchchip' }), /no GPIO chip nosuchchip/)
  })
}

t.test(
  'a tool that shows no sign of its line is trusted after a while; one that will not end is ended by force',
  async t => {
    const chip = new FakeChip(t, '1.6.3')
    chip.write('silent')
    chip.write('deaf')
    const backend = await gpiodBackend({ clock, toolsFolder: chip.folder, procFolder: chip.procFolder })
    const pin = await backend.open(output)
    await until(() => chip.holder(22) !== undefined, 'a holder')
    await pin.close()
    t.equal(chip.holder(22), undefined)
  },
)

t.test('a tool that dies is told once as a loss, and the gateway takes the line again', async t => {
  const chip = new FakeChip(t, '2.2.1')
  const places = { toolsFolder: chip.folder, procFolder: chip.procFolder }
  const acts: string[] = []
  const troubles: (string | null)[] = []
  const gpio = startGpio({
    settings: {
      enabled: true,
      backend: 'auto',
      chip: 'auto',
      buttons: [{ line: 17, action: 'next', activeLow: true, debounceMs: 5 }],
      statusLed: { line: 22, activeLow: false },
      resetLines: [{ board: 'stage', line: 27, activeLow: true, pulseMs: 50 }],
      lines: [],
    },
    clock,
    log: silentLog,
    act: async (_, action) => void acts.push(action),
    onChange: ({ name, trouble }) => name === 'button-17' && troubles.push(trouble),
    places,
  })
  t.teardown(() => gpio.stop())
  t.equal(gpio.view().backend, null, 'not known yet')
  t.match(gpio.view().lines[0], { trouble: /being opened/ })
  await gpio.ready
  t.match(gpio.view(), { backend: 'gpiod', lines: [{ trouble: null }, { trouble: null }, { active: false }] })
  await until(() => gpio.view().lines[1]?.active === true, 'the LED')
  await chip.edges(17, 0)
  await until(() => acts.length === 1, 'a press')
  const [button, led] = [chip.holder(17), chip.holder(22)]
  await chip.edges(17, 'die')
  await until(() => troubles.some(trouble => trouble !== null), 'the loss')
  t.match(troubles.at(-1), /no GPIO chip/)
  process.kill(led ?? 0, 'SIGKILL')
  await until(() => (chip.holder(22) ?? led) !== led, 'another gpioset')
  await until(() => (chip.holder(17) ?? button) !== button, 'another gpiomon')
  await until(() => gpio.view().lines.every(({ trouble }) => trouble === null), 'everything as before')
  await chip.edges(17, 1)
  await until(() => gpio.view().lines[0]?.active === false, 'the release')
  t.equal(await gpio.resetBoard('stage'), true)
  t.same(chip.levels(27), ['open', '0', 'open'])
  await gpio.stop()
  t.same(
    [17, 22, 27].map(line => chip.holder(line)),
    [undefined, undefined, undefined],
  )
  t.equal(chip.read('chip/22.value'), '0', 'the LED is dark')
})

t.test('an edge of an input has the time at which the kernel saw it', async t => {
  const v1 = parseVersion('gpiodetect (libgpiod) v1.6.3')
  const v2 = parseVersion('gpiodetect (libgpiod) v2.2.1')
  if (v1 === undefined || v2 === undefined) throw new Error('the versions are not known')
  t.equal(parseEdge(v2, 'falling 12.000000001'), false)
  t.equal(parseEdgeTime(v2, 'rising 1234.500000000'), 1_234_500)
  t.equal(parseEdgeTime(v2, 'rising'), undefined)
  t.equal(parseEdgeTime(v1, 'rising 1234.500000000'), undefined)
  t.ok(monitorArgs(v2, 'gpiochip0', { ...input, timed: true }).includes('--format=%E %S'))
  t.same(monitorArgs(v1, 'gpiochip0', { ...input, timed: true }), monitorArgs(v1, 'gpiochip0', input))

  const chip = new FakeChip(t, '2.2.1')
  const changes: { readonly active: boolean; readonly monotonicMs: number | null }[] = []
  const gpio = startGpio({
    settings: {
      enabled: true,
      backend: 'gpiod',
      chip: 'auto',
      buttons: [],
      statusLed: null,
      resetLines: [],
      lines: [{ kind: 'input', line: 17, activeLow: true, debounceMs: 0 }],
    },
    clock,
    log: silentLog,
    act: async () => undefined,
    onChange: line => changes.push(line),
    places: { toolsFolder: chip.folder, procFolder: chip.procFolder },
  })
  t.teardown(() => gpio.stop())
  await gpio.ready
  const edge = async (agoMs: number, level: 0 | 1) => {
    const before = changes.length
    chip.write('now', (Number(process.hrtime.bigint()) / 1e9 - agoMs / 1000).toFixed(9))
    await chip.edges(17, level)
    await until(() => changes.length > before, 'the edge')
    return changes.at(-1)?.monotonicMs ?? Number.NaN
  }
  changes.length = 0
  const late = await edge(5_000, 0)
  t.ok(late < -1_000, `${late}: before it was told, and before the start`)
  const strange = await edge(-3_600_000, 1)
  t.ok(strange > 0, 'a stamp of another clock counts for nothing')
})

t.test('when the gateway is killed its tools die with it', async t => {
  const chip = new FakeChip(t, '1.6.3')
  const script = `
    import { gpiodBackend } from ${JSON.stringify(fileURLToPath(new URL('../../src/gpio/gpiod-backend.ts', import.meta.url)))}
    import { systemClock } from ${JSON.stringify(fileURLToPath(new URL('../../src/kernel/clock.ts', import.meta.url)))}
    const backend = await gpiodBackend({ clock: systemClock, toolsFolder: ${JSON.stringify(chip.folder)}, procFolder: ${JSON.stringify(chip.procFolder)} })
    const pin = await backend.open(${JSON.stringify(output)})
    await pin.write(true)
    console.log('held')
    setInterval(() => undefined, 1000)`
  const gateway = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => gateway.kill('SIGKILL'))
  await once(gateway.stdout, 'data')
  t.ok(chip.holder(22))
  gateway.kill('SIGKILL')
  await until(() => chip.holder(22) === undefined, 'end of the tool')
})

t.test('auto takes the tools, then onoff, and else says what is missing', async t => {
  const chip = new FakeChip(t, '2.2.1')
  const gpio = class {} as never
  t.equal((await chooseBackend('auto', { clock, toolsFolder: chip.folder, gpio })).name, 'gpiod')
  const nowhere = `${chip.folder}/nowhere`
  t.equal((await chooseBackend('auto', { clock, toolsFolder: nowhere, gpio })).name, 'onoff')
  t.equal((await chooseBackend('memory', { clock })).name, 'memory')
  t.equal((await chooseBackend('onoff', { clock, gpio })).name, 'onoff')
  await t.rejects(chooseBackend('gpiod', { clock, toolsFolder: nowhere }), {
    code: 'gpio_failed',
    message: /gpiodetect is not installed: sudo apt-get install gpiod/,
  })
  chip.write('version', '9.0')
  await t.rejects(chooseBackend('gpiod', { clock, toolsFolder: chip.folder }), {
    message: /says "gpiodetect \(libgpiod\) v9.0"/,
  })
})

const installed = existsSync('/usr/bin/gpiodetect')
const hasChips = existsSync('/dev/gpiochip0')
t.test(
  'the tools of this machine: no chip is here, and it is said so',
  { skip: !installed || hasChips ? 'needs the package gpiod and a machine without chips' : false },
  async t => {
    const backend = await gpiodBackend({ clock })
    await t.rejects(backend.open(input), { code: 'gpio_failed', message: /This machine shows no GPIO chips/ })
    // The tools themselves, on a chip that does not exist: their words are those that the fakes say.
    const { runTool } = await import('../../src/gpio/run-tool.ts')
    const { HeldTool } = await import('../../src/gpio/held-tool.ts')
    const version = parseVersion((await runTool('gpiodetect', ['--version'])).stdout)
    if (version === undefined) throw new Error('no version')
    const got = await runTool('gpioget', getArgs(version, 'nosuchchip', input))
    t.equal(got.status, 1)
    const words = (tool: string, stderr: string) =>
      toolError({ tool, chip: 'nosuchchip', line: 17, stderr }).message
    t.match(words('gpioget', got.stderr), /There is no GPIO chip nosuchchip/)
    for (const [tool, args] of [
      ['gpiomon', monitorArgs(version, 'nosuchchip', input)],
      ['gpioset', setArgs(version, 'nosuchchip', reset, true)],
    ] as const) {
      const held = new HeldTool({ command: tool, args, clock, onText: () => false })
      t.equal(await held.ready(), false)
      const ended = await held.ended
      t.match(words(tool, String(ended)), /There is no GPIO chip nosuchchip/, String(ended))
      t.equal(held.running, false)
      await held.end()
    }
  },
)
