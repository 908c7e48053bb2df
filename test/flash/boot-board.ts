import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { startRig } from '../firmware/simavr/rig-process.ts'
import type { Workplace } from '../support/pixelgate.ts'

const rigFolder = fileURLToPath(new URL('rig/', import.meta.url))
const core = '/usr/share/arduino/hardware/arduino/avr'

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
  const rig = await startRig(t, `${rigFolder}build/rig`, ['--mcu', mcu, ...files])
  return {
    port: rig.port,
    stats: () => rig.ask('stats') as Promise<RigStats>,
    async flash() {
      const file = place.path(`flash-${++dumps}`)
      await rig.ask(`dump ${file}`)
      return readFile(file)
    },
  }
}
