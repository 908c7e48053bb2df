import type { Cell } from './layout.ts'
import type { FormOf } from './layout-forms.ts'
import type { Placed } from './placed.ts'

/** An LED of a round thing: angle clockwise from the top, and distance from the middle. */
interface Polar {
  readonly degrees: number
  readonly radius: number
}

interface Canvas {
  readonly width?: number | undefined
  readonly height?: number | undefined
}

const largestSide = 512
/** Each size of the canvas is tried with all of them. */
const mostLeds = 4096

/** Rings, one after the other. Without radii, LEDs are as far apart on each ring: a radius is as its number of LEDs, and one LED is the middle. */
export function placeRings({ rings, startDeg, direction, ...canvas }: FormOf<'rings'>): Placed {
  const count = rings.reduce((sum, ring) => sum + ring.leds, 0)
  if (count > mostLeds) return `rings of ${count} LEDs are more than ${mostLeds}`
  const leds = rings.flatMap((ring): Polar[] => {
    const radius = ring.radius ?? (ring.leds === 1 ? 0 : ring.leds / (2 * Math.PI))
    const turn = (ring.direction ?? direction) === 'cw' ? 1 : -1
    const start = ring.startDeg ?? startDeg
    return Array.from({ length: ring.leds }, (_, at) => ({
      degrees: start + (turn * at * 360) / ring.leds,
      radius,
    }))
  })
  return onCanvas(
    leds,
    canvas,
    rings.some(ring => ring.radius !== undefined),
  )
}

/** Rays (spokes) round the middle, one after the other. */
export function placeRays(form: FormOf<'rays'>): Placed {
  const { rays, ledsPerRay, innerRadius, startDeg, direction, run } = form
  const edge =
    form.width === undefined || form.height === undefined ? undefined : radiusOf(form.width, form.height)
  const outerRadius = form.outerRadius ?? edge ?? innerRadius + ledsPerRay - 1
  if (outerRadius < innerRadius)
    return `outerRadius ${outerRadius} is smaller than innerRadius ${innerRadius}`
  if (rays * ledsPerRay > mostLeds) return `${rays} rays of ${ledsPerRay} LEDs are more than ${mostLeds}`
  const turn = direction === 'cw' ? 1 : -1
  const leds = Array.from({ length: rays }, (_, ray) => {
    const inward = run === 'inward' || (run === 'serpentine' && ray % 2 === 1)
    return Array.from({ length: ledsPerRay }, (_, step): Polar => {
      const out = inward ? ledsPerRay - 1 - step : step
      const share = ledsPerRay === 1 ? 0 : out / (ledsPerRay - 1)
      return {
        degrees: startDeg + (turn * ray * 360) / rays,
        radius: innerRadius + share * (outerRadius - innerRadius),
      }
    })
  }).flat()
  return onCanvas(leds, form, true)
}

/**
 * On a canvas of a given size, radii that were given are cells; others reach to its edge. Without one they are proportions, and the
 * smallest square is taken on which no two LEDs share a cell.
 */
function onCanvas(leds: readonly Polar[], { width, height }: Canvas, inCells: boolean): Placed {
  if (leds.filter(({ radius }) => radius === 0).length > 1)
    return 'more than one LED is in the middle (radius 0); give a larger radius'
  const widest = leds.reduce((most, { radius }) => Math.max(most, radius), 0)
  const scaleTo = (edge: number) => (widest === 0 ? 1 : edge / widest)
  if (width !== undefined && height !== undefined) {
    const scale = inCells ? 1 : scaleTo(radiusOf(width, height))
    return { width, height, cells: nearestCells(leds, width, height, scale) }
  }
  if ((width ?? height) !== undefined) return 'give both width and height, or neither'
  // An odd side has a cell in the middle.
  for (
    let side = Math.max(1, 2 * Math.floor(Math.sqrt(leds.length) / 2) - 1);
    side <= largestSide;
    side += 2
  ) {
    const cells = nearestCells(leds, side, side, scaleTo(radiusOf(side, side)))
    if (new Set(cells.map(([x, y]) => y * side + x)).size === leds.length)
      return { width: side, height: side, cells }
  }
  return `two LEDs share a cell even on a canvas of ${largestSide}×${largestSide}; give rings other radii, or fewer LEDs`
}

/** From the middle of a canvas to the middle of the cells at its nearest edge. */
const radiusOf = (width: number, height: number): number => (Math.min(width, height) - 1) / 2

function nearestCells(leds: readonly Polar[], width: number, height: number, scale: number): readonly Cell[] {
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2]
  return leds.map(({ degrees, radius }): Cell => {
    const angle = (degrees * Math.PI) / 180
    return [
      near(middleX + Math.sin(angle) * radius * scale),
      near(middleY - Math.cos(angle) * radius * scale),
    ]
  })
}

/** A place in the middle between two cells must not depend on the last bit of a sine. */
const near = (place: number): number => Math.round(Math.round(place * 1e6) / 1e6)
