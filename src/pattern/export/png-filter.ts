/** PNG 3rd edition, §9.4: which neighbour predicts best. */
export function paeth(left: number, up: number, upLeft: number): number {
  const toLeft = Math.abs(up - upLeft)
  const toUp = Math.abs(left - upLeft)
  const toUpLeft = Math.abs(left + up - 2 * upLeft)
  if (toLeft <= toUp && toLeft <= toUpLeft) return left
  return toUp <= toUpLeft ? up : upLeft
}

/** Each row behind the filter whose differences are smallest, the usual guess at what compresses best (§12.7). */
export function filterRows(bytes: Uint8Array, rowBytes: number, pixelBytes: number): Uint8Array {
  const height = rowBytes === 0 ? 0 : bytes.length / rowBytes
  const out = new Uint8Array((rowBytes + 1) * height)
  const tries = Array.from({ length: 5 }, () => new Uint8Array(rowBytes))
  const sums = new Float64Array(5)
  const none = new Uint8Array(rowBytes)
  let above: Uint8Array = none
  for (let y = 0; y < height; y++) {
    const row = bytes.subarray(y * rowBytes, (y + 1) * rowBytes)
    differences(row, above, pixelBytes, tries, sums)
    const best = sums.indexOf(Math.min(...sums))
    const at = y * (rowBytes + 1)
    out[at] = best
    out.set(tries[best] ?? row, at + 1)
    above = row
  }
  return out
}

/** The row behind each of the five filters, and the sum of its differences taken as signed numbers. */
function differences(
  row: Uint8Array,
  above: Uint8Array,
  pixelBytes: number,
  tries: readonly Uint8Array[],
  sums: Float64Array,
): void {
  for (const [filter, out] of tries.entries()) {
    let sum = 0
    for (let x = 0; x < row.length; x++) {
      const left = x < pixelBytes ? 0 : (row[x - pixelBytes] ?? 0)
      const up = above[x] ?? 0
      const value =
        (row[x] ?? 0) - predicted(filter, left, up, x < pixelBytes ? 0 : (above[x - pixelBytes] ?? 0))
      out[x] = value
      const byte = value & 0xff
      sum += byte < 128 ? byte : 256 - byte
    }
    sums[filter] = sum
  }
}

function predicted(filter: number, left: number, up: number, upLeft: number): number {
  if (filter === 1) return left
  if (filter === 2) return up
  if (filter === 3) return (left + up) >> 1
  return filter === 4 ? paeth(left, up, upLeft) : 0
}
