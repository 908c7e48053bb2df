/** Letters of 3×5 pixels; each row is three bits, the left one first. */
const glyphs: Readonly<Record<string, readonly number[]>> = {
  '0': [0b111, 0b101, 0b101, 0b101, 0b111],
  '1': [0b010, 0b110, 0b010, 0b010, 0b111],
  '2': [0b111, 0b001, 0b111, 0b100, 0b111],
  '3': [0b111, 0b001, 0b011, 0b001, 0b111],
  '4': [0b101, 0b101, 0b111, 0b001, 0b001],
  '5': [0b111, 0b100, 0b111, 0b001, 0b111],
  '6': [0b111, 0b100, 0b111, 0b101, 0b111],
  '7': [0b111, 0b001, 0b010, 0b010, 0b010],
  '8': [0b111, 0b101, 0b111, 0b101, 0b111],
  '9': [0b111, 0b101, 0b111, 0b001, 0b111],
  '.': [0b000, 0b000, 0b000, 0b000, 0b010],
  ':': [0b000, 0b010, 0b000, 0b010, 0b000],
  s: [0b000, 0b011, 0b110, 0b001, 0b110],
  ' ': [0, 0, 0, 0, 0],
}

const letterWidth = 3
const letterHeight = 5

export interface TextPlace {
  readonly x: number
  readonly y: number
  /** Pixels of the picture for one of the letter. */
  readonly scale: number
  readonly color: readonly [red: number, green: number, blue: number]
}

/** Size of a line of text, in pixels of the picture. */
export const textSize = (
  text: string,
  scale: number,
): { readonly width: number; readonly height: number } => ({
  width: Math.max(0, text.length * (letterWidth + 1) - 1) * scale,
  height: letterHeight * scale,
})

/** Draws digits, `.`, `:`, `s` and blanks into an RGB picture; other characters stay blank, and so does what lies outside. */
export function drawText(
  pixels: Uint8Array,
  canvas: { readonly width: number; readonly height: number },
  text: string,
  { x, y, scale, color }: TextPlace,
): void {
  for (const [index, letter] of [...text].entries()) {
    const rows = glyphs[letter] ?? []
    for (const [row, bits] of rows.entries())
      for (let column = 0; column < letterWidth; column++) {
        if (((bits >> (letterWidth - 1 - column)) & 1) === 0) continue
        const left = x + (index * (letterWidth + 1) + column) * scale
        const top = y + row * scale
        for (let dy = 0; dy < scale; dy++)
          for (let dx = 0; dx < scale; dx++) {
            const [px, py] = [left + dx, top + dy]
            if (px < 0 || py < 0 || px >= canvas.width || py >= canvas.height) continue
            pixels.set(color, (py * canvas.width + px) * 3)
          }
      }
  }
}
