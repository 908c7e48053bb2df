import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { localPrincipal } from '../../src/account/principal.ts'
import { type Gpio, type GpioOptions, startGpio } from '../../src/gpio/gpio.ts'
import type { GpioSettings } from '../../src/gpio/gpio-settings.ts'
import type { GpioLine } from '../../src/gpio/gpio-view.ts'
import { maxDelayMs, mostEdgesPerSecond } from '../../src/gpio/kept-pin.ts'
import { MemoryChip } from '../../src/gpio/memory-backend.ts'
import type { PinBackend, PinRequest } from '../../src/gpio/pin.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { type GpioControl, gpioOperations } from '../../src/http/routes/gpio.ts'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { GatewayCore } from '../../src/upload/gateway-core.ts'
import { apiOf, doorFor } from '../support/api-of.ts'

const settings: GpioSettings = {
  enabled: true,
  backend: 'memory',
  chip: 'auto',
  buttons: [
    { line: 17, action: 'next', activeLow: true, debounceMs: 20 },
    { name: 'stop', line: 27, action: 'stop', board: 'stage', activeLow: false, debounceMs: 50 },
  ],
  statusLed: { line: 22, activeLow: false },
  resetLines: [{ board: 'stage', line: 23, activeLow: true, pulseMs: 100 }],
  lines: [],
}
const stageId = '00000000-0000-4000-8000-000000000001'
const ids: Readonly<Record<string, string>> = { stage: stageId }

interface Rig {
  readonly clock: VirtualClock
  readonly chip: MemoryChip
  readonly gpio: Gpio
  readonly acts: string[]
  readonly changes: GpioLine[]
  /** Levels of outputs as they changed. */
  readonly seen: string[]
  readonly warnings: string[]
  line(name: string): GpioLine
  /** Runs time, and lets promises have their turn between its events. */
  pass(ms: number): Promise<void>
}

const turn = () => new Promise(setImmediate)

async function start(
  t: Test,
  options: Partial<Omit<GpioOptions, 'settings'>> & { settings?: Partial<GpioSettings> } = {},
): Promise<Rig> {
  const clock = new VirtualClock()
  const seen: string[] = []
  const chip = new MemoryChip((line, active) => seen.push(`${clock.now()} ${line} ${active}`))
  const acts: string[] = []
  const changes: GpioLine[] = []
  const warnings: string[] = []
  const log: Log = {
    ...silentLog,
    warn: (_, message) => warnings.push(message),
    error: (_, m) => warnings.push(m),
  }
  const gpio = startGpio({
    clock,
    log,
    act: async (board, action) => void acts.push(`${board} ${action}`),
    onChange: line => changes.push(line),
    boardIdOf: async board => ids[board],
    backend: chip,
    ...options,
    settings: { ...settings, ...options.settings },
  })
  t.teardown(() => gpio.stop())
  const pass = async (ms: number) => {
    const end = clock.now() + ms
    clock.setTimer(ms, () => undefined)
    while (clock.now() < end) {
      await turn()
      clock.step()
    }
    await turn()
  }
  const line = (name: string) => {
    const found = gpio.view().lines.find(each => each.name === name)
    if (found === undefined) throw new Error(`no line ${name}`)
    return found
  }
  await gpio.ready
  return { clock, chip, gpio, acts, changes, seen, warnings, line, pass }
}

const inUse = new AppError('gpio_failed', 'The line 17 is in use by spi0 CS1.')

t.test('a press at the button is one action on its board, and a line that everybody can see', async t => {
  const rig = await start(t)
  t.match(rig.gpio.view(), {
    enabled: true,
    backend: 'memory',
    lines: [
      {
        name: 'button-17',
        role: 'button',
        chip: 'memory',
        line: 17,
        active: false,
        action: 'next',
        boardId: null,
      },
      { name: 'stop', role: 'button', line: 27, action: 'stop', boardId: stageId, edges: 0, trouble: null },
      { name: 'status-led', role: 'status-led', line: 22, active: true, action: null, boardId: null },
      { name: 'reset-stage', role: 'reset', line: 23, active: false, action: null, boardId: stageId },
    ],
  })
  rig.changes.length = 0
  for (const [ms, active] of [
    [2, true],
    [1, false],
    [3, true],
    [1, false],
    [400, true],
    [100, false],
  ] as const) {
    rig.chip.press(17, active)
    await rig.pass(ms)
  }
  t.same(rig.acts, ['null next'])
  t.same(
    rig.changes.map(({ name, active }) => `${name} ${active}`),
    ['button-17 true', 'button-17 false'],
  )
  t.match(rig.line('button-17'), { active: false, edges: 6, changedAt: /^2026-01-01T00:00:00\.4/ })
  rig.chip.press(27, true)
  await rig.pass(49)
  t.equal(rig.line('stop').active, false, 'each button has its own debounce time')
  await rig.pass(2)
  t.equal(rig.line('stop').active, true)
  t.same(rig.acts, ['null next', 'stage stop'])
  await rig.pass(60_000)
  t.equal(rig.acts.length, 2, 'holding does nothing more')
})

