import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import type { Workplace } from '../../support/pixelgate.ts'
import type { Strip } from '../drawings.ts'
import { without } from '../packages.ts'
import { type PinRecord, Ws2812Decoder } from '../ws2812.ts'
import { type Rig, startRig } from './rig-process.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const firmware = fileURLToPath(new URL('../../../firmware-protocol/boards/avr', import.meta.url))
const frequencyHz = 16e6

/** For `t.test` options: the reason to skip, or false. */
export const withoutAvr = without('gcc-avr', 'avr-libc', 'libsimavr-dev', 'libelf-dev')

export type Target = 'uno' | 'uno-nor' | 'mega' | 'mega-nor' | 'mega-sd'

const wiring: Readonly<Record<Target, readonly string[]>> = {
  uno: ['--mcu', 'atmega328p', '--led', 'D6', '--light', 'B5'],
  'uno-nor': ['--mcu', 'atmega328p', '--led', 'D6', '--light', 'B1', '--cs', 'B2'],
  mega: ['--mcu', 'atmega2560', '--led', 'E4', '--light', 'B7'],
  'mega-nor': ['--mcu', 'atmega2560', '--led', 'E4', '--light', 'B7', '--cs', 'B0'],
  'mega-sd': ['--mcu', 'atmega2560', '--led', 'E4', '--light', 'B7', '--cs', 'B0'],
}

/** What the rig counts; see rig.h. */
export interface RigStats {
  readonly cycles: number
  readonly rxBytes: number
  readonly rxOverruns: number
  readonly txBytes: number
  readonly eepromWrites: number
  readonly norPrograms: number
  readonly norErases: number
  readonly norSuspends: number
  readonly norClashes: number
  readonly sdReads: number
  readonly sdWrites: number
  readonly sdPauses: number
  readonly sdTorn: number
  readonly sdClashes: number
  /** When the supply failed last. */
  readonly cutCycle: number
  /** How often the status light went on. */
  readonly lights: number
  readonly lateMs: number
  /** The deepest that the stack was since the last reset, and what stayed free below it. */
  readonly stackBytes: number
  readonly ramFreeBytes: number
}

/** An emulated AVR with the project's firmware, its storage in files of `place`. */
export class AvrBoard {
  readonly port: string
  readonly #rig: Rig
  readonly #pins: string

  constructor(rig: Rig, pins: string) {
    this.port = rig.port
    this.#rig = rig
    this.#pins = pins
  }

  stats = (): Promise<RigStats> => this.#ask('stats')
  /** Pulls the reset pin. */
  reset = (): Promise<RigStats> => this.#ask('reset')
  /** Takes the supply away and brings it back; what was being programmed is torn. */
  cutPower = (): Promise<RigStats> => this.#ask('cut')
  /** The supply fails while the SD card writes the block that comes as the `inth` from now on. Answers at once. */
  tear = (inth: number): Promise<RigStats> => this.#ask(`tear ${inth}`)
  /** From now on one byte of so many has a bit flipped, either way; 0 = none. */
  disturb = (oneIn: number): Promise<RigStats> => this.#ask(`noise ${oneIn}`)
  unplug = (): Promise<void> => this.#rig.stop()

  #ask(command: string): Promise<RigStats> {
    return this.#rig.ask(command) as Promise<RigStats>
  }

  /** What has left the pin so far. */
  async pin(): Promise<PinRecord> {
    await this.stats()
    const decoder = new Ws2812Decoder(frequencyHz)
    // In pieces, since other boards of the same process want to be heard.
    for await (const piece of createReadStream(this.#pins)) decoder.push(piece)
    return decoder.record
  }
}

let started = 0

const folderOf = ({ leds, width = 0, height = 0 }: Strip) => `${here}build/${leds}x${width}x${height}`

const make = (folder: string, ...what: readonly string[]) =>
  promisify(execFile)('make', ['--no-print-directory', '-s', '-C', folder, ...what])

/** Builds the rig, and firmware for each of these, where they are old. To be done before anything is timed. */
export async function buildAvr(boards: readonly (readonly [Target, Strip])[]): Promise<void> {
  await make(here, 'build/rig')
  for (const [target, strip] of boards) {
    const { leds, width = 0, height = 0 } = strip
    const folder = folderOf(strip)
    const sizes = [`OUT=${folder}`, `LEDS=${leds}`, `WIDTH=${width}`, `HEIGHT=${height}`]
    await make(firmware, ...sizes, `${folder}/${target}.elf`)
  }
}

export interface AvrOptions {
  /** Name of a former board's storage, to go on with it. */
  readonly storage?: string
  /** False: a flash that cannot suspend an erase. */
  readonly suspends?: boolean
  /** After so many blocks an SD card is busy for 100 ms; 0: never. */
  readonly pauseEvery?: number
  /** An SD card of standard capacity, which is addressed by bytes. */
  readonly standard?: boolean
  /** Intel HEX file to run instead of what was built, which has to be the same firmware. */
  readonly image?: string
  /** Emulated time over real time. Below 1 the host answers faster, in the board's eyes, than this machine can. */
  readonly speed?: number
}

/** Starts a board that `buildAvr` has built. */
export async function startAvr(
  t: Pick<Test, 'teardown'>,
  place: Workplace,
  target: Target,
  strip: Strip,
  {
    storage = `storage-${started}`,
    suspends = true,
    pauseEvery = 0,
    standard = false,
    image,
    speed = 1,
  }: AvrOptions = {},
): Promise<AvrBoard> {
  const elf = `${folderOf(strip)}/${target}.elf`
  const pins = place.path(`pins-${++started}`)
  const kind = target.endsWith('-nor') ? '--nor' : target.endsWith('-sd') ? '--sd' : '--eeprom'
  // No name: an empty socket.
  const kept = [kind, storage === '' ? '' : place.path(storage)]
  const card = ['--sd-pause-every', String(pauseEvery), '--sd-standard', standard ? '1' : '0']
  t.teardown(() => rm(pins, { force: true }))
  const pace = ['--suspend', suspends ? '1' : '0', '--speed', String(speed), '--pins', pins]
  const instead = image === undefined ? [] : ['--image', image]
  const args = [elf, ...wiring[target], ...kept, ...card, ...pace, ...instead]
  return new AvrBoard(await startRig(t, `${here}build/rig`, args), pins)
}
