import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Gpio, ValueCallback } from 'onoff'
import t, { type Test } from 'tap'
import { onoffBackend } from '../../src/gpio/onoff-backend.ts'
import { onoffError } from '../../src/gpio/onoff-error.ts'
import type { PinRequest } from '../../src/gpio/pin.ts'
import { listSysfsChips } from '../../src/gpio/sysfs-chips.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { until } from './fake-chip.ts'

const clock = systemClock
const input: PinRequest = {
  chip: 'auto',
  line: 17,
  direction: 'in',
  activeLow: true,
  bias: 'pull-up',
  drive: 'push-pull',
}
const output: PinRequest = { ...input, line: 22, direction: 'out', activeLow: false }
const reset: PinRequest = { ...output, line: 27, activeLow: true, drive: 'open-drain' }

/** A fake of /sys/class/gpio: its files are plain, so lines that a test exports have to be there already. */
function fakeSysfs(t: Pick<Test, 'teardown'>, base: number, lines: readonly number[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'fake-sysfs-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  fillSysfs(folder, base, lines)
  return folder
}

function fillSysfs(folder: string, base: number, lines: readonly number[]): void {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const chip = (name: string, label: string, first: number, count: number) => {
    mkdirSync(join(folder, name))
    for (const [file, text] of [
      ['label', label],
      ['base', first],
      ['ngpio', count],
    ])
      write(`${name}/${file}`, `${text}\n`)
  }
  chip(`gpiochip${base + 54}`, 'raspberrypi-exp-gpio', base + 54, 8)
  chip(`gpiochip${base}`, 'pinctrl-bcm2835', base, 54)
  for (const name of ['export', 'unexport']) write(name, '')
  for (const line of lines) {
    mkdirSync(join(folder, `gpio${base + line}`))
    for (const [file, text] of [
      ['value', '1'],
      ['direction', 'in'],
      ['active_low', '0'],
      ['edge', 'none'],
    ])
      write(`gpio${base + line}/${file}`, `${text}\n`)
  }
}

/** A fake of onoff's class: remembers what it was told. */
class FakeGpio {
  static readonly all: FakeGpio[] = []
  readonly told: string[] = []
  readonly number: number
  level: 0 | 1 = 0
  fault: (Error & { code?: string }) | undefined
  #activeLow = false
  listener: ValueCallback | undefined

  constructor(number: number, direction: string, edge: string, options: { activeLow?: boolean }) {
    this.number = number
    this.told.push(`${direction} ${edge} ${options.activeLow}`)
    FakeGpio.all.push(this)
  }
  activeLow(): boolean {
    return this.#activeLow
  }
  setActiveLow(invert: boolean): void {
    this.#activeLow = invert
  }
  setEdge(edge: string): void {
    this.#check()
    this.told.push(`edge ${edge}`)
  }
  setDirection(direction: string): void {
    this.#check()
    this.told.push(direction)
  }
  readSync(): 0 | 1 {
    return this.level
  }
  watch(listener: ValueCallback): void {
    this.listener = listener
  }
  unexport(): void {
    this.#check()
    this.told.push('unexport')
  }
  #check(): void {
    if (this.fault !== undefined) throw this.fault
  }
}

const fault = (code: string) => Object.assign(new Error(`${code}: refused`), { code })
const last = (): FakeGpio => {
  const gpio = FakeGpio.all.at(-1)
  if (gpio === undefined) throw new Error('none was made')
  return gpio
}
const messageOf = (thrown: unknown): string => (thrown as AppError).message

t.test('the number of a line is the base of its chip and its offset, wherever the chip begins', async t => {
  for (const base of [0, 504, 512]) {
    const folder = fakeSysfs(t, base, [17])
    t.same(
      (await listSysfsChips(folder)).map(({ label, base, lines }) => ({ label, base, lines })),
      [
        { label: 'pinctrl-bcm2835', base, lines: 54 },
        { label: 'raspberrypi-exp-gpio', base: base + 54, lines: 8 },
      ].sort((a, b) => `${a.base}`.localeCompare(`${b.base}`)),
    )
    const backend = await onoffBackend({ clock, folder, gpio: FakeGpio as unknown as typeof Gpio })
    for (const chip of ['auto', 'pinctrl-bcm2835', `gpiochip${base}`]) {
      const pin = await backend.open({ ...input, chip })
      t.equal(last().number, base + 17)
      t.equal(pin.chip, 'pinctrl-bcm2835')
      await pin.close()
    }
  }
})

