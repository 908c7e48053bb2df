import { AppError } from '../../kernel/errors.ts'
import { bashCompletion } from '../bash-completion.ts'
import type { Command } from '../command.ts'

/** `commands` is asked for when it runs, since this command is one of them. */
export const completion = (commands: () => readonly Command[]): Command => ({
  name: 'completion',
  summary: 'Print a script with which the shell completes commands, options and names',
  operands: 'bash',
  operandCount: [1, 1],
  options: {},
  examples: [
    'source <(pixelgate completion bash)',
    'pixelgate completion bash | sudo tee /usr/share/bash-completion/completions/pixelgate >/dev/null',
  ],
  async run([shell], _options, { stdout }) {
    if (shell !== 'bash')
      throw new AppError(
        'usage',
        `There is completion for bash only, not for "${shell}". Write: pixelgate completion bash`,
      )
    stdout.write(bashCompletion(commands()))
    return 0
  },
})
