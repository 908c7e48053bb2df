import { clockSynchronized, memoryCheck as memoryHealth } from '../ops/health-checks.ts'
import { readMemory } from '../ops/process-meter.ts'
import { clockIsSet } from '../ops/wall-clock.ts'
import { type Check, fine, problem, warning } from './finding.ts'

/** `engines` of package.json. */
export const nodeCheck: Check = {
  name: 'node',
  async run({ machine: { nodeVersion } }) {
    const [major = 0, minor = 0] = nodeVersion.replace('v', '').split('.').map(Number)
    if ((major === 20 && minor >= 19) || (major > 20 && major < 25)) return [fine(`Node.js ${nodeVersion}`)]
    const cure = 'install Node.js 20.19 or newer, below 25 (docs/install.md)'
    return [problem(`Node.js ${nodeVersion} is not one that the gateway runs on`, cure)]
  },
}

/** A Pi has no clock of its own. */
export const clockCheck: Check = {
  name: 'clock',
  async run({ machine }) {
    const nowMs = machine.clock.wallTime()
    const now = new Date(nowMs).toISOString()
    const cure = 'connect it to the network, then: sudo timedatectl set-ntp true'
    if (!clockIsSet(nowMs)) return [problem(`the clock says ${now}`, cure)]
    const told = await machine.run('timedatectl', 'show', '--property=NTPSynchronized', '--value')
    const answer = told?.status === 0 ? told.stdout.trim() : ''
    const synchronized = answer === '' ? await clockSynchronized(machine.path('')) : answer === 'yes'
    if (synchronized === false) return [warning(`it is ${now}, not confirmed by a time server`, cure)]
    return [fine(`it is ${now}${synchronized ? ', confirmed by a time server' : ''}`)]
  },
}

export const memoryCheck: Check = {
  name: 'memory',
  async run({ machine }) {
    // What this command uses itself says nothing about the daemon.
    const read = async () => ({ ...(await readMemory(machine.path(''))), rssBytes: 0, limitBytes: null })
    const { availableBytes } = await read()
    if (availableBytes === null) return [fine('how much memory is left is not known here')]
    const { status } = await memoryHealth(read).run()
    const words = `${Math.round(availableBytes / 1e6)} MB of memory are available`
    const cure = 'end other programs; the gateway wants 100 MB'
    if (status === 'ok') return [fine(words)]
    return [(status === 'failed' ? problem : warning)(words, cure)]
  },
}

/** Swapping wears an SD card out, and stalls every line for as long as the card is busy. */
export const swapCheck: Check = {
  name: 'swap',
  async run({ machine }) {
    const rows = machine
      .text('proc/swaps')
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(/\s+/))
      .filter(fields => fields.length >= 4)
    const rootDevice = /^(\/dev\/\S+) \/ /m.exec(machine.text('proc/mounts'))?.[1] ?? ''
    const onCard = rows.filter(([path = '', type]) => /mmcblk/.test(type === 'file' ? rootDevice : path))
    if (onCard.length === 0)
      return [fine(rows.length === 0 ? 'there is no swap' : 'swap is not on an SD card')]
    const paths = onCard.map(([path]) => path).join(', ')
    return [
      warning(
        `swap is on the SD card (${paths}): it wears the card out`,
        'sudo apt-get install zram-tools; sudo dphys-swapfile swapoff',
      ),
    ]
  },
}

/** Bits of `vcgencmd get_throttled` (Raspberry Pi documentation). */
const throttleBits: readonly [bit: number, now: boolean, words: string, cure: string][] = [
  [0, true, 'the supply voltage is too low', 'use the official power supply and a short cable'],
  [1, true, 'the processor is slowed down', 'use the official power supply, cool the board'],
  [2, true, 'the processor is throttled', 'use the official power supply, cool the board'],
  [3, true, 'the processor is too hot', 'cool the board'],
  [
    16,
    false,
    'the supply voltage was too low since the start',
    'use the official power supply and a short cable',
  ],
  [18, false, 'the processor was throttled since the start', 'use the official power supply, cool the board'],
]

export const powerCheck: Check = {
  name: 'power',
  async run({ machine }) {
    const told = (await machine.run('vcgencmd', 'get_throttled'))?.stdout ?? ''
    const bits = /throttled=0x([0-9a-f]+)/i.exec(told)?.[1]
    if (bits === undefined) return [fine('this machine does not tell about its power supply')]
    const flags = Number.parseInt(bits, 16)
    const found = throttleBits
      .filter(([bit]) => (flags & (1 << bit)) !== 0)
      .map(([, now, words, cure]) => (now ? problem : warning)(words, cure))
    return found.length === 0 ? [fine('power supply and temperature are fine')] : found
  },
}
