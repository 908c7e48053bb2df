/** How a strip runs over a matrix, as `row-serpentine-tl` spells it. */
export interface Wiring {
  readonly along: 'row' | 'column'
  readonly style: 'straight' | 'serpentine'
  readonly start: 'tl' | 'tr' | 'bl' | 'br'
}

export const readWiring = (text: string): Wiring => {
  const [, along, style, start] = /^(row|column)-(straight|serpentine)-(tl|tr|bl|br)$/.exec(text) ?? []
  return {
    along: along === 'column' ? 'column' : 'row',
    style: style === 'straight' ? 'straight' : 'serpentine',
    start: start === 'tr' || start === 'bl' || start === 'br' ? start : 'tl',
  }
}

export const wiringText = ({ along, style, start }: Wiring): string => `${along}-${style}-${start}`

/** Places of the LEDs in the order of the strip, x and y from the top left. */
export function wiringPath(
  { along, style, start }: Wiring,
  width: number,
  height: number,
): readonly (readonly [x: number, y: number])[] {
  const [lines, perLine] = along === 'row' ? [height, width] : [width, height]
  const path: [number, number][] = []
  for (let line = 0; line < lines; line++)
    for (let step = 0; step < perLine; step++) {
      const at = style === 'serpentine' && line % 2 === 1 ? perLine - 1 - step : step
      const [x, y] = along === 'row' ? [at, line] : [line, at]
      path.push([
        start === 'tl' || start === 'bl' ? x : width - 1 - x,
        start === 'tl' || start === 'tr' ? y : height - 1 - y,
      ])
    }
  return path
}