t.test(
  'presses are carried out in order, a failure is told in the log, and there is an end to their queue',
  async t => {
    const waiting: (() => void)[] = []
    let failing = false
    const acts: string[] = []
    const rig = await start(t, {
      act: (_, action) => {
        acts.push(action)
        if (failing) throw new Error('The board is not connected.')
        return new Promise<void>(resolve => waiting.push(resolve))
      },
    })
    const press = async () => {
      rig.chip.press(17, true)
      await rig.pass(30)
      rig.chip.press(17, false)
      await rig.pass(30)
    }
    for (let i = 0; i < 12; i++) await press()
    t.equal(acts.length, 1, 'one at a time')
    t.equal(rig.warnings.length, 4, 'eight wait or run')
    t.match(rig.warnings[0], /left out/)
    while (waiting.length > 0) {
      waiting.shift()?.()
      await turn()
    }
    t.equal(acts.length, 8)
    failing = true
    await press()
    t.match(rig.warnings.at(-1), /could not be carried out: The board is not connected/)
  },
)

t.test('a button that is held when the gateway starts is no press', async t => {
  const chip = new MemoryChip()
  chip.press(17, true)
  const rig = await start(t, { backend: chip })
  await rig.pass(1000)
  t.same(rig.acts, [])
  t.equal(rig.line('button-17').active, true)
  chip.press(17, false)
  await rig.pass(100)
  chip.press(17, true)
  await rig.pass(100)
  t.same(rig.acts, ['null next'])
})

t.test('the LED plays the status, and blinking is no change that is told', async t => {
  const rig = await start(t)
  rig.changes.length = 0
  t.same(rig.seen, ['0 22 true'])
  rig.gpio.setStatus('upload')
  rig.gpio.setStatus('upload')
  await rig.pass(1100)
  t.same(rig.seen, ['0 22 true', '250 22 false', '500 22 true', '750 22 false', '1000 22 true'])
  t.same(
    rig.changes.map(({ name }) => name),
    ['status-led'],
  )
  rig.gpio.setStatus('fault')
  await rig.pass(500)
  rig.gpio.setStatus('idle')
  await rig.pass(10_000)
  t.equal(rig.chip.level(22), true)
  t.match(rig.line('status-led'), { edges: 9, trouble: null })
})

t.test('a status that is set while the LED cannot be had is shown when it is back', async t => {
  const chip = new MemoryChip()
  chip.refuse(22, inUse)
  const rig = await start(t, { backend: chip })
  rig.gpio.setStatus('upload')
  t.match(rig.line('status-led'), { active: false, trouble: inUse.message })
  chip.refuse(22, undefined)
  await rig.pass(1100)
  t.match(rig.line('status-led'), { active: true, trouble: null })
  chip.lose(22)
  t.match(rig.line('status-led'), { active: false, trouble: /taken away/ })
  await rig.pass(3000)
  t.equal(rig.line('status-led').trouble, null)
})

t.test('the reset line is pulled for its pulse and released; pulls at once are one', async t => {
  const rig = await start(t, { settings: { statusLed: null } })
  const both = [rig.gpio.resetBoard(stageId), rig.gpio.resetBoard('stage')]
  await turn()
  t.equal(rig.line('reset-stage').active, true)
  await rig.pass(200)
  t.same(await Promise.all(both), [true, true])
  t.same(rig.seen, ['0 23 true', '100 23 false'])
  t.match(rig.line('reset-stage'), { active: false, edges: 2, trouble: null })
  t.equal(await rig.gpio.resetBoard('another'), false)
})

t.test('stopping in the middle of a pulse releases the line', async t => {
  const rig = await start(t, { settings: { statusLed: null } })
  const pulled = rig.gpio.resetBoard(stageId)
  await turn()
  t.equal(rig.chip.level(23), true)
  await rig.gpio.stop()
  t.same(rig.seen, ['0 23 true', '0 23 false'])
  t.equal(rig.chip.level(23), undefined, 'nobody holds it')
  t.equal(await pulled, true)
  await rig.gpio.stop()
})

