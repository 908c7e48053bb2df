import { parseArgs } from 'node:util'
import { AppError, exitStatus, toError } from '../kernel/errors.ts'
import type { Command, GivenOption, OptionValues, Surroundings } from './command.ts'
import { commands } from './commands.ts'
import { commandHelp, overview } from './help.ts'

/** Runs one command line (without `node` and script) and returns the exit status. Bugs throw. */
export async function runCli(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout } = surroundings
  const command = findCommand(argv)
  if (command === undefined) return withoutCommand(argv, surroundings)
  const rest = argv.slice(command.name.split(' ').length)
  if (rest.includes('--help') || rest.includes('-h')) {
    stdout.write(commandHelp(command))
    return 0
  }
  const json = rest.includes('--json')
  try {
    const { operands, options, given } = parse(command, rest)
    return await command.run(operands, options, surroundings, given)
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    report(thrown, json, surroundings)
    return exitStatus(thrown.code)
  }
}

function findCommand(argv: readonly string[]): Command | undefined {
  const two = commands.find(({ name }) => name === `${argv[0]} ${argv[1]}`)
  return two ?? commands.find(({ name }) => name === argv[0])
}

function withoutCommand(argv: readonly string[], { stdout, stderr }: Surroundings): number {
  const [first] = argv
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    stdout.write(overview(commands))
    return first === undefined ? 2 : 0
  }
  const family = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (family.length > 0 && (argv[1] === undefined || argv[1].startsWith('-'))) {
    stdout.write(overview(family))
    return argv[1] === undefined ? 2 : 0
  }
  stderr.write(
    `pixelgate: there is no command "${argv.slice(0, family.length > 0 ? 2 : 1).join(' ')}". Try: pixelgate --help\n`,
  )
  return 2
}

function parse(
  command: Command,
  args: readonly string[],
): { operands: string[]; options: OptionValues; given: readonly GivenOption[] } {
  const known = Object.entries(command.options).map(
    ([name, { value: _, help: __, ...spec }]) => [name, spec] as const,
  )
  try {
    const { values, positionals, tokens } = parseArgs({
      args: command.signedOperands === true ? signedLast(args) : [...args],
      options: Object.fromEntries(known),
      allowPositionals: true,
      strict: true,
      tokens: true,
    })
    const [least, most] = command.operandCount
    if (positionals.length < least) throw new Error(`${command.operands} is missing`)
    if (positionals.length > most) throw new Error(`"${positionals[most]}" is one argument too many`)
    const given = tokens.flatMap(token =>
      token.kind === 'option' ? [{ name: token.name, value: token.value }] : [],
    )
    return { operands: positionals, options: values as OptionValues, given }
  } catch (thrown) {
    const reason = toError(thrown).message.split('. To specify')[0] ?? ''
    throw new AppError('usage', `${reason}. Try: pixelgate ${command.name} --help`, { cause: thrown })
  }
}

/** Words such as `-TAG` behind `--`, where they are no options. */
function signedLast(args: readonly string[]): string[] {
  if (args.includes('--')) return [...args]
  const isSigned = (word: string) => /^-[^-]/.test(word)
  return [...args.filter(word => !isSigned(word)), '--', ...args.filter(isSigned)]
}

function report(error: AppError, json: boolean, { stdout, stderr }: Surroundings): void {
  if (json)
    stdout.write(
      `${JSON.stringify({ event: 'failed', code: error.code, message: error.message, ...(error.detail ? { detail: error.detail } : {}) })}\n`,
    )
  else stderr.write(`pixelgate: ${error.message}\n`)
}