t.test('an input tells its edges, and an error of its watch is a loss', async t => {
  const folder = fakeSysfs(t, 512, [17])
  const backend = await onoffBackend({ clock, folder, gpio: FakeGpio as unknown as typeof Gpio })
  const pin = await backend.open(input)
  const gpio = last()
  t.same(gpio.told, ['in both true', 'edge both'])
  t.equal(gpio.activeLow(), true, 'the polarity is checked, for onoff may say nothing of it')
  const told: boolean[] = []
  pin.watch(active => told.push(active))
  gpio.listener?.(null, 1)
  gpio.listener?.(undefined, 0)
  t.same(told, [true, false])
  t.equal(pin.read(), false)
  const lost: string[] = []
  gpio.listener?.(fault('ENODEV'), 0)
  pin.onLost(error => lost.push(error.message))
  gpio.listener?.(fault('ENODEV'), 0)
  t.match(lost, [/not there any more/], 'once, also for a listener that comes late')
  await pin.close()
  await pin.close()
  t.same(gpio.told.at(-1), 'unexport')
})

t.test(
  'an output is set by direction, so that no moment has another level, and a reset line is never high',
  async t => {
    const folder = fakeSysfs(t, 512, [22, 27])
    const backend = await onoffBackend({ clock, folder, gpio: FakeGpio as unknown as typeof Gpio })
    const led = await backend.open(output)
    t.same(last().told, ['low none false', 'low'])
    await led.write(true)
    t.equal(led.read(), true)
    await led.close()
    t.same(last().told.slice(2), ['high', 'low', 'unexport'])
    await t.rejects(led.write(true), { code: 'gpio_failed', message: /closed/ })
    const line = await backend.open(reset)
    await line.write(true)
    await line.write(false)
    t.same(last().told, ['in none true', 'in', 'low', 'in'])
    const gpio = last()
    gpio.fault = fault('EROFS')
    const lost: string[] = []
    line.onLost(error => lost.push(error.message))
    await t.rejects(line.write(true), { code: 'gpio_failed', message: /ReadWritePaths/ })
    t.equal(lost.length, 1)
    await line.close()
  },
)

t.test('what sysfs refuses is told in plain words', async t => {
  const words = (code: string) => onoffError(fault(code), 'pinctrl-bcm2835', 17, 529).message
  t.match(words('EBUSY'), /line 17 of pinctrl-bcm2835 \(number 529 in sysfs\) is in use/)
  t.match(words('EINVAL'), /does not know.*BCM number/)
  t.match(words('EACCES'), /usermod -aG gpio/)
  t.match(words('EPERM'), /edges/)
  t.match(words('EROFS'), /ReadWritePaths=\/sys\/class\/gpio \/sys\/devices/)
  t.match(words('ENOENT'), /not there any more/)
  t.match(words('EIO'), /cannot be used: EIO: refused/)
  t.match(onoffError('text', 'x', 1, 1).message, /cannot be used: text/)
  const known = new AppError('gpio_failed', 'known')
  t.equal(onoffError(known, 'x', 1, 1), known)

  const folder = fakeSysfs(t, 512, [17])
  const gpio = class extends FakeGpio {
    override setEdge(): void {
      throw fault('EINVAL')
    }
  }
  const refusing = await onoffBackend({ clock, folder, gpio: gpio as unknown as typeof Gpio })
  t.match(await refusing.open(input).then(String, messageOf), /number 529 in sysfs/)
  t.equal(last().told.at(-1), 'unexport', 'what was taken is given back')
  const backend = await onoffBackend({ clock, folder, gpio: FakeGpio as unknown as typeof Gpio })
  const refusal = (request: PinRequest) => backend.open(request).then(String, messageOf)
  t.match(await refusal({ ...input, line: 54 }), /lines 0 to 53/)
  t.match(await refusal({ ...input, chip: 'pinctrl-rp1' }), /no GPIO chip pinctrl-rp1. Present:/)
  const nowhere = await onoffBackend({
    clock,
    folder: `${folder}/no`,
    gpio: FakeGpio as unknown as typeof Gpio,
  })
  t.match(await nowhere.open(input).then(String, messageOf), /kernel has no .*apt-get install gpiod/)
  mkdirSync(join(folder, 'gpiochip900'))
  t.equal((await listSysfsChips(folder)).length, 2, 'a chip that goes away meanwhile is passed over')
})

