/**
 * xoshiro128** 1.1 (Blackman & Vigna, https://prng.di.unimi.it), seeded through splitmix32: the same numbers for the same
 * seed on every machine, so that a failed simulation can be run again. Not for secrets.
 */
export class Prng {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number) {
    let state = seed >>> 0
    const split = (): number => {
      state = (state + 0x9e3779b9) >>> 0
      let z = state
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
      return (z ^ (z >>> 16)) >>> 0
    }
    this.#a = split()
    this.#b = split()
    this.#c = split()
    this.#d = split()
  }

  /** 0 … 2³² − 1. */
  uint32(): number {
    const product = Math.imul(this.#b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }

  /** In [0, 1). */
  real(): number {
    return this.uint32() / 0x1_0000_0000
  }

  /** 0 … limit − 1. */
  below(limit: number): number {
    return Math.floor(this.real() * limit)
  }

  /**
   * Trials until the next success of probability p, the success included (geometric; ≥ 1). Lets a rare event cost one draw
   * for each time it happens in place of one for each bit.
   */
  trialsUntil(p: number): number {
    if (p <= 0) return Number.POSITIVE_INFINITY
    if (p >= 1) return 1
    return 1 + Math.floor(Math.log1p(-this.real()) / Math.log1p(-p))
  }
}
