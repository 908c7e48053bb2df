import type { ByteSource } from '../../byte-source.ts'

/** Expands what a block of a sequence holds. Its memory is reused for the next block. */
export interface Decoder {
  /**
   * Expands the bytes from `start` to `end` and hands them to `take` piece by piece until that returns false; a piece is good until
   * `take` returns. Throws Damage; `mostBytes` is what the file promises, and memory is taken for no more.
   */
  run(
    source: ByteSource,
    start: number,
    end: number,
    mostBytes: number,
    take: (bytes: Uint8Array) => boolean,
  ): void
}
