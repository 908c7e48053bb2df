import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { systemClock } from '../../src/kernel/clock.ts'
import { withDeadline } from '../../src/kernel/deadline.ts'
import type { Workplace } from '../support/pixelgate.ts'
import { stop } from '../support/pty.ts'

const rigFolder = fileURLToPath(new URL('rig/', import.meta.url))
const core = '/usr/share/arduino/hardware/arduino/avr'
const answerTimeoutMs = 20_000

const onPath = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some(folder => existsSync(`${folder}/${name}`))

const needed = [
  [onPath('avr-gcc'), 'gcc-avr'],
  [existsSync('/usr/lib/avr/include/avr/io.h'), 'avr-libc'],
  [existsSync(`${core}/boards.txt`), 'arduino-core-avr'],
  [existsSync('/usr/include/simavr/sim_avr.h'), 'libsimavr-dev'],
  [existsSync('/usr/include/libelf.h'), 'libelf-dev'],
  [onPath('avrdude'), 'avrdude'],
] as const

/** For `t.test` options: the reason to skip, or false. */
export const without = (...packages: readonly string[]): string | false => {
  const missing = needed.flatMap(([there, name]) => (there || !packages.includes(name) ? [] : [name]))
  return missing.length > 0 && `needs the packages ${missing.join(', ')}`
}

const chips = {
  uno: { mcu: 'atmega328p', boot: `${rigFolder}build/optiboot.hex` },
  mega: { mcu: 'atmega2560', boot: `${core}/bootloaders/stk500v2/stk500boot_v2_mega2560.hex` },
} as const

export interface RigStats {
  readonly rxBytes: number
  readonly txBytes: number
  /** How often its port was opened. */
  readonly opens: number
  readonly resets: number
}

/** An emulated Arduino behind a USB adapter. */
export interface BootBoard {
  readonly port: string
  stats(): Promise<RigStats>
  /** The whole flash of the chip. */
  flash(): Promise<Buffer>
}

export interface BootBoardOptions {
  /** false: the chip was bought without one. */
  readonly bootloader?: boolean
  /** Intel HEX file of what was written before. */
  readonly program?: string
}

let dumps = 0

/** Builds rig and bootloader where they are old, and starts them. */
export async function startBootBoard(
  t: Pick<Test, 'teardown'>,
  place: Workplace,
  chip: keyof typeof chips,
  { bootloader = true, program }: BootBoardOptions = {},
): Promise<BootBoard> {
  const { mcu, boot } = chips[chip]
  const targets = chip === 'uno' && bootloader ? ['build/rig', 'build/optiboot.hex'] : ['build/rig']
  execFileSync('make', ['--no-print-directory', '-s', '-C', rigFolder, ...targets], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const files = [
    ...(bootloader ? ['--boot', boot] : []),
    ...(program === undefined ? [] : ['--app', program]),
  ]
  const child = spawn(`${rigFolder}build/rig`, ['--mcu', mcu, ...files], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => stop(child))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<unknown> => {
    const late = 'the rig is silent'
    const { value, done } = await withDeadline(
      systemClock,
      answerTimeoutMs,
      lines.next(),
      'link_failed',
      late,
    )
    if (done === true) throw new Error('the rig has ended')
    return JSON.parse(value)
  }
  const { path } = (await answer()) as { path: string }
  const ask = (word: string): Promise<unknown> => {
    child.stdin.write(`${word}\n`)
    return answer()
  }
  return {
    port: path,
    stats: () => ask('stats') as Promise<RigStats>,
    async flash() {
      const file = place.path(`flash-${++dumps}`)
      await ask(`dump ${file}`)
      return readFile(file)
    },
  }
}
