import type { Command } from '../command.ts'
import { text } from '../option-values.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Run the daemon: open the boards, deliver jobs, answer on the control socket',
  operands: '',
  operandCount: [0, 0],
  options: {
    config: {
      type: 'string',
      value: 'FILE',
      help: 'configuration (JSON); default: none, every key has a default',
    },
    state: { type: 'string', value: 'DIR', help: 'where the database lives' },
  },
  examples: [
    'pixelgate serve --config /etc/pixelgate/config.json',
    'PIXELGATE_LOG_LEVEL=debug pixelgate serve --state ./state',
  ],
  run: (_operands, options, surroundings) =>
    surroundings.serve(
      { configFile: text(options, 'config'), stateDir: text(options, 'state') },
      surroundings,
    ),
}
