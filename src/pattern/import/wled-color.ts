import type { WledJsonScanner } from './wled-json-scanner.ts'

/** Added to a colour that has white in it. */
export const whiteFlag = 0x1000000

/** A colour of WLED's API, `"RRGGBB"`, `"RRGGBBWW"` or `[r,g,b,w]`, as 0xRRGGBB; white lights all three, and adds `whiteFlag`. */
export function wledColor(scanner: WledJsonScanner): number {
  if (scanner.isString()) {
    const color = scanner.hexColor()
    const white = color & 0xff
    if (white === 0) return color / 256
    return withWhite(Math.floor(color / 0x1000000), (color >>> 16) & 0xff, (color >>> 8) & 0xff, white)
  }
  let red = 0
  let green = 0
  let blue = 0
  let white = 0
  let count = 0
  const at = scanner.position
  scanner.array(() => {
    const value = scanner.whole()
    if (value > 255) scanner.invalid(`a colour value of ${value}; 255 is the most`)
    if (count === 0) red = value
    else if (count === 1) green = value
    else if (count === 2) blue = value
    else white = value
    count++
  })
  if (count === 0 || count > 4)
    scanner.invalid(`a colour of ${count} values; expected 3, or 4 with white`, at)
  return withWhite(red, green, blue, white)
}

function withWhite(red: number, green: number, blue: number, white: number): number {
  const lit = (value: number) => Math.min(255, value + white)
  return (white > 0 ? whiteFlag : 0) + ((lit(red) << 16) | (lit(green) << 8) | lit(blue))
}
