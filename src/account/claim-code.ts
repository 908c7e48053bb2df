import { createHash, randomInt, timingSafeEqual } from 'node:crypto'

/** Digits and letters that nobody takes for another: no 0 O, 1 I L, 2 Z, 5 S, 8 B, U V. */
const alphabet = '34679ACDEFGHJKMNPQRTWXY'
const groups = 2
const groupLength = 5

/** A code to be typed off a screen: `7KDQF-X3MHA`, 45 bits. */
export function makeClaimCode(): string {
  const group = () => Array.from({ length: groupLength }, () => alphabet[randomInt(alphabet.length)]).join('')
  return Array.from({ length: groups }, group).join('-')
}

/** Compares in constant time, whatever the case and the signs between the groups. */
export function isClaimCode(typed: string, code: string): boolean {
  return timingSafeEqual(digest(typed), digest(code))
}

const digest = (text: string): Buffer =>
  createHash('sha256')
    .update(text.toUpperCase().replaceAll(/[^A-Z0-9]/g, ''))
    .digest()
