import { createHash, randomInt, timingSafeEqual } from 'node:crypto'

/** Digits and letters that nobody takes for another: no 0 O, 1 I L, 2 Z, 5 S, 8 B, U V. */
const alphabet = '34679ACDEFGHJKMNPQRTWXY'

/** A code to be typed off a screen, 4.5 bits a letter: `7KDQF-X3MHA` is two groups of five. */
export function makeTypedCode(groups: number, groupLength: number): string {
  const group = () => Array.from({ length: groupLength }, () => alphabet[randomInt(alphabet.length)]).join('')
  return Array.from({ length: groups }, group).join('-')
}

/** What was typed, whatever the case and the signs between the groups. */
export const plainCode = (typed: string): string => typed.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')

/** 45 bits. */
export const makeClaimCode = (): string => makeTypedCode(2, 5)

/** Compares in constant time, whatever the case and the signs between the groups. */
export function isClaimCode(typed: string, code: string): boolean {
  return timingSafeEqual(digest(typed), digest(code))
}

const digest = (text: string): Buffer => createHash('sha256').update(plainCode(text)).digest()
