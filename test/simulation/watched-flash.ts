import { PowerCut } from '../../src/virtual/board-storage.ts'
import { Flash, type FlashOptions } from '../../src/virtual/flash.ts'

/** A flash that tells of each change, torn ones included, right when it has happened. */
export class WatchedFlash extends Flash {
  /** Called after each operation; what it says must not change the flash. */
  onChange: (address: number, sizeBytes: number) => void = () => undefined
  /** The power fails in the middle of an operation. */
  onCut: () => void = () => undefined
  readonly #eraseUnit: number
  /** The same bytes, to be looked at without a copy. */
  readonly #mirror: Buffer

  constructor(options: FlashOptions) {
    super(options)
    this.#eraseUnit = options.eraseUnit
    this.#mirror = Buffer.alloc(options.sizeBytes, 0xff)
  }

  override write(address: number, data: Uint8Array): number {
    try {
      return super.write(address, data)
    } catch (thrown) {
      this.onCut()
      throw thrown
    } finally {
      this.#changed(address, data.length)
    }
  }

  /** Unit by unit, so that each operation is told apart. */
  override erase(address: number, length: number): number {
    const unit = this.#eraseUnit
    if (length === 0 || length % unit !== 0) return super.erase(address, length)
    for (let at = address; at < address + length; at += unit) {
      try {
        const outcome = super.erase(at, unit)
        if (outcome !== 0) return outcome
      } catch (thrown) {
        this.onCut()
        throw thrown
      } finally {
        this.#changed(at, unit)
      }
    }
    return 0
  }

  /** What the chip holds there, now and later. */
  view(address: number, sizeBytes: number): Buffer {
    return this.#mirror.subarray(address, address + sizeBytes)
  }

  /** A cell forgets its charge: one bit that was 1 is 0. */
  rot(address: number, bit: number): void {
    const before = this.#mirror[address] ?? 0
    try {
      super.write(address, Uint8Array.of(before & ~(1 << bit)))
    } catch (thrown) {
      // The board did nothing at this moment that a failing supply could tear.
      if (!(thrown instanceof PowerCut)) throw thrown
    }
    this.read(address, this.view(address, 1))
  }

  #changed(address: number, sizeBytes: number): void {
    this.read(address, this.view(address, sizeBytes))
    this.onChange(address, sizeBytes)
  }
}
