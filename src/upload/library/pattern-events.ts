import type { PatternId } from '../../kernel/ids.ts'

export interface PatternEvents {
  /** A pattern came in, came in again, was changed, drawn or removed; lists and details that were read before are old. */
  readonly 'pattern.changed': { readonly id: PatternId; readonly what: 'kept' | 'changed' | 'removed' }
}
