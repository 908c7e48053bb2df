import { badRequest, lookUp, type Operation, tableOf } from './operation.ts'

export type Factors = readonly [red: number, green: number, blue: number]

/** Range of the formula that the temperatures are computed by. */
const leastK = 1667
const mostK = 25_000
/** What unmixed white is taken for: D65, as screens have it. */
const neutralK = 6500

/** Each colour times its factor, 0 … 1 … 4; what would be above full is full. */
export const whiteBalance =
  (factors: Factors): Operation =>
  (pattern, limits) => {
    if (!factors.every(factor => factor >= 0 && factor <= 4))
      return badRequest(`white is balanced by three factors from 0 to 4, not ${factors.join(', ')}`)
    const [red, green, blue] = factors
    return lookUp(pattern, [times(red), times(green), times(blue)], limits)
  }

/** White becomes that of a black body of `kelvin`: 2700 a light bulb, 6500 as it is, 9000 bluish. The strongest colour stays full. */
export const colorTemperature =
  (kelvin: number): Operation =>
  (pattern, limits) =>
    kelvin >= leastK && kelvin <= mostK
      ? whiteBalance(temperatureFactors(kelvin))(pattern, limits)
      : badRequest(`a colour temperature is ${leastK} to ${mostK} K, not ${kelvin}`)

/** Factors for values that are linear in light, as those of LEDs are; 1, 1, 1 at 6500 K. */
export function temperatureFactors(kelvin: number): Factors {
  const neutral = linearRgb(neutralK)
  const mixed = linearRgb(kelvin).map((value, c) => Math.max(0, value) / (neutral[c] ?? 1))
  const strongest = Math.max(...mixed)
  const [red = 0, green = 0, blue = 0] = mixed.map(value => value / strongest)
  return [red, green, blue]
}

const times = (factor: number) => tableOf(value => value * factor)

/** sRGB primaries (IEC 61966-2-1), linear, of the white of a black body at luminance 1. */
function linearRgb(kelvin: number): Factors {
  const [x, y] = chromaticity(kelvin)
  const [big, small] = [x / y, (1 - x - y) / y]
  return [
    3.2406 * big - 1.5372 - 0.4986 * small,
    -0.9689 * big + 1.8758 + 0.0415 * small,
    0.0557 * big - 0.204 + 1.057 * small,
  ]
}

/** Planckian locus in CIE 1931 xy, cubic approximation of Kim et al. 2002 (US 7,024,034 B2), 1667 K … 25,000 K. */
function chromaticity(kelvin: number): readonly [x: number, y: number] {
  const inverse = 1000 / kelvin
  const x =
    kelvin <= 4000
      ? cubic(inverse, -0.2661239, -0.2343589, 0.8776956, 0.17991)
      : cubic(inverse, -3.0258469, 2.1070379, 0.2226347, 0.24039)
  if (kelvin <= 2222) return [x, cubic(x, -1.1063814, -1.3481102, 2.18555832, -0.20219683)]
  if (kelvin <= 4000) return [x, cubic(x, -0.9549476, -1.37418593, 2.09137015, -0.16748867)]
  return [x, cubic(x, 3.081758, -5.8733867, 3.75112997, -0.37001483)]
}

const cubic = (x: number, a: number, b: number, c: number, d: number): number => ((a * x + b) * x + c) * x + d
