import type { BlockEntry, Run } from '../messages.ts'

/** Blocks that the board holds in another slot. */
export interface HeldTable {
  readonly slot: number
  readonly blocks: readonly BlockEntry[]
}

const key = ({ crc32, storedBytes }: BlockEntry): number => crc32 * 0x10000 + storedBytes

/**
 * Runs that copy missing blocks from what the board holds already (SPEC §6.2). Blocks are matched by the CRC-32 and
 * length of their stored bytes; a chance match is caught by the digest at the end.
 */
export function copyRuns(
  blocks: readonly BlockEntry[],
  isMissing: (block: number) => boolean,
  held: readonly HeldTable[],
): readonly Run[] {
  const places = new Map<number, { slot: number; block: number }>()
  for (const { slot, blocks: old } of held) {
    old.forEach((entry, block) => {
      if (!places.has(key(entry))) places.set(key(entry), { slot, block })
    })
  }
  const runs: { slot: number; oldBlock: number; newBlock: number; count: number }[] = []
  blocks.forEach((entry, newBlock) => {
    if (!isMissing(newBlock)) return
    const last = runs.at(-1)
    if (last !== undefined && last.newBlock + last.count === newBlock) {
      const following = held.find(table => table.slot === last.slot)?.blocks[last.oldBlock + last.count]
      if (following !== undefined && key(following) === key(entry)) {
        last.count++
        return
      }
    }
    const place = places.get(key(entry))
    if (place !== undefined) runs.push({ slot: place.slot, oldBlock: place.block, newBlock, count: 1 })
  })
  return runs
}