/** A chip whose outputs fail as told, on top of one that works. */
class FaultyChip implements PinBackend {
  readonly name = 'memory'
  readonly chip = new MemoryChip()
  readonly levels: boolean[] = []
  fault: 'none' | 'pull' | 'release' | 'hang' = 'none'

  async open(request: PinRequest) {
    const pin = await this.chip.open(request)
    return {
      ...pin,
      write: (active: boolean) => {
        if (this.fault === 'hang') return new Promise<void>(() => undefined)
        if (this.fault === (active ? 'pull' : 'release')) return Promise.reject(inUse)
        this.levels.push(active)
        return pin.write(active)
      },
      close: () => {
        this.levels.push(false)
        return pin.close()
      },
    }
  }
}

t.test('a line that cannot be pulled or released is let go by closing it, within its deadline', async t => {
  for (const fault of ['pull', 'release', 'hang'] as const) {
    const faulty = new FaultyChip()
    const rig = await start(t, { backend: faulty, settings: { statusLed: null } })
    faulty.fault = fault
    const pulled = t.rejects(rig.gpio.resetBoard(stageId), { code: 'gpio_failed' }, fault)
    await rig.pass(2000)
    await pulled
    t.equal(faulty.levels.at(-1), false, `${fault}: closed`)
    faulty.fault = 'none'
    await rig.pass(2000)
    t.equal(rig.line('reset-stage').trouble, null, 'and opened anew')
    const again = rig.gpio.resetBoard(stageId)
    await rig.pass(200)
    t.equal(await again, true)
    await rig.gpio.stop()
  }
})

t.test(
  'a line that cannot be had is shown with why, the others work, and it is tried again ever more seldom',
  async t => {
    const chip = new MemoryChip()
    let tries = 0
    const backend: PinBackend = {
      name: 'memory',
      open: request => {
        if (request.line === 17) tries++
        return chip.open(request)
      },
    }
    chip.refuse(17, inUse)
    chip.refuse(23, inUse)
    const rig = await start(t, { backend })
    t.match(rig.line('button-17'), { trouble: inUse.message, active: false })
    t.equal(rig.line('stop').trouble, null)
    await t.rejects(rig.gpio.resetBoard(stageId), { code: 'gpio_failed', message: inUse.message })
    await rig.pass(61_500)
    t.equal(tries, 7, 'after 1, 2, 4, 8, 16, 30 s')
    await rig.pass(10 * maxDelayMs)
    t.equal(tries, 17)
    t.equal(rig.warnings.filter(text => text === inUse.message).length, 2, 'told once for each line')
    chip.refuse(17, undefined)
    await rig.pass(maxDelayMs)
    t.equal(rig.line('button-17').trouble, null)
    t.match(rig.changes.at(-1), { name: 'button-17', trouble: null })
    chip.press(17, true)
    await rig.pass(100)
    t.same(rig.acts, ['null next'])
  },
)

t.test('an input that flutters without end is left alone for a while', async t => {
  const rig = await start(t)
  for (let i = 0; i <= mostEdgesPerSecond; i++) rig.chip.press(17, i % 2 === 0)
  t.match(rig.line('button-17'), {
    trouble: /changes more than 1000 times a second.*pull-up/s,
    active: false,
  })
  await rig.pass(1100)
  t.equal(rig.line('button-17').trouble, null)
})

t.test('a listener that throws, a fault that is no AppError and unknown boards harm nobody', async t => {
  const rig = await start(t, {
    boardIdOf: () => Promise.reject(new Error('the database is gone')),
    onChange: () => {
      throw new Error('nobody listens')
    },
    backend: { name: 'memory', open: () => Promise.reject(new TypeError('surprise')) },
  })
  t.match(rig.line('stop'), { boardId: 'stage', trouble: /surprise/ })
  t.ok(rig.warnings.some(text => /could not be told/.test(text)))
  t.equal(await rig.gpio.resetBoard(stageId), false)
})

t.test('a board that is met later gets its id in the view', async t => {
  let known = false
  const rig = await start(t, { boardIdOf: async () => (known ? stageId : undefined) })
  t.equal(rig.line('stop').boardId, 'stage')
  known = true
  await rig.gpio.refreshBoards()
  t.equal(rig.line('stop').boardId, stageId)
})

