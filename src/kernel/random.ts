import { randomBytes } from 'node:crypto'

/** So many random bytes. Whoever draws lots takes this, as with Clock, so that a whole gateway can be replayed from a seed. */
export type RandomBytes = (sizeBytes: number) => Uint8Array

/** The system's source, fit for secrets. */
export const systemRandom: RandomBytes = sizeBytes => randomBytes(sizeBytes)
