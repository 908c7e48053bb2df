import { AppError } from '../../kernel/errors.ts'
import type { LiveMessage } from '../../wire/live.ts'
import type { Command } from '../command.ts'
import { liveLine } from '../live-line.ts'
import { liveMessages } from '../live-messages.ts'
import { daemonOptions, localConfig } from '../local-config.ts'
import { flag, texts } from '../option-values.ts'

const usual = ['boards', 'jobs', 'alerts', 'chat', 'health']

export const watch: Command = {
  name: 'watch',
  summary: 'Show what happens as it happens: boards, jobs, alerts, chat, health',
  operands: '[TOPIC...]',
  operandCount: [0, 16],
  options: {
    topic: {
      type: 'string',
      multiple: true,
      value: 'TOPIC',
      help: `instead of ${usual.join(', ')}; also progress, metrics, gpio, presence`,
    },
    json: { type: 'boolean', help: 'a JSON object a line, as the gateway sends them' },
    ...daemonOptions,
  },
  examples: [
    'pixelgate watch',
    'pixelgate watch jobs progress',
    'pixelgate watch --json | jq -c \'select(.topic == "jobs")\'',
  ],
  async run(operands, options, surroundings) {
    const topics = [...operands, ...texts(options, 'topic')]
    const { controlSocket } = await localConfig(options, surroundings)
    const { stdout, stderr, signal } = surroundings
    const json = flag(options, 'json')
    const show = (message: LiveMessage) => {
      if (json) stdout.write(`${JSON.stringify(message)}\n`)
      else stdout.write(liveLine(message))
    }
    const note = (text: string) => {
      if (!json) stderr.write(`${text}\n`)
    }
    try {
      await liveMessages({ controlSocket, topics: topics.length === 0 ? usual : topics, signal, show, note })
    } catch (thrown) {
      if (signal.aborted) return 0
      throw thrown instanceof AppError
        ? thrown
        : new AppError('daemon_failed', String(thrown), { cause: thrown })
    }
    return 0
  },
}
