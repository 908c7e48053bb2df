import type { Size } from './size.ts'

/**
 * A copy of an RGB canvas at another size. When it shrinks, each new pixel is the mean of what it covers, pixels at its edges by the part
 * that it covers of them, so that nothing thin is lost and light is kept; when it grows, pixels repeat, so that no colour is new.
 */
export function scalePixels(pixels: Uint8Array, from: Size, to: Size): Uint8Array {
  if (from.width === to.width && from.height === to.height) return pixels.slice()
  const out = new Uint8Array(to.width * to.height * 3)
  const columns = cover(from.width, to.width)
  const rows = cover(from.height, to.height)
  const total = columns.total * rows.total
  const stride = from.width * 3
  const line = new Float64Array(stride)
  let at = 0
  for (let y = 0; y < to.height; y++) {
    weighRows(pixels, rows, y, line)
    for (let x = 0; x < to.width; x++) {
      let red = 0
      let green = 0
      let blue = 0
      const last = columns.last[x] ?? 0
      for (let column = columns.first[x] ?? 0; column <= last; column++) {
        const weight = columns.weight(x, column)
        red += weight * (line[column * 3] ?? 0)
        green += weight * (line[column * 3 + 1] ?? 0)
        blue += weight * (line[column * 3 + 2] ?? 0)
      }
      out[at++] = Math.round(red / total)
      out[at++] = Math.round(green / total)
      out[at++] = Math.round(blue / total)
    }
  }
  return out
}

/** The rows that new row `y` covers, laid over each other. */
function weighRows(pixels: Uint8Array, rows: Cover, y: number, line: Float64Array): void {
  const first = rows.first[y] ?? 0
  for (let row = first; row <= (rows.last[y] ?? 0); row++) {
    const weight = rows.weight(y, row)
    const start = row * line.length
    if (row === first) for (let i = 0; i < line.length; i++) line[i] = weight * (pixels[start + i] ?? 0)
    else for (let i = 0; i < line.length; i++) line[i] = (line[i] ?? 0) + weight * (pixels[start + i] ?? 0)
  }
}

/** Which old places each new one covers along one side, and how much of each: whole numbers whose sum is `total`, so that sums are exact. */
interface Cover {
  readonly first: Uint32Array
  readonly last: Uint32Array
  readonly total: number
  weight(to: number, from: number): number
}

function cover(from: number, to: number): Cover {
  const first = new Uint32Array(to)
  const last = new Uint32Array(to)
  const grows = to >= from
  for (let place = 0; place < to; place++) {
    first[place] = Math.floor((place * from) / to)
    last[place] = grows ? (first[place] ?? 0) : Math.ceil(((place + 1) * from) / to) - 1
  }
  if (grows) return { first, last, total: 1, weight: () => 1 }
  // In units of 1/to of an old place, a new one is `from` long and an old one `to`.
  const weight = (place: number, old: number) =>
    Math.min((place + 1) * from, (old + 1) * to) - Math.max(place * from, old * to)
  return { first, last, total: from, weight }
}
