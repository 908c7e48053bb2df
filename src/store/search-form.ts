/**
 * A text as searches compare it: letters without case and marks (`Größe` is `grosse`), one space for each gap. The
 * migration that made the search table calls it too, so a change of it needs a step that writes the table anew.
 */
export const searchForm = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim()
