import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import {
  type FlashRecord,
  type FlashSlot,
  type Layout,
  readRecord,
  readSlot,
} from '../../simulation/flash-layout.ts'
import type { Workplace } from '../../support/pixelgate.ts'
import { Qemu } from './qemu.ts'
import { StripRecord } from './strip-record.ts'

const firmware = fileURLToPath(new URL('../../../firmware-protocol/boards/cortex-m', import.meta.url))
const build = fileURLToPath(new URL('build', import.meta.url))
/** QEMU wants a file as large as the memory that it stands for. */
const psramBytes = 16 * 1024 * 1024
const norBytes = 1024 * 1024
const layout: Layout = { areaBytes: 4096, slotBytes: (norBytes - 2 * 4096) / 2, slots: 2 }
/** Before the table of blocks, eight bytes each (SPEC §10.2, §10.4). */
const manifestFixedBytes = 104
const stackPaint = 0xc5c5c5c5
const ledRegister = 0x4002_8000
const ticksPerMs = 25_000
const stepsPerMs = 2

const tools = 'arm-none-eabi-'

const onPath = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some(folder => existsSync(`${folder}/${name}`))

const missing = [
  ['qemu-system-arm', 'qemu-system-arm'],
  [`${tools}gcc`, 'gcc-arm-none-eabi'],
].flatMap(([command = '', name]) => (onPath(command) ? [] : [name]))

/** For `t.test` options: the reason to skip, or false. */
export const withoutCortexM = missing.length > 0 && `needs the packages ${missing.join(', ')}`

export interface Strip {
  readonly leds: number
  /** Absent: LEDs in a row. */
  readonly width?: number
  readonly height?: number
}

/** What firmware and startup count; read from memory, so the firmware needs no command for it. */
export interface Counted {
  /** Since its start, by its own clock. */
  readonly nowMs: number
  /** With nothing to do. */
  readonly sleptMs: number
  /** Waiting for the flash. */
  readonly flashMs: number
  /** Of sectors; and how often one was held up by a read. */
  readonly erases: number
  readonly suspends: number
  /** That found the ring full. */
  readonly lostBytes: number
  /** That a UART with one register would have lost. */
  readonly overruns: number
  /** The deepest that the stack was since the start, and what was never used below it. */
  readonly stackBytes: number
  readonly freeBytes: number
}

/**
 * The project's firmware in QEMU's mps2-an385. Its flash and what it showed are files of `place`, so they outlive QEMU. Its time is QEMU's count
 * of instructions, 32 ns each (31 MHz), whatever the host does meanwhile.
 */
export class CortexBoard {
  /** A link that is set to the new pty at each start, as udev does for a board that is plugged in again. */
  readonly port: string
  readonly #elf: string
  readonly #files: string
  readonly #strip = new StripRecord()
  readonly #symbols: ReadonlyMap<string, number>
  #read = 0
  #qemu: Qemu | undefined
  #holder: number | undefined

  constructor(files: string, elf: string) {
    this.#files = files
    this.port = `${files}-port`
    this.#elf = elf
    this.#symbols = symbolsOf(elf)
  }

