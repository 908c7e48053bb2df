import { open } from 'node:fs/promises'
import type { Workplace } from '../../support/pixelgate.ts'

const sectorBytes = 512
const firstSector = 2048
const ownType = 0x7f
const tableAt = 446

export interface CardOptions {
  /** Of the partition; 0x7F is the firmware's. */
  readonly type?: number
  readonly sectors?: number
}

/** A card with one partition in a DOS table, as sfdisk makes it: 34 MiB unless told. Returns its name in `place`. */
export async function sdCard(
  place: Workplace,
  { type = ownType, sectors = 69_632 }: CardOptions = {},
): Promise<string> {
  const table = Buffer.alloc(sectorBytes)
  table[tableAt + 4] = type
  table.writeUInt32LE(firstSector, tableAt + 8)
  table.writeUInt32LE(sectors, tableAt + 12)
  table.writeUInt16LE(0xaa55, 510)
  const file = await open(place.path('card'), 'w')
  await file.truncate((firstSector + sectors) * sectorBytes)
  await file.write(table, 0, sectorBytes, 0)
  await file.close()
  return 'card'
}
