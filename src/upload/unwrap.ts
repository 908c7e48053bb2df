import type { Result } from '../kernel/result.ts'
import { type PatternFault, patternError } from '../pattern/fault.ts'

/** The value, or the fault thrown as the AppError that people see. */
export function unwrap<T>(result: Result<T, PatternFault>): T {
  if (result.ok) return result.value
  throw patternError(result.fault)
}
