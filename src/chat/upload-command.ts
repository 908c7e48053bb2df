/** A command that was not written as it has to be; the message says what is wrong. */
export class UsageFault extends Error {}

const all = 'all'

interface Word {
  readonly text: string
  readonly quoted: boolean
}

/**
 * `PATTERN BOARD[,BOARD]`, also `PATTERN to BOARD`. The boards are the last word with everything that commas
 * join to it; names with spaces stand in quotes, though those of a pattern need not. `all` is every board.
 */
export function readUpload(rest: string): { pattern: string; boards: 'all' | string[] } {
  const words = split(rest)
  const boards: string[] = []
  let at = words.length
  do {
    const board = words[--at]
    if (board !== undefined && !isComma(board)) boards.unshift(board.text)
    if (board === undefined || isComma(board)) throw new UsageFault('A board is missing.')
  } while (isComma(words[at - 1]) && at--)
  const before = words.slice(0, at)
  const last = before.at(-1)
  const named = before.length > 1 && last?.text === 'to' && !last.quoted ? before.slice(0, -1) : before
  if (named.length === 0) throw new UsageFault('The pattern or the board is missing.')
  const pattern = named.map(({ text }) => text).join(' ')
  return { pattern, boards: boards.length === 1 && boards[0] === all ? all : boards }
}

const isComma = (word: Word | undefined): boolean => word?.text === ',' && !word.quoted

function split(text: string): readonly Word[] {
  if ((text.match(/"/g)?.length ?? 0) % 2 === 1) throw new UsageFault('A quote is not closed.')
  return [...text.matchAll(/"([^"]*)"|,|[^\s,"]+/g)].map(([word, inner]) => ({
    text: inner ?? word,
    quoted: inner !== undefined,
  }))
}
