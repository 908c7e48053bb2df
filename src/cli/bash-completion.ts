import type { Command, OptionSpec } from './command.ts'

/** What stands in the place of a value, by its placeholder in the help. */
type Values = 'files' | 'boards' | 'patterns' | 'jobs' | readonly string[]

const fileWords = /^(FILE|OUT|DIR|PATH|LINK|DEV|F)\b/

/**
 * A script for bash (bash(1), Programmable Completion) that knows every command, its verbs and its options. It asks the
 * gateway only for names of boards, patterns and jobs, and only when one is due.
 */
export function bashCompletion(commands: readonly Command[]): string {
  const first = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))]
  const families = first.flatMap(family => {
    const seconds = commands.flatMap(({ name }) =>
      name.startsWith(`${family} `) ? [name.split(' ')[1] ?? ''] : [],
    )
    return seconds.length === 0 ? [] : [[family, seconds] as const]
  })
  return `# bash completion for pixelgate; pixelgate completion --help says where it goes.
# __pixelgate_offer KEY TYPED COMMAND...: values of a key in what the command prints, quoted for the shell.
__pixelgate_offer() {
  local key=$1 typed=$2 name
  shift 2
  while IFS= read -r name; do
    name=$(printf '%q' "$name")
    [ "\${name#"$typed"}" = "$name" ] && [ -n "$typed" ] || COMPREPLY+=("$name")
  done < <(timeout 3 "\${COMP_WORDS[0]}" "$@" --json 2>/dev/null | grep -o '"'"$key"'":"[^"]*"' | cut -d'"' -f4)
}

__pixelgate_values() {
  case "$1" in
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    boards) __pixelgate_offer name "$2" boards ;;
    patterns) __pixelgate_offer id "$2" pattern list ;;
    jobs) __pixelgate_offer id "$2" jobs ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2") ;;
  esac
}

_pixelgate() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]} at=2 place
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    __pixelgate_values ${quoted(first)} "$current"
    return
  fi
  case "$command" in
${families.map(([family, seconds]) => familyCase(family, seconds, commands)).join('\n')}
  esac
  case "$command" in
${commands.map(commandCase).join('\n')}
  esac
}

complete -F _pixelgate pixelgate
`
}

function familyCase(family: string, seconds: readonly string[], commands: readonly Command[]): string {
  const alone = commands.some(({ name }) => name === family)
  const join = `case " ${seconds.join(' ')} " in *" \${COMP_WORDS[2]} "*) command="${family} \${COMP_WORDS[2]}"; at=3 ;; esac`
  const offer = `if [ "$COMP_CWORD" -eq 2 ]${alone ? notAnOption : ''}; then __pixelgate_values ${quoted(seconds)} "$current"; return; fi`
  return `    ${family}) ${offer}; ${join} ;;`
}

function commandCase(command: Command): string {
  const options = Object.entries(command.options)
  const flags = [...options.map(([name]) => `--${name}`), '--help']
  const ofValues = options.flatMap(([name, spec]) => {
    if (spec.type !== 'string') return []
    const short = spec.short === undefined ? '' : `|-${spec.short}`
    return [
      `        --${name}${short}) __pixelgate_values ${given(optionValues(name, spec))} "$current"; return ;;`,
    ]
  })
  return `    '${command.name}')
      case "$previous" in
${ofValues.join('\n')}
      esac
      if [ "\${current:0:1}" = - ]; then __pixelgate_values ${quoted(flags)} "$current"; return; fi
      place=$((COMP_CWORD - at))
      case "$place" in
${operandCases(command).join('\n')}
      esac ;;`
}

function operandCases({ name, operands }: Command): string[] {
  const verbs = operands
    .replace(/[[\]]/g, '')
    .split('|')
    .flatMap(part => /^[a-z][a-z0-9-]*/.exec(part.trim()) ?? [])
  if (verbs.length > 0)
    return [
      `        0) __pixelgate_values ${quoted(verbs)} "$current" ;;`,
      `        *) __pixelgate_values ${given(operandValues(name, operands))} "$current" ;;`,
    ]
  return operands === ''
    ? ['        *) ;;']
    : [`        *) __pixelgate_values ${given(operandValues(name, operands))} "$current" ;;`]
}

function operandValues(name: string, operands: string): Values {
  if (/\b(FILE|OUT|PATH)\b/.test(operands) && !/^ID/.test(operands)) return 'files'
  if (name.startsWith('board')) return 'boards'
  if (name.startsWith('pattern')) return 'patterns'
  return name === 'jobs' ? 'jobs' : []
}

function optionValues(name: string, { value = '' }: OptionSpec): Values {
  if (name === 'board') return 'boards'
  if (name === 'pattern') return 'patterns'
  if (fileWords.test(value)) return 'files'
  return /^[a-z0-9-]+(\|[a-z0-9-]+)+$/.test(value) ? value.split('|') : []
}

const notAnOption = ` && [ "\${current:0:1}" != - ]`

const given = (values: Values): string => (typeof values === 'string' ? values : quoted(values))

const quoted = (words: readonly string[]): string => `'${words.join(' ')}'`
