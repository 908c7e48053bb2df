import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onPath } from './host-tools.ts'
import { project } from './places.ts'
import { runCommand } from './run-command.ts'

const buildTimeoutMs = 300_000
const answerTimeoutMs = 20_000

/** 64 LEDs, eight by eight. */
export const strip = { leds: 64, width: 8, height: 8 } as const

/** A board on this machine whose serial line is a pty. */
export interface SerialBoard {
  readonly kind: 'avr' | 'virtual'
  readonly words: string
  /** Path of the pty; another one after `cutPower` of a virtual board. */
  port(): string
  /** What its flash holds. */
  flash(): Buffer
  /** The supply fails and comes back. */
  cutPower(): Promise<void>
  stop(): Promise<void>
}

/** Why the emulated AVR cannot be built from a checkout, or undefined. */
export function whyNoAvr(checkout: string): string | undefined {
  const absent = ['test/firmware/simavr/rig.c', 'firmware-protocol/boards/avr/main.c'].find(
    path => !existsSync(join(checkout, path)),
  )
  if (absent !== undefined) return `${absent} is not there`
  const packages = [
    [onPath('avr-gcc'), 'gcc-avr'],
    [existsSync('/usr/lib/avr/include/avr/io.h'), 'avr-libc'],
    [existsSync('/usr/include/simavr/sim_avr.h'), 'libsimavr-dev'],
    [existsSync('/usr/include/libelf.h'), 'libelf-dev'],
  ].flatMap(([there, name]) => (there ? [] : [name]))
  return packages.length === 0 ? undefined : `it needs the packages ${packages.join(', ')}`
}

/** The project's firmware for an Arduino Uno with a flash chip, on an emulated ATmega328P. */
export async function startAvr(checkout: string, folder: string): Promise<SerialBoard> {
  const rig = join(checkout, 'test/firmware/simavr')
  const elf = join(folder, 'avr/uno-nor.elf')
  const { leds, width, height } = strip
  const make = (...args: readonly string[]) =>
    runCommand('make', ['--no-print-directory', '-s', ...args], { timeoutMs: buildTimeoutMs })
  await make('-C', rig, 'build/rig')
  const geometry = [`LEDS=${leds}`, `WIDTH=${width}`, `HEIGHT=${height}`]
  await make(
    '-C',
    join(checkout, 'firmware-protocol/boards/avr'),
    `OUT=${join(folder, 'avr')}`,
    ...geometry,
    elf,
  )
  const flash = join(folder, 'nor')
  const chip = ['--mcu', 'atmega328p', '--led', 'D6', '--cs', 'B2']
  const child = spawn(join(rig, 'build/rig'), [elf, ...chip, '--nor', flash, '--pins', '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const answer = lineReader(child)
  const { path } = await answer()
  return {
    kind: 'avr',
    words: 'the firmware for an Uno with a flash chip on an emulated ATmega328P',
    port: () => String(path),
    flash: () => readFileSync(flash),
    cutPower: async () => {
      child.stdin.write('cut\n')
      await answer()
    },
    stop: () => end(child),
  }
}

/** The board library as WebAssembly behind a pty: `pixelgate board virtual` of this checkout. */
export async function startVirtual(folder: string): Promise<SerialBoard> {
  const flash = join(folder, 'flash')
  let started = 0
  const start = async () => {
    const link = join(folder, `pty-${++started}`)
    const size = `${strip.width}x${strip.height}`
    const args = ['board', 'virtual', '--pty', link, '--leds', size, '--flash', flash, '--max-body', '128']
    const child = spawn(process.execPath, [join(project, 'dist/main.js'), ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const { path } = await lineReader(child)()
    return { child, path: String(path) }
  }
  let now = await start()
  return {
    kind: 'virtual',
    words: 'the virtual board, which is no chip',
    port: () => now.path,
    flash: () => readFileSync(flash),
    cutPower: async () => {
      await end(now.child)
      now = await start()
    },
    stop: () => end(now.child),
  }
}

/** Each call returns the next line, which is a JSON object. */
function lineReader(child: ChildProcess): () => Promise<Readonly<Record<string, unknown>>> {
  if (child.stdout === null) throw new Error('the board has no stdout')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async () => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the board is silent')), answerTimeoutMs)
    })
    try {
      const { value, done } = await Promise.race([lines.next(), late])
      if (done === true) throw new Error('the board has ended')
      return JSON.parse(value)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Ends a child by its own id. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await exited
}
