import type { BoardView } from '../../src/wire/board.ts'
import type { GpioLineView, GpioView } from '../../src/wire/gpio.ts'
import { type Guest, until } from './guest.ts'
import type { Machine } from './machine.ts'
import { type Report, StepSkipped } from './report.ts'

/** The machine's PL061 (QEMU, hw/arm/virt.c), and two of its registers (ARM DDI 0190B, 3.2). */
const chip = '9030000.pl061'
const dataRegister = 0x0903_03fc
const directionRegister = 0x0903_0400
/** The line of the power key, which QMP's system_powerdown pulls high for 100 ms. */
const keyLine = 3
const ledLine = 5
const resetLine = 6
const pulseMs = 2_000
const restartTimeoutMs = 330_000
const presses = 3

type Backend = 'gpiod' | 'onoff'

/** Lines of a real kernel, through both of the gateway's ways, judged at the chip's registers from outside of the machine. */
export async function runGpioSteps(report: Report, machine: Machine, withBoard = true): Promise<void> {
  for (const backend of ['gpiod', 'onoff'] as const) await runBackend(report, machine, backend, withBoard)
}

async function runBackend(
  report: Report,
  machine: Machine,
  backend: Backend,
  withBoard: boolean,
): Promise<void> {
  const { guest, qmp } = machine
  const taken = `${backend}: the hardened service takes its lines`
  await report.step(taken, restartTimeoutMs + 30_000, async () => {
    const board = await firstBoard(guest)
    await configure(guest, backend, board?.id)
    await guest.run('systemctl restart pixelgate.service', restartTimeoutMs)
    const lines = await until(
      async () => {
        const now = await guest.api<GpioView>('GET', '/gpio')
        return now.lines.length > 0 && now.lines.every(({ trouble }) => trouble === null) && now
      },
      'the lines',
      20_000,
    ).catch(async () => {
      throw new Error(JSON.stringify(await guest.api('GET', '/gpio')))
    })
    if (lines.backend !== backend) throw new Error(`it took ${lines.backend}`)
    return `${(await kernelsView(guest)).join('; ')}`
  })

  await report.step(
    `${backend}: the status LED is lit at the chip itself`,
    30_000,
    async () => {
      const lit = await until(
        async () => {
          const now = await levels(machine)
          return now.output(ledLine) && now.high(ledLine) && now
        },
        'the line to be an output and high',
        15_000,
      )
      const { active } = await lineOf(guest, 'status-led')
      if (!active) throw new Error('the API says that it is dark')
      return `registers ${lit.words}; active in the API`
    },
    [taken],
  )

  await report.step(
    `${backend}: presses of the power key come as edges of the button, and act`,
    120_000,
    async () => {
      if (withBoard) await until(async () => (await firstBoard(guest))?.status, 'the board to greet', 60_000)
      for (let press = 1; press <= presses; press++) {
        await qmp.ask('system_powerdown')
        await until(async () => (await lineOf(guest, 'key')).edges >= 2 * press, '', 2_000, 50).catch(
          () => '',
        )
      }
      const { edges, active, changedAt } = await lineOf(guest, 'key')
      // The character device queues edges. sysfs only has the level of the moment, and 100 ms are short on an emulated core.
      const enough = backend === 'gpiod' ? edges === 2 * presses : edges >= 2 && edges <= 2 * presses
      if (!enough || active) throw new Error(`${edges} edges of ${presses} presses, active: ${active}`)
      const identifies = async () => (await firstBoard(guest))?.status?.mode === 'identify'
      const acted = withBoard
        ? await until(identifies, 'the board to identify itself', 20_000, 100).then(
            () => 'the board identified itself',
            async (thrown: Error) => {
              const journal = await guest.run('journalctl -u pixelgate -o cat --no-pager | tail -n 6')
              throw new Error(
                `${thrown.message}; its status ${JSON.stringify(await firstBoard(guest))}\n${journal}`,
              )
            },
          )
        : 'no board was there to act on'
      return `${presses} presses, ${edges} edges, the last at ${changedAt}; ${acted}`
    },
    [taken],
  )

  await report.step(
    `${backend}: a reset line is pulled low, let go, and never driven high`,
    30_000,
    async () => {
      if (!withBoard) throw new StepSkipped('a reset line belongs to a board, and none was plugged in')
      const line = await lineOf(guest, 'reset')
      const before = await levels(machine)
      const pulled = guest.api('POST', `/boards/${line.boardId}/reset`)
      const during = await until(
        async () => {
          const now = await levels(machine)
          return now.output(resetLine) && now
        },
        'the line to be driven',
        10_000,
        10,
      )
      await pulled
      const after = await until(
        async () => {
          const now = await levels(machine)
          return !now.output(resetLine) && now
        },
        'the line to be let go',
        pulseMs + 5_000,
        10,
      )
      if (before.output(resetLine)) throw new Error(`it was driven before: ${before.words}`)
      if (during.high(resetLine)) throw new Error(`it was driven high: ${during.words}`)
      return `before ${before.words}, during ${during.words}, after ${after.words}`
    },
    [taken],
  )
}

