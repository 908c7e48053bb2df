/** Part of a canvas, in pixels. */
export interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** The smallest rectangle outside of which both frames (RGB) are the same; one pixel at the top left when nothing differs. */
export function changedArea(
  before: Uint8Array,
  after: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Area {
  const rowBytes = width * 3
  const row = (pixels: Uint8Array, y: number) =>
    Buffer.from(pixels.buffer, pixels.byteOffset + y * rowBytes, rowBytes)
  const differs = (y: number) => !row(before, y).equals(row(after, y))
  let top = 0
  while (top < height && !differs(top)) top++
  if (top === height) return { x: 0, y: 0, width: 1, height: 1 }
  let bottom = height - 1
  while (!differs(bottom)) bottom--
  let left = rowBytes
  let right = 0
  for (let y = top; y <= bottom; y++) {
    const start = y * rowBytes
    let x = 0
    while (x < left && before[start + x] === after[start + x]) x++
    left = Math.min(left, x)
    x = rowBytes - 1
    while (x > right && before[start + x] === after[start + x]) x--
    right = Math.max(right, x)
  }
  const x = Math.floor(left / 3)
  return { x, y: top, width: Math.floor(right / 3) - x + 1, height: bottom - top + 1 }
}

/** The pixels of an area, row by row; a view where it spans the canvas. */
export function cutArea(pixels: Uint8Array, canvasWidth: number, { x, y, width, height }: Area): Uint8Array {
  if (width === canvasWidth) return pixels.subarray(y * width * 3, (y + height) * width * 3)
  const out = new Uint8Array(width * height * 3)
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * canvasWidth + x) * 3
    out.set(pixels.subarray(from, from + width * 3), row * width * 3)
  }
  return out
}
