import { crc32 } from '../../src/protocol/crc32.ts'
import type { BuiltImage } from '../../src/protocol/image.ts'
import type { BoardConfig } from '../../src/virtual/board-config.ts'

/**
 * The board's storage as firmware-protocol/README.md lays it out, read and written here independently of the C code, so that a
 * simulation knows what a flash holds without asking the board.
 */
const recordBytes = 56
const headerBytes = 48
const noSlot = 255

export interface Layout {
  readonly areaBytes: number
  readonly slotBytes: number
  readonly slots: number
}

export function layoutOf({ storageBytes, eraseUnit, slots }: BoardConfig): Layout {
  const areaBytes = eraseUnit >= 64 ? eraseUnit : Math.ceil(64 / eraseUnit) * eraseUnit
  const slotBytes = Math.floor((storageBytes - 2 * areaBytes) / slots / eraseUnit) * eraseUnit
  return { areaBytes, slotBytes, slots }
}

export const slotAddress = ({ areaBytes, slotBytes }: Layout, slot: number): number =>
  2 * areaBytes + slot * slotBytes

/** Bytes of a slot that holds this image. */
export const slotNeed = ({ manifest, image, blocks }: BuiltImage): number =>
  headerBytes + manifest.length + blocks.length + image.length

export interface FlashRecord {
  readonly generation: number
  readonly bootId: number
  readonly active: number
  readonly trial: number
}

const noRecord: FlashRecord = { generation: 0, bootId: 0, active: noSlot, trial: noSlot }

/** The record that counts: the highest generation with a good CRC. */
export function readRecord(flash: Buffer, layout: Layout): FlashRecord {
  let newest = noRecord
  const perArea = Math.floor(layout.areaBytes / recordBytes)
  for (let area = 0; area < 2; area++) {
    for (let index = 0; index < perArea; index++) {
      const at = area * layout.areaBytes + index * recordBytes
      const generation = flash.readUInt32LE(at)
      if (generation <= newest.generation || generation === 0xffff_ffff) continue
      if (crc32(flash.subarray(at, at + 52)) !== flash.readUInt32LE(at + 52)) continue
      newest = {
        generation,
        bootId: flash.readUInt32LE(at + 4),
        active: flash.readUInt8(at + 40),
        trial: flash.readUInt8(at + 41),
      }
    }
  }
  return newest
}

export interface FlashSlot {
  readonly state: 'receiving' | 'verified' | 'damaged'
  readonly id: string
  readonly manifest: Buffer
  readonly journal: Buffer
  readonly image: Buffer
}

/** undefined: the slot is empty. The parts are views of `flash`. */
export function readSlot(flash: Buffer, layout: Layout, slot: number): FlashSlot | undefined {
  const base = slotAddress(layout, slot)
  const header = flash.subarray(base, base + headerBytes)
  if (header.toString('latin1', 0, 4) !== 'PGS1') return undefined
  if (crc32(header.subarray(0, 40)) !== header.readUInt32LE(40)) return undefined
  const manifestAt = base + headerBytes
  const journalAt = manifestAt + header.readUInt32LE(20)
  const imageAt = journalAt + header.readUInt16LE(32)
  return {
    state: header[46] !== 0xff ? 'damaged' : header[45] === 0 ? 'verified' : 'receiving',
    id: header.toString('hex', 4, 20),
    manifest: flash.subarray(manifestAt, journalAt),
    journal: flash.subarray(journalAt, imageAt),
    image: flash.subarray(imageAt, imageAt + header.readUInt32LE(28)),
  }
}

/** What to write into a blank flash so that slot 0 holds the image, verified and active. */
export function installed(
  config: BoardConfig,
  built: BuiltImage,
): readonly { address: number; bytes: Buffer }[] {
  const header = Buffer.alloc(headerBytes, 0xff)
  header.write('PGS1', 0, 'latin1')
  header.set(built.id, 4)
  header.writeUInt32LE(built.manifest.length, 20)
  header.writeUInt32LE(crc32(built.manifest), 24)
  header.writeUInt32LE(built.image.length, 28)
  header.writeUInt16LE(built.blocks.length, 32)
  header.writeUInt32LE(0, 34)
  header.writeUInt32LE(0, 36)
  header.writeUInt32LE(crc32(header.subarray(0, 40)), 40)
  header[44] = 0
  header[45] = 0
  const journal = Buffer.alloc(built.blocks.length)
  const record = Buffer.alloc(recordBytes)
  record.writeUInt32LE(1, 0)
  record.writeUInt32LE(1, 4)
  record.set(config.uuid, 8)
  record.set([0, noSlot, 255, 1], 40)
  record.writeUInt32LE(crc32(record.subarray(0, 52)), 52)
  return [
    { address: 0, bytes: record },
    {
      address: slotAddress(layoutOf(config), 0),
      bytes: Buffer.concat([header, built.manifest, journal, built.image]),
    },
  ]
}
