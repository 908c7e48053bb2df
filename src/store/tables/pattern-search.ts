import { searchForm } from '../search-form.ts'

/** Words of one search that are heeded. */
const maxWords = 8

/**
 * The condition that each word of `text` is a part of what is written of the family. Of words with three characters and
 * more the index knows (FTS5's trigrams); shorter ones are looked for in every text.
 */
export function searchCondition(text: string): {
  readonly conditions: readonly string[]
  readonly values: Readonly<Record<string, string>>
} {
  const words = searchForm(text)
    .split(' ')
    .filter(word => word !== '')
    .slice(0, maxWords)
  const long = words.filter(word => [...word].length >= 3)
  const short = words.filter(word => [...word].length < 3)
  const match = long.map(word => `"${word.replaceAll('"', '""')}"`).join(' AND ')
  return {
    conditions: [
      ...(long.length === 0
        ? []
        : ['p.familyId IN (SELECT rowid FROM patternSearch WHERE patternSearch MATCH @match)']),
      ...(short.length === 0
        ? []
        : [
            `p.familyId IN (SELECT rowid FROM patternSearch
              WHERE ${short.map((_, at) => `instr(text, @short${at}) > 0`).join(' AND ')})`,
          ]),
    ],
    values: { match, ...Object.fromEntries(short.map((word, at) => [`short${at}`, word])) },
  }
}