t.test('simulated presses go the way of real ones, in order', async t => {
  const rig = await start(t)
  const presses = [1, 2, 3].map(() => rig.gpio.simulate('button-17', 'press'))
  await rig.pass(500)
  await Promise.all(presses)
  t.same(rig.acts, ['null next', 'null next', 'null next'])
  const down = rig.gpio.simulate('stop', 'down')
  await rig.pass(100)
  await down
  t.equal(rig.line('stop').active, true)
  const up = rig.gpio.simulate('stop', 'up')
  await rig.pass(100)
  await up
  t.match(rig.line('stop'), { active: false, edges: 2 })
  await t.rejects(rig.gpio.simulate('nobody', 'press'), { code: 'not_found' })
  await t.rejects(rig.gpio.simulate('status-led', 'press'), { code: 'conflict', message: /output/ })
  const many = Promise.allSettled(Array.from({ length: 40 }, () => rig.gpio.simulate('stop', 'down')))
  await rig.pass(10_000)
  const refused = (await many).filter(({ status }) => status === 'rejected')
  t.equal(refused.length, 8)
  t.match(refused[0], { reason: { code: 'overloaded' } })
})

t.test('without gpio.enabled nothing is opened and everything says so', async t => {
  const rig = await start(t, { settings: { enabled: false } })
  t.same(rig.gpio.view(), { enabled: false, backend: null, lines: [] })
  await t.rejects(rig.gpio.simulate('button-17', 'press'), { code: 'conflict', message: /not enabled/ })
  t.equal(await rig.gpio.resetBoard(stageId), false)
  rig.gpio.setStatus('fault')
  t.same(rig.changes, [])
})

