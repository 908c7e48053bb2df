import { AppError } from '../kernel/errors.ts'

/** Input that no program of good faith sends. */
export type Suspicion = 'wrong_host' | 'foreign_origin' | 'forged_prototype' | 'path_trick'

/** Ways out of a folder, NUL bytes and backslashes, also percent-encoded; in the target as it came. */
const tricks = /\.\.(?:[/\\]|$)|%2e|%2f|%5c|%00|\\|^\/\//i

/** What is suspicious in a request that was refused; undefined: nothing. `isKnown`: a principal has asked. */
export function suspicionOf(
  target: string,
  thrown: unknown,
  { isKnown }: { readonly isKnown: boolean },
): Suspicion | undefined {
  if (thrown instanceof AppError) {
    if (thrown.code === 'wrong_host') return 'wrong_host'
    if (thrown.code === 'forbidden' && !isKnown) return 'foreign_origin'
    if (thrown.message.includes('__proto__')) return 'forged_prototype'
  }
  return tricks.test(target.split('?', 1)[0] ?? '') ? 'path_trick' : undefined
}
