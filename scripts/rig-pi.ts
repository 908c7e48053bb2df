// Boots an emulated arm64 machine with Debian's kernel, installs the gateway on it, and puts systemd, a serial adapter and GPIO
// lines to the test; docs/rig-pi.md tells what. Exit status 1 when a step was not ok, 2 when the machine could not be made.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { assemble } from './rig-pi-parts/assemble.ts'
import { runGpioSteps } from './rig-pi-parts/gpio-steps.ts'
import { needHostTools } from './rig-pi-parts/host-tools.ts'
import { bootMachine, type Machine, type MachineFiles } from './rig-pi-parts/machine.ts'
import { project } from './rig-pi-parts/places.ts'
import { Report } from './rig-pi-parts/report.ts'
import { type SerialBoard, startAvr, startVirtual, whyNoAvr } from './rig-pi-parts/serial-board.ts'
import { installed, runServiceSteps, runWatchdogStep } from './rig-pi-parts/service-steps.ts'
import { runUsbSteps } from './rig-pi-parts/usb-steps.ts'

const parts = ['service', 'usb', 'gpio'] as const
type Part = (typeof parts)[number]

const help = `npm run rig:pi -- [OPTIONS]

  --board avr|virtual   what is at the far end of the serial adapter; default: the emulated AVR where it can be built
  --avr-from DIR        a checkout whose AVR firmware and rig are taken; default: this one
  --only PART           ${parts.join(', ')}; repeatable. The service is installed for each of them
  --mirror URL          of Debian; default: the one that apt uses on this machine
  --build-only          assemble the machine, boot nothing
  --json                a JSON line a step instead of plain ones
`

const { values } = parseArgs({
  options: {
    board: { type: 'string' },
    'avr-from': { type: 'string', default: project },
    only: { type: 'string', multiple: true, default: [...parts] },
    mirror: { type: 'string' },
    'build-only': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const tell = (text: string) => void process.stderr.write(`# ${text}\n`)

function chosenParts(): ReadonlySet<Part> {
  const unknown = values.only.find(name => !(parts as readonly string[]).includes(name))
  if (unknown !== undefined) throw new Error(`--only takes ${parts.join(', ')}, not "${unknown}"`)
  return new Set(values.only as readonly Part[])
}

/** The chip unless another board is asked for; one that is asked for must be had. */
function startBoard(folder: string): Promise<SerialBoard> {
  if (values.board !== undefined && values.board !== 'avr' && values.board !== 'virtual')
    throw new Error(`--board takes avr or virtual, not "${values.board}"`)
  const checkout = resolve(values['avr-from'])
  const why = values.board === 'virtual' ? 'the virtual board was asked for' : whyNoAvr(checkout)
  if (why === undefined) return startAvr(checkout, folder)
  if (values.board === 'avr') throw new Error(`There is no emulated AVR: ${why}`)
  tell(`no emulated AVR, the virtual board instead: ${why}`)
  return startVirtual(folder)
}

async function runSteps(report: Report, machine: Machine, wanted: ReadonlySet<Part>): Promise<void> {
  await runServiceSteps(report, machine)
  if (!report.results.some(({ name, verdict }) => name === installed && verdict === 'ok')) return
  const folder = mkdtempSync(join(tmpdir(), 'rig-pi-board-'))
  let board: SerialBoard | undefined
  try {
    if (wanted.has('usb')) {
      board = await startBoard(folder)
      await runUsbSteps(report, machine, board)
    }
    if (wanted.has('gpio')) await runGpioSteps(report, machine, wanted.has('usb'))
    if (wanted.has('service')) await runWatchdogStep(report, machine)
  } finally {
    await board?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function boot(report: Report, files: MachineFiles, wanted: ReadonlySet<Part>): Promise<void> {
  const machine = await bootMachine(files)
  const onSignal = () => void machine.stop().finally(() => process.exit(130))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  try {
    await runSteps(report, machine, wanted)
  } finally {
    if (report.failed) tell(`the end of its console:\n${machine.console()}`)
    await machine.stop()
  }
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const wanted = chosenParts()
  await needHostTools(tell)
  const files = await assemble({ mirror: values.mirror, tell })
  if (values['build-only']) return 0
  const report = new Report({ json: values.json, write: text => process.stdout.write(text) })
  tell('booting')
  await boot(report, files, wanted)
  report.finish()
  return report.failed ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (thrown) {
  process.stderr.write(`rig-pi: ${thrown instanceof Error ? thrown.message : thrown}\n`)
  process.exitCode = 2
}
