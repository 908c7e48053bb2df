import type { Command, OptionSpec } from './command.ts'

const exitStatuses = `Exit status:
  0 done            5 does not fit the board   8 daemon not reachable or failed
  2 wrong usage     6 link (port, network)     9 verification failed
  3 ambiguous file  7 board                   10 some of several boards failed
  4 bad file`

/** `pixelgate --help`. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return `pixelgate: any pattern file onto any LED board, whole and proven.

Usage: pixelgate COMMAND [OPTIONS]

Commands:
${rows.join('\n')}

pixelgate COMMAND --help explains a command.

${exitStatuses}
`
}

/** `pixelgate COMMAND --help`. */
export function commandHelp({ name, summary, operands, options, examples }: Command): string {
  const rows = Object.entries(options).map(([option, spec]) => [flag(option, spec), spec.help] as const)
  rows.push(['-h, --help', 'this text'])
  const width = Math.max(...rows.map(([left]) => left.length))
  const usage = ['pixelgate', name, operands, '[OPTIONS]'].filter(part => part !== '').join(' ')
  return `${summary}

Usage: ${usage}

Options:
${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')}

Examples:
${examples.map(example => `  ${example}`).join('\n')}
`
}

function flag(option: string, { value, short }: OptionSpec): string {
  const long = value === undefined ? `--${option}` : `--${option} ${value}`
  return short === undefined ? `    ${long}` : `-${short}, ${long}`
}
