import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { AppError, toError } from '../kernel/errors.ts'
import { Prng } from '../link/prng.ts'
import type { BoardStorage } from './board-storage.ts'
import { PowerCut } from './board-storage.ts'
import { tornErase, tornProgram } from './torn-operation.ts'

/** SPEC §2.6 STORAGE, negated as the C library wants it. */
const STORAGE_ERROR = -12

export interface FlashOptions {
  readonly sizeBytes: number
  /** Bytes that one erase operation sets to 0xFF; `sizeBytes` is a multiple of it. */
  readonly eraseUnit: number
  /** Keeps the contents; created full of 0xFF when absent. Every operation is in the file before it returns. */
  readonly file?: string
  /** Decides how a cut operation is torn. */
  readonly seed?: number
}

/**
 * A NOR flash: programming clears bits, erasing sets a whole unit to 0xFF. Kept in memory and, with a file, written
 * through at each operation, so that the end of the process leaves exactly what a chip would hold.
 *
 * One operation is one call of `write` or one unit of `erase`; reads are free. A power cut at operation N tears N and
 * throws PowerCut; everything before N is whole, nothing after it happened.
 */
export class Flash implements BoardStorage {
  readonly #bytes: Uint8Array
  readonly #eraseUnit: number
  readonly #file: number | undefined
  readonly #seed: number
  readonly #cuts = new Set<number>()
  #operations = 0
  #unerasedBits = 0

  constructor(options: FlashOptions) {
    this.#eraseUnit = options.eraseUnit
    this.#seed = options.seed ?? 1
    this.#bytes = new Uint8Array(options.sizeBytes).fill(0xff)
    this.#file = options.file === undefined ? undefined : openFile(options.file, this.#bytes)
  }

  /** Operations begun since this object was made. */
  get operations(): number {
    return this.#operations
  }

  /** Bits that a write wanted to be 1 and that were 0: a board that programs what it did not erase. */
  get unerasedBits(): number {
    return this.#unerasedBits
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  /** A copy of what the chip holds. */
  contents(): Uint8Array {
    return this.#bytes.slice()
  }

  /** Cuts the power in the middle of operation number `operation`; the first one is 1. */
  cutAt(operation: number): void {
    this.#cuts.add(operation)
  }

  read(address: number, into: Uint8Array): number {
    if (!this.#holds(address, into.length)) return STORAGE_ERROR
    into.set(this.#bytes.subarray(address, address + into.length))
    return 0
  }

  write(address: number, data: Uint8Array): number {
    if (!this.#holds(address, data.length)) return STORAGE_ERROR
    const before = this.#bytes.slice(address, address + data.length)
    const wanted = before.map((byte, i) => byte & (data[i] ?? 0))
    for (let i = 0; i < data.length; i++) this.#unerasedBits += bitsSet((data[i] ?? 0) & ~(before[i] ?? 0))
    return this.#operate(address, wanted, random => tornProgram(before, wanted, random))
  }

  erase(address: number, length: number): number {
    const unit = this.#eraseUnit
    if (!this.#holds(address, length) || address % unit !== 0 || length % unit !== 0) return STORAGE_ERROR
    const erased = new Uint8Array(unit).fill(0xff)
    for (let at = address; at < address + length; at += unit) {
      const before = this.#bytes.slice(at, at + unit)
      const outcome = this.#operate(at, erased, random => tornErase(before, random))
      if (outcome !== 0) return outcome
    }
    return 0
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
  }

  #holds(address: number, length: number): boolean {
    return address >= 0 && length >= 0 && address + length <= this.#bytes.length
  }

  #operate(address: number, wanted: Uint8Array, tear: (random: () => number) => Uint8Array): number {
    this.#operations++
    if (!this.#cuts.has(this.#operations)) return this.#store(address, wanted)
    const prng = new Prng(this.#seed ^ Math.imul(this.#operations, 0x9e3779b1))
    this.#store(
      address,
      tear(() => prng.real()),
    )
    throw new PowerCut(this.#operations)
  }

  /** The file first: what could not be written there did not happen, as with a chip that reports a fault. */
  #store(address: number, bytes: Uint8Array): number {
    try {
      if (this.#file !== undefined) writeWhole(this.#file, bytes, address)
    } catch {
      return STORAGE_ERROR
    }
    this.#bytes.set(bytes, address)
    return 0
  }
}

function openFile(path: string, bytes: Uint8Array): number {
  let file: number | undefined
  try {
    file = openReadWrite(path)
    const sizeBytes = fstatSync(file).size
    if (sizeBytes === 0) writeWhole(file, bytes, 0)
    else if (sizeBytes === bytes.length) readWhole(file, bytes)
    else throw wrongSize(path, sizeBytes, bytes.length)
    return file
  } catch (thrown) {
    if (file !== undefined) closeSync(file)
    if (thrown instanceof AppError) throw thrown
    const message = `The flash file ${path} cannot be used: ${toError(thrown).message}`
    throw new AppError('storage_failed', message, { cause: thrown })
  }
}

const wrongSize = (path: string, found: number, wanted: number): AppError =>
  new AppError(
    'file_invalid',
    `The flash file ${path} holds ${found} bytes but the board's flash has ${wanted}. ` +
      `Name another file, or give --flash-size ${found}.`,
  )

function openReadWrite(path: string): number {
  try {
    return openSync(path, 'r+')
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')) throw thrown
    return openSync(path, 'wx+')
  }
}

function writeWhole(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done)
  }
}

function readWhole(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(file, bytes, done, bytes.length - done, done)
    if (count === 0) throw new Error('it became shorter while it was read')
    done += count
  }
}

function bitsSet(byte: number): number {
  let count = 0
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++
  return count
}