t.test('over HTTP the lines are read, simulated and pulled, by those who may', async t => {
  const memory = (chosen: Partial<GpioSettings>, clock: Clock = systemClock) => {
    const gpio = startGpio({
      settings: { ...settings, ...chosen },
      clock,
      log: silentLog,
      act: async () => undefined,
      boardIdOf: async board => ids[board],
    })
    t.teardown(() => gpio.stop())
    return gpio
  }
  const serve = async (gpio: GpioControl, role: 'viewer' | 'operator') => {
    const find = async (text: string) => {
      if (text === 'stage') return { id: stageId, name: 'stage' }
      if (text === 'bare') return { id: 'bare', name: 'bare' }
      throw new AppError('not_found', `No board is called "${text}".`)
    }
    const core = { book: { find } } as unknown as GatewayCore
    const api = apiOf(gpioOperations({ core, gpio, boardLog: { add: () => undefined } }))
    const lan = doorFor({ ...localPrincipal, role })
    const server = createServer(createHttp({ log: silentLog, clock: systemClock, api, lan }))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    return async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
        method,
        ...(body !== undefined && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
  }
  const call = await serve(memory({}), 'operator')
  t.match(await call('GET', '/gpio'), {
    status: 200,
    body: { enabled: true, backend: 'memory', lines: { length: 4 }, total: 4, nextCursor: null },
  })
  const { lines, nextCursor } = (await call('GET', '/gpio?limit=3')).body as {
    lines: { name: string }[]
    nextCursor: string
  }
  t.equal(nextCursor, lines[2]?.name)
  t.match(await call('GET', `/gpio?cursor=${nextCursor}`), { body: { lines: { length: 1 }, total: 4 } })
  t.match(await call('POST', '/gpio/button-17/simulate', { action: 'press' }), {
    status: 200,
    body: { line: { name: 'button-17', active: false, edges: 2 } },
  })
  t.match(await call('POST', '/gpio/nobody/simulate', { action: 'press' }), {
    status: 404,
    body: { code: 'not_found' },
  })
  t.match(await call('POST', '/gpio/button-17/simulate', { action: 'kick' }), {
    status: 422,
    body: { code: 'invalid' },
  })
  t.match(await call('POST', '/boards/stage/reset'), { status: 200, body: { reset: true, boardId: stageId } })
  t.match(await call('POST', '/boards/bare/reset'), {
    status: 409,
    body: { code: 'conflict', detail: /gpio.resetLines/ },
  })
  t.match(await call('POST', '/boards/nobody/reset'), { status: 404 })
  const off = await serve(memory({ enabled: false }), 'operator')
  t.match(await off('POST', '/boards/stage/reset'), { status: 409, body: { detail: /not enabled/ } })
  t.match(await off('POST', '/gpio/button-17/simulate', { action: 'press' }), { status: 409 })
  const real = memory({ backend: 'gpiod', buttons: settings.buttons })
  const pins = await serve(real, 'operator')
  t.match(await pins('POST', '/gpio/button-17/simulate', { action: 'press' }), {
    status: 409,
    body: { code: 'conflict', detail: /pins are real/ },
  })
  await real.ready
  t.match(await pins('POST', '/boards/stage/reset'), { status: 503, body: { code: 'gpio_failed' } })
  const viewer = await serve(memory({}), 'viewer')
  t.match(await viewer('GET', '/gpio'), { status: 200 })
  t.match(await viewer('POST', '/gpio/button-17/simulate', { action: 'press' }), { status: 403 })
  t.match(await viewer('POST', '/boards/stage/reset'), { status: 403 })
})

const lines: GpioSettings['lines'] = [
  { kind: 'input', name: 'door', line: 5, activeLow: true, debounceMs: 20 },
  { kind: 'output', name: 'pump', line: 6, activeLow: false, initial: false, maxPulseMs: 500 },
  { kind: 'output', line: 7, activeLow: true, initial: true, maxPulseMs: 1000 },
]

t.test('an input is watched: its change is told once it has held, with the time of its edge', async t => {
  const rig = await start(t, { settings: { lines } })
  await rig.pass(1000)
  rig.changes.length = 0
  rig.chip.press(5, true)
  await rig.pass(5)
  rig.chip.press(5, false)
  rig.chip.press(5, true)
  await rig.pass(14)
  t.same(rig.changes, [])
  await rig.pass(11)
  t.match(rig.changes, [
    { name: 'door', role: 'input', active: true, edges: 3, monotonicMs: 1005, action: null },
  ])
  t.equal(rig.line('door').changedAt, new Date(rig.clock.wallTime() - 25).toISOString())
  t.same(rig.acts, [], 'it does nothing by itself')
  await Promise.all([rig.gpio.simulate('door', 'up'), rig.pass(100)])
  t.equal(rig.line('door').active, false)
})

t.test('an output is switched and pulsed, and what comes later wins', async t => {
  const rig = await start(t, { settings: { lines } })
  t.equal(rig.chip.level(6), false)
  t.equal(rig.chip.level(7), true, 'as it is at the start')
  rig.seen.length = 0
  await rig.gpio.set('pump', true)
  await rig.gpio.set('pump', true)
  t.match(rig.line('pump'), { role: 'output', active: true, edges: 1, trouble: null })
  await rig.gpio.set('output-7', false)
  const pulsing = rig.gpio.pulse('pump', 200)
  await rig.pass(150)
  await t.rejects(rig.gpio.pulse('pump', 10), { code: 'conflict', message: /under way/ })
  t.equal(rig.chip.level(6), true)
  await rig.pass(50)
  await pulsing
  t.equal(rig.chip.level(6), false)
  t.same(rig.seen, ['0 6 true', '0 7 false', '200 6 false'])
  await t.rejects(rig.gpio.pulse('pump', 501), { code: 'invalid', message: /500 ms at most/ })

  const cut = t.rejects(rig.gpio.pulse('pump', 500), { code: 'cancelled' })
  await rig.pass(100)
  await rig.gpio.set('pump', true)
  await cut
  await rig.pass(1000)
  t.equal(rig.chip.level(6), true, 'the end of the pulse that was cut does not switch it off')

  for (const name of ['door', 'stop', 'status-led', 'reset-stage'])
    for (const refused of [rig.gpio.set(name, true), rig.gpio.pulse(name, 10)])
      await t.rejects(refused, { code: 'conflict', message: /no output/ }, name)
  await t.rejects(rig.gpio.set('nothing', true), { code: 'not_found' })
  t.equal(rig.chip.level(23), false, 'a reset line is not driven')

  const last = t.rejects(rig.gpio.pulse('output-7', 1000), { code: 'cancelled' })
  await rig.pass(10)
  await rig.gpio.stop()
  await last
  t.equal(rig.chip.level(6), undefined)
  t.ok(
    rig.seen.some(text => text.endsWith(' 6 false')),
    'off at the end',
  )
})

t.test('an output that is lost is off, refuses, and is back as it is at the start', async t => {
  const rig = await start(t, { settings: { lines } })
  await rig.gpio.set('pump', true)
  const cut = t.rejects(rig.gpio.pulse('output-7', 800), { code: 'gpio_failed' })
  await rig.pass(10)
  rig.chip.lose(6)
  rig.chip.lose(7)
  await cut
  t.match(rig.line('pump'), { active: false, trouble: /taken away/ })
  await t.rejects(rig.gpio.set('pump', true), { code: 'gpio_failed' })
  await rig.pass(2000)
  t.match(rig.line('pump'), { active: false, trouble: null })
  t.match(rig.line('output-7'), { active: true, trouble: null })
  const off = await start(t, { settings: { enabled: false, lines } })
  await t.rejects(off.gpio.set('pump', true), { code: 'conflict', message: /gpio.enabled/ })
})
