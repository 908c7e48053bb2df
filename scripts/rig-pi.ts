// Boots an emulated arm64 machine with Debian's kernel, installs the gateway on it and puts serial adapters, GPIO lines and
// systemd to the test; docs/rig-pi.md tells what. Exit status 1 when a step was not ok, 2 when there is nothing to test with.
import { parseArgs } from 'node:util'
import { assemble } from './rig-pi-parts/assemble.ts'
import { needHostTools } from './rig-pi-parts/host-tools.ts'
import { bootMachine } from './rig-pi-parts/machine.ts'
import { project } from './rig-pi-parts/places.ts'
import { Report } from './rig-pi-parts/report.ts'
import { runServiceSteps } from './rig-pi-parts/service-steps.ts'

const help = `npm run rig:pi -- [OPTIONS]

  --board avr|virtual   what is at the far end of the serial adapter; default: the emulated AVR where it can be built
  --avr-from DIR        a checkout whose AVR firmware and rig are taken; default: this one
  --only PART           service, usb or gpio; the service is always installed first
  --mirror URL          of Debian; default http://deb.debian.org/debian
  --build-only          assemble the machine, boot nothing
  --json                a JSON line a step instead of plain ones
`

const { values } = parseArgs({
  options: {
    board: { type: 'string' },
    'avr-from': { type: 'string', default: project },
    only: { type: 'string' },
    mirror: { type: 'string', default: 'http://deb.debian.org/debian' },
    'build-only': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const tell = (text: string) => process.stderr.write(`# ${text}\n`)
  await needHostTools(tell)
  const files = await assemble({ mirror: values.mirror, tell })
  if (values['build-only']) return 0
  const report = new Report({ json: values.json, write: text => process.stdout.write(text) })
  tell('booting')
  const machine = await bootMachine(files)
  const onSignal = () => void machine.stop().finally(() => process.exit(130))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  try {
    await runServiceSteps(report, machine)
  } finally {
    if (report.failed) tell(`the end of its console:\n${machine.console()}`)
    await machine.stop()
  }
  report.finish()
  return report.failed ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (thrown) {
  process.stderr.write(`rig-pi: ${thrown instanceof Error ? thrown.message : thrown}\n`)
  process.exitCode = 2
}
