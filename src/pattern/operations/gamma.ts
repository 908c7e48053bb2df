import { badRequest, lookUp, type Operation, tableOf } from './operation.ts'

/** 255 · (value / 255)^`exponent`. Pictures made for screens look right on LEDs with 2.2 to 2.8; 1 changes nothing. */
export const gamma =
  (exponent: number): Operation =>
  (pattern, limits) => {
    if (!(exponent >= 0.1 && exponent <= 10)) return badRequest(`a gamma is 0.1 to 10, not ${exponent}`)
    const table = tableOf(value => 255 * (value / 255) ** exponent)
    return lookUp(pattern, [table, table, table], limits)
  }