t.test('a line whose files come late is waited for, one whose files never come is told', async t => {
  const folder = fakeSysfs(t, 512, [])
  const backend = await onoffBackend({ clock, folder, gpio: FakeGpio as unknown as typeof Gpio })
  const opened = backend.open(output)
  setTimeout(() => {
    mkdirSync(join(folder, 'gpio534'))
    for (const file of ['value', 'direction', 'active_low'])
      writeFileSync(join(folder, 'gpio534', file), '0\n')
  }, 50)
  await (await opened).close()
  t.equal(readFileSync(join(folder, 'export'), 'utf8'), '534')
  const later = new VirtualClock()
  const patient = await onoffBackend({ clock: later, folder, gpio: FakeGpio as unknown as typeof Gpio })
  let told = ''
  void patient
    .open(reset)
    .then(String, messageOf)
    .then(text => {
      told = text
    })
  await until(() => {
    later.step()
    return told !== ''
  }, 'answer')
  t.match(told, /line 27 .*not there any more/)
  t.ok(later.now() >= 2000)
  if (process.getuid?.() === 0) return
  chmodSync(join(folder, 'gpio534', 'value'), 0o400)
  t.match(await backend.open(output).then(String, messageOf), /group gpio/)
})

const run = promisify(execFile)
const canUnshare = await run('unshare', ['-rm', 'true']).then(
  () => true,
  () => false,
)

/** Runs in a mount namespace of its own, where /sys/class is a fake. */
const realOnoff = `
  import { onoffBackend } from ${JSON.stringify(fileURLToPath(new URL('../../src/gpio/onoff-backend.ts', import.meta.url)))}
  import { systemClock } from ${JSON.stringify(fileURLToPath(new URL('../../src/kernel/clock.ts', import.meta.url)))}
  import { readFileSync } from 'node:fs'
  const backend = await onoffBackend({ clock: systemClock })
  const direction = line => readFileSync('/sys/class/gpio/gpio' + (512 + line) + '/direction', 'utf8').trim()
  const told = []
  const led = await backend.open(${JSON.stringify(output)})
  told.push(direction(22))
  await led.write(true)
  told.push(direction(22))
  await led.close()
  told.push(direction(22))
  const reset = await backend.open(${JSON.stringify(reset)})
  await reset.write(true)
  told.push(direction(27), readFileSync('/sys/class/gpio/gpio539/active_low', 'utf8').trim())
  await reset.close()
  told.push(direction(27))
  told.push(await backend.open(${JSON.stringify(input)}).then(() => 'opened', error => error.message))
  console.log(JSON.stringify(told))
  process.exit(0)`

t.test(
  'the real onoff drives outputs of a fake of sysfs, and cannot watch it',
  { skip: canUnshare && existsSync('/sys/class') ? false : 'needs a mount namespace' },
  async t => {
    const folder = fakeSysfs(t, 512, [17, 22, 27])
    const script = join(folder, 'script.mjs')
    writeFileSync(script, realOnoff)
    // The repository's loader turns TypeScript into JavaScript; the fake is copied onto a tmpfs over /sys/class.
    const shell = `mount -t tmpfs fake /sys/class && mkdir /sys/class/gpio && cp -r ${folder}/. /sys/class/gpio && exec "$0" --import tsx /sys/class/gpio/script.mjs`
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const { stdout } = await run('unshare', ['-rm', 'sh', '-c', shell, process.execPath], {
      cwd: root,
      timeout: 30_000,
    })
    const told = JSON.parse(stdout) as string[]
    t.same(told.slice(0, 6), ['low', 'high', 'low', 'low', '1', 'in'])
    t.match(told[6], /does not let edges of the line 17/)
  },
)
