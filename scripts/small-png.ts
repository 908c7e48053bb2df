import { deflateSync } from 'node:zlib'
import { crc32 } from '../src/protocol/crc32.ts'

const colors = 256

interface Bin {
  count: number
  readonly sum: [red: number, green: number, blue: number]
}
type Box = readonly Bin[]

/** Pixels (R, G, B, A; A is not read) as a PNG of 256 colours, chosen by median cut: a third of the size, and eyes see no difference. */
export function smallPng(rgba: Uint8Array, width: number, height: number): Buffer {
  const bins = new Map<number, Bin>()
  for (let at = 0; at < rgba.length; at += 4) {
    const rgb = [rgba[at] ?? 0, rgba[at + 1] ?? 0, rgba[at + 2] ?? 0] as const
    const key = keyOf(...rgb)
    const bin = bins.get(key) ?? { count: 0, sum: [0, 0, 0] }
    bin.count++
    for (const channel of channels) bin.sum[channel] += rgb[channel]
    bins.set(key, bin)
  }
  const boxes = cut([...bins.values()])
  const palette = boxes.map(mean)
  const rows = dithered(rgba, width, height, palette)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 3, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flat())),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const channels = [0, 1, 2] as const

/** Rows of indices, each after its filter byte 0; what a colour is off goes to its neighbours (Floyd and Steinberg). */
function dithered(rgba: Uint8Array, width: number, height: number, palette: readonly number[][]): Buffer {
  const rows = Buffer.alloc((width + 1) * height)
  const nearest = nearestIn(palette)
  let below = new Float32Array((width + 2) * 3)
  for (let y = 0; y < height; y++) {
    const here = below
    below = new Float32Array((width + 2) * 3)
    for (let x = 0; x < width; x++) {
      const [from, at] = [(y * width + x) * 4, (x + 1) * 3]
      const wanted = channels.map(channel => (rgba[from + channel] ?? 0) + (here[at + channel] ?? 0))
      const index = nearest(wanted)
      rows[y * (width + 1) + 1 + x] = index
      for (const channel of channels) {
        const off = (wanted[channel] ?? 0) - (palette[index]?.[channel] ?? 0)
        const spread = (row: Float32Array, cell: number, share: number) => {
          row[cell + channel] = (row[cell + channel] ?? 0) + off * share
        }
        spread(here, at + 3, 7 / 16)
        spread(below, at - 3, 3 / 16)
        spread(below, at, 5 / 16)
        spread(below, at + 3, 1 / 16)
      }
    }
  }
  return rows
}

function nearestIn(palette: readonly number[][]): (rgb: readonly number[]) => number {
  const known = new Map<number, number>()
  return rgb => {
    const [red = 0, green = 0, blue = 0] = rgb.map(value => Math.max(0, Math.min(255, Math.round(value))))
    const key = (red << 16) | (green << 8) | blue
    let best = known.get(key)
    if (best !== undefined) return best
    best = 0
    let least = Number.POSITIVE_INFINITY
    for (const [index, [r = 0, g = 0, b = 0]] of palette.entries()) {
      const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2
      if (distance < least) [best, least] = [index, distance]
    }
    known.set(key, best)
    return best
  }
}

const keyOf = (red: number, green: number, blue: number): number =>
  ((red >> 1) << 14) | ((green >> 1) << 7) | (blue >> 1)

const level = ({ sum, count }: Bin, channel: 0 | 1 | 2): number => sum[channel] / count

function mean(box: Box): number[] {
  const count = box.reduce((total, bin) => total + bin.count, 0)
  return channels.map(channel => Math.round(box.reduce((total, { sum }) => total + sum[channel], 0) / count))
}

/** Splits the box that errs most until there are enough. */
function cut(all: Box): readonly Box[] {
  const boxes = [{ box: all, ...widest(all) }]
  while (boxes.length < colors) {
    boxes.sort((a, b) => b.error - a.error)
    const [worst] = boxes
    if (worst === undefined || worst.box.length < 2) break
    const sorted = worst.box.toSorted((a, b) => level(a, worst.channel) - level(b, worst.channel))
    const half = sorted.reduce((total, { count }) => total + Math.sqrt(count), 0) / 2
    let at = 0
    for (let passed = 0; at < sorted.length - 1 && passed < half; at++)
      passed += Math.sqrt(sorted[at]?.count ?? 0)
    const parts = [sorted.slice(0, Math.max(1, at)), sorted.slice(Math.max(1, at))]
    boxes.splice(0, 1, ...parts.map(box => ({ box, ...widest(box) })))
  }
  return boxes.map(({ box }) => box)
}

/** The channel in which a box reaches furthest, and how much that matters. */
function widest(box: Box): { readonly channel: 0 | 1 | 2; readonly error: number } {
  const weight = Math.sqrt(box.reduce((total, { count }) => total + count, 0))
  const spans = channels.map(channel => {
    const levels = box.map(bin => level(bin, channel))
    return {
      channel,
      error: levels.length < 2 ? 0 : (Math.max(...levels) - Math.min(...levels)) ** 1.6 * weight,
    }
  })
  return spans.reduce((a, b) => (b.error > a.error ? b : a))
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}
