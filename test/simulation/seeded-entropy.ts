import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { Prng } from '../../src/link/prng.ts'

/** The process's source of random numbers, in the hands of a simulation. */
export interface SeededEntropy {
  /** What is drawn from now on follows from the seed. */
  seed(seed: number): void
  /** The system's own source is back. */
  restore(): void
}

/**
 * Session numbers, ids and digest keys come from `node:crypto` and travel over the line, so a session replays only when they
 * come from its seed. Node lets the exports of a builtin be replaced (`module.syncBuiltinESMExports`); nothing of
 * the gateway is replaced.
 */
export function seedEntropy(): SeededEntropy {
  const { randomBytes, randomInt } = crypto
  let prng = new Prng(0)
  const put = (functions: object) => {
    Object.assign(crypto, functions)
    syncBuiltinESMExports()
  }
  put({
    randomBytes: (sizeBytes: number) => Buffer.from(Array.from({ length: sizeBytes }, () => prng.below(256))),
    randomInt: (from: number, to: number) => from + prng.below(to - from),
  })
  return {
    seed: seed => {
      prng = new Prng(seed)
    },
    restore: () => put({ randomBytes, randomInt }),
  }
}
