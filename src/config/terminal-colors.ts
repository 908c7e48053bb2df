/** What a terminal can show: 24-bit colours, the 256 of xterm, or none. */
export type TerminalColors = '24bit' | '256' | 'none'

interface Variables {
  readonly [name: string]: string | undefined
  readonly NO_COLOR?: string | undefined
  readonly COLORTERM?: string | undefined
  readonly TERM?: string | undefined
}

/**
 * What the environment says of the terminal: NO_COLOR (no-color.org) and TERM=dumb want none, COLORTERM names 24 bits, and so do the names of
 * terminals that have them; every other terminal that has a name knows 256. Without a word of it 24 bits are sent, as into a file.
 */
export function terminalColors({ NO_COLOR, COLORTERM, TERM }: Variables = process.env): TerminalColors {
  if ((NO_COLOR !== undefined && NO_COLOR !== '') || TERM === 'dumb') return 'none'
  if (COLORTERM === 'truecolor' || COLORTERM === '24bit') return '24bit'
  if (TERM === undefined || TERM === '') return '24bit'
  return /-direct|-truecolor|kitty|alacritty|wezterm|foot|ghostty/.test(TERM) ? '24bit' : '256'
}
