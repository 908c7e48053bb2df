/** An expected outcome: a value, or a fault that the caller must look at. Codecs and machines return it; they never throw. */
export type Result<T, F> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: F }

export const ok = <T>(value: T): Result<T, never> => ({ ok: true, value })
export const fail = <F>(fault: F): Result<never, F> => ({ ok: false, fault })
