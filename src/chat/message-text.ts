import { AppError } from '../kernel/errors.ts'
import { maxMessageCharacters } from '../wire/chat.ts'

/** White space and characters that show nothing, such as a zero-width space. */
const blank = /^[\s\p{Cf}\p{Cc}]*$/u

/**
 * The text as it is kept: well-formed Unicode. Throws `usage` when it is empty or has more than 10,000 code
 * points.
 */
export function messageText(text: string): string {
  // Two UTF-16 units are one code point at least, so a longer text need not be looked at.
  if (text.length > 2 * maxMessageCharacters) throw tooLong()
  // An unpaired surrogate cannot be written as UTF-8.
  const wellFormed = Buffer.from(text, 'utf8').toString('utf8')
  if (blank.test(wellFormed)) throw new AppError('usage', 'Message cannot be empty')
  if (codePoints(wellFormed) > maxMessageCharacters) throw tooLong()
  return wellFormed
}

const tooLong = (): AppError =>
  new AppError('usage', `Message too long (max ${maxMessageCharacters} characters)`)

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
