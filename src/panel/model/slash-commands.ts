export interface SlashCommand {
  readonly name: string
  readonly usage: string
  readonly what: string
}

/** What the chat answers to; the gateway runs them. */
const commands: readonly SlashCommand[] = [
  { name: '/boards', usage: '/boards', what: 'which boards there are and what they play' },
  { name: '/jobs', usage: '/jobs', what: 'the latest uploads' },
  { name: '/status', usage: '/status', what: 'how the gateway is' },
  { name: '/upload', usage: '/upload PATTERN BOARD[,BOARD]', what: 'sends a stored pattern to boards' },
  { name: '/help', usage: '/help', what: 'all commands' },
]

/** Commands that the text may become; none once the name is complete and something follows it. */
export const matchingCommands = (text: string): readonly SlashCommand[] =>
  /^\/\S*$/.test(text) ? commands.filter(({ name }) => name.startsWith(text.toLowerCase())) : []
