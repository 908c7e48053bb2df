import { dim } from '../power.ts'
import { badRequest, lookUp, type Operation, tableOf } from './operation.ts'

/** Dims as boards dim (SPEC §8.4): 255 as drawn, 127 half, 0 dark. */
export const brightness =
  (level: number): Operation =>
  (pattern, limits) => {
    if (!Number.isInteger(level) || level < 0 || level > 255)
      return badRequest(`a brightness is a whole number from 0 to 255, not ${level}`)
    const table = tableOf(value => dim(value, level))
    return lookUp(pattern, [table, table, table], limits)
  }
