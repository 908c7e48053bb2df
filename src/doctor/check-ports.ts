import { accessSync, constants, statSync } from 'node:fs'
import { portHolders, presentPorts } from '../link/port-error.ts'
import { type Check, type Found, fine, problem, warning } from './finding.ts'
import type { Machine } from './machine.ts'

/** Serial devices: whether they can be opened, and who else has them. Opens none. */
export const portCheck: Check = {
  name: 'serial-ports',
  async run({ machine, daemon }) {
    const ports = presentPorts(machine.path('dev'))
    const ours = daemon.runs ? daemon.openPorts : []
    const findings = ports.flatMap(path => {
      const shown = machine.shown(path)
      return examine(machine, path, shown, ours.includes(shown) || ours.includes(path))
    })
    if (ports.length === 0) findings.push(fine('no serial device is plugged in'))
    findings.push(...groups(machine), ...console(machine))
    if (ports.length > 0) findings.push(...(await modemManager(machine)))
    return findings
  },
}

function examine(machine: Machine, path: string, shown: string, open: boolean): Found[] {
  if (open) return [fine(`${shown} is open in the daemon`)]
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
  } catch {
    const group = machine.groupName(statSync(path, { throwIfNoEntry: false })?.gid ?? 0)
    const cure = `sudo usermod -aG ${group} ${machine.userName}, then sign in again`
    return [problem(`${machine.userName} may not open ${shown}; its group is ${group}`, cure)]
  }
  const holders = portHolders(path, machine.path('proc'))
  if (holders.length === 0) return [fine(`${shown} can be opened`)]
  return [warning(`${shown} is in use by ${holders.join(', ')}`, cureFor(holders.join(), shown))]
}

const knownHolders: readonly [RegExp, (port: string) => string][] = [
  [/ModemManager/, () => 'sudo systemctl disable --now ModemManager'],
  [/getty|login/, port => `sudo systemctl disable --now serial-getty@${port.replace('/dev/', '')}`],
  [/octoprint/i, () => 'sudo systemctl stop octoprint, or tell it not to connect by itself'],
  [/klipp/i, () => 'sudo systemctl stop klipper, or take the port out of its printer.cfg'],
  [/brltty/, () => 'sudo apt-get remove brltty'],
]

const cureFor = (holders: string, port: string): string =>
  knownHolders.find(([name]) => name.test(holders))?.[1](port) ?? 'close that program'

/** Rights of this user that hardware wants. Root needs none. */
function groups(machine: Machine): Found[] {
  if (machine.uid === 0) return []
  const missing = ['dialout', 'gpio'].filter(name => {
    const gid = machine.groupNumber(name)
    return gid !== undefined && !machine.groups.includes(gid)
  })
  if (missing.length === 0) return [fine(`${machine.userName} is in the groups for serial ports and GPIO`)]
  const cure = `sudo usermod -aG ${missing.join(',')} ${machine.userName}, then sign in again`
  return [warning(`${machine.userName} is not in the group ${missing.join(' and ')}`, cure)]
}

/** The kernel talks on the UART of the header, in the middle of a transfer too. */
function console(machine: Machine): Found[] {
  const used = /\bconsole=(serial0|ttyAMA\d+|ttyS\d+)/.exec(machine.text('proc/cmdline'))?.[1]
  if (used === undefined || !machine.has(`dev/${used}`)) return []
  const cure = 'sudo raspi-config: Interface Options, Serial Port, no login shell; then restart'
  return [warning(`the system console is on ${used}; a board there would hear it`, cure)]
}

async function modemManager(machine: Machine): Promise<Found[]> {
  const state = await machine.run('systemctl', 'is-active', 'ModemManager')
  if (state?.stdout.trim() !== 'active') return []
  const told = ['etc/udev/rules.d', 'usr/lib/udev/rules.d', 'lib/udev/rules.d'].some(folder =>
    machine.names(folder).some(name => name.includes('pixelgate')),
  )
  if (told) return [fine('ModemManager runs, and the udev rules keep it away from boards')]
  const cure = 'sudo systemctl disable --now ModemManager, or install the udev rules: scripts/install.sh'
  return [warning('ModemManager runs: it opens serial ports that are plugged in, to look for modems', cure)]
}