  /** Puts a blank flash in; call before the first start. */
  async blank(): Promise<void> {
    await writeFile(this.#flashFile, Buffer.alloc(norBytes, 0xff))
    await truncate(this.#flashFile, psramBytes)
  }

  /** Switches it on. */
  async start(): Promise<void> {
    this.#qemu = await Qemu.start(this.#machine(), this.#files)
    await rm(this.port, { force: true })
    await symlink(this.#qemu.pty, this.port)
    // QEMU looks only once a second whether somebody has opened the terminal.
    this.#holder = openSync(this.#qemu.pty, constants.O_RDWR | constants.O_NOCTTY)
    await this.#qemu.run()
  }

  /** Takes the power away: flash and strip stay as they are at this instruction, and the line hangs up. */
  async kill(): Promise<void> {
    if (this.#holder !== undefined) closeSync(this.#holder)
    this.#holder = undefined
    await this.#qemu?.kill()
    this.#qemu = undefined
  }

  /** Pulls the reset line; the flash stays as it is at this instruction. */
  async reset(): Promise<void> {
    await this.#machineThatRuns().reset()
  }

  /** What has come out so far. */
  get strip(): StripRecord {
    const file = openSync(this.#stripFile, 'r')
    try {
      const bytes = Buffer.alloc(fstatSync(file).size - this.#read)
      this.#read += readSync(file, bytes, 0, bytes.length, this.#read)
      this.#strip.add(bytes)
    } finally {
      closeSync(file)
    }
    return this.#strip
  }

  /** The durable record, as it stands in the flash. */
  get record(): FlashRecord {
    return readRecord(this.#flash(), layout)
  }

  slot(index: number): FlashSlot | undefined {
    return readSlot(this.#flash(), layout, index)
  }

  /** What the journal of the slot that is being filled calls durable. */
  get durable(): { readonly blocks: number; readonly bytes: number } {
    const flash = this.#flash()
    const slot = [0, 1].map(index => readSlot(flash, layout, index)).find(slot => slot?.state === 'receiving')
    const journal = [...(slot?.journal ?? [])]
    const sizes = journal.map(
      (_, block) => slot?.manifest.readUInt16LE(manifestFixedBytes + block * 8 + 4) ?? 0,
    )
    const held = sizes.filter((_, block) => journal[block] === 0)
    return { blocks: held.length, bytes: held.reduce((sum, bytes) => sum + bytes, 0) }
  }

  /** The status light, as the LED register of the board has it. */
  async light(): Promise<boolean> {
    return ((await this.#machineThatRuns().register(ledRegister)) & 1) === 1
  }

  async counted(): Promise<Counted> {
    const end = this.#symbol('bss_end')
    const stack = await this.#machineThatRuns().memory(end, this.#symbol('stack_top') - end)
    let painted = 0
    while (painted < stack.length && stack.readUInt32LE(painted) === stackPaint) painted += 4
    const number = async (name: string, offset = 0) =>
      Number((await this.#machineThatRuns().memory(this.#symbol(name) + offset, 8)).readBigUInt64LE())
    return {
      nowMs: (await number('steps')) / stepsPerMs,
      sleptMs: (await number('port_slept')) / ticksPerMs,
      flashMs: (await number('nor_taken')) / ticksPerMs,
      erases: (await number('nor_erases')) % 2 ** 32,
      suspends: (await number('nor_suspends')) % 2 ** 32,
      lostBytes: (await number('ring', 8)) % 2 ** 32,
      overruns: (await number('line_overruns')) % 2 ** 32,
      stackBytes: stack.length - painted,
      freeBytes: painted,
    }
  }

  get #flashFile(): string {
    return `${this.#files}-flash`
  }

  get #stripFile(): string {
    return `${this.#files}-strip`
  }

  #machineThatRuns(): Qemu {
    if (this.#qemu === undefined) throw new Error('the board is off')
    return this.#qemu
  }

  #symbol(name: string): number {
    const address = this.#symbols.get(name)
    if (address === undefined) throw new Error(`the firmware has no ${name}`)
    return address
  }

  #flash(): Buffer {
    const file = openSync(this.#flashFile, 'r')
    try {
      const bytes = Buffer.alloc(norBytes)
      readSync(file, bytes, 0, norBytes, 0)
      return bytes
    } finally {
      closeSync(file)
    }
  }

  #machine(): readonly string[] {
    const flash = `memory-backend-file,id=flash,mem-path=${this.#flashFile},size=${psramBytes},share=on`
    // Strip and times in one file: so they keep their order.
    const strip = `file,id=strip,path=${this.#stripFile},append=on,mux=on`
    return [
      ...[
        '-M',
        'mps2-an385,memory-backend=flash',
        '-object',
        flash,
        '-kernel',
        this.#elf,
        '-icount',
        'shift=5',
      ],
      ...['-chardev', 'pty,id=line', '-chardev', strip],
      ...['-serial', 'chardev:line', '-serial', 'chardev:strip', '-serial', 'chardev:strip'],
    ]
  }
}

let started = 0

/** Builds the firmware for a strip and starts it with a blank flash; it ends at the test's teardown. */
export async function startCortexM(
  t: Pick<Test, 'teardown'>,
  place: Workplace,
  { leds, width = 0, height = 0 }: Strip,
): Promise<CortexBoard> {
  const out = `${build}/${leds}x${width}x${height}`
  const elf = `${out}/mps2.elf`
  const strip = [`LEDS=${leds}`, `WIDTH=${width}`, `HEIGHT=${height}`]
  const where = [`OUT=${out}`, `LIB_OUT=${build}/library`]
  execFileSync('make', ['-s', '--no-print-directory', '-C', firmware, ...where, ...strip, elf], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const board = new CortexBoard(place.path(`cortex-m-${++started}`), elf)
  t.teardown(() => board.kill())
  await board.blank()
  await board.start()
  return board
}

function symbolsOf(elf: string): ReadonlyMap<string, number> {
  const lines = execFileSync(`${tools}nm`, [elf], { encoding: 'latin1' }).trim().split('\n')
  return new Map(
    lines.map(line => {
      const [address = '', , name = ''] = line.split(' ')
      return [name, Number.parseInt(address, 16)]
    }),
  )
}