const firstBoard = async (guest: Guest): Promise<BoardView | undefined> =>
  (await guest.api<{ boards: readonly BoardView[] }>('GET', '/boards')).boards[0]

async function configure(guest: Guest, backend: Backend, board: string | undefined): Promise<void> {
  const gpio = {
    enabled: true,
    backend,
    chip,
    // The key is down for 100 ms, and an emulated core may be later than that: a debouncer would see no press.
    buttons: [{ name: 'key', line: keyLine, action: 'identify', activeLow: false, debounceMs: 0 }],
    statusLed: { line: ledLine, activeLow: false },
    resetLines: board === undefined ? [] : [{ board, line: resetLine, pulseMs }],
  }
  const config = '/etc/pixelgate/config.json'
  const dropIn = '/etc/systemd/system/pixelgate.service.d/sysfs-gpio.conf'
  // As docs/install.md says; the character device needs nothing of the kind.
  const fence =
    backend === 'onoff'
      ? `cp /usr/lib/pixelgate/systemd/pixelgate-sysfs-gpio.conf ${dropIn}`
      : `rm -f ${dropIn}`
  await guest.run(`
    node -e '
      const config = JSON.parse(fs.readFileSync("${config}", "utf8"))
      config.gpio = ${JSON.stringify(gpio)}
      fs.writeFileSync("${config}", JSON.stringify(config))
    ' && ${fence} && systemctl daemon-reload`)
}

async function lineOf(guest: Guest, nameOrRole: string): Promise<GpioLineView> {
  const { lines } = await guest.api<GpioView>('GET', '/gpio')
  const line = lines.find(({ name, role }) => name === nameOrRole || role === nameOrRole)
  if (line === undefined) throw new Error(`no line ${nameOrRole}: ${JSON.stringify(lines)}`)
  return line
}

/** Lines in use as the kernel has them. */
async function kernelsView(guest: Guest): Promise<string[]> {
  const said = await guest.run('cat /sys/kernel/debug/gpio')
  return said
    .split('\n')
    .filter(line => line.includes('gpio-'))
    .map(line => line.trim().replace(/\s+/g, ' '))
}

interface Levels {
  output(line: number): boolean
  high(line: number): boolean
  readonly words: string
}

/** The chip's registers, read by the emulator and not by the guest. */
async function levels({ qmp }: Machine): Promise<Levels> {
  const read = async (address: number) => {
    const command = `xp /1wx 0x${address.toString(16)}`
    const said = String(await qmp.ask('human-monitor-command', { 'command-line': command }))
    return Number(/: (0x[0-9a-f]+)/.exec(said)?.[1])
  }
  const [data, direction] = [await read(dataRegister), await read(directionRegister)]
  const bits = (value: number) => value.toString(2).padStart(8, '0')
  return {
    output: line => ((direction >> line) & 1) === 1,
    high: line => ((data >> line) & 1) === 1,
    words: `direction ${bits(direction)} data ${bits(data)}`,
  }
}
