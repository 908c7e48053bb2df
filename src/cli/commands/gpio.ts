import { AppError } from '../../kernel/errors.ts'
import { type GpioLineView, type GpioView, longestPulseMs } from '../../wire/gpio.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag } from '../option-values.ts'
import { ago, textTable } from '../text-table.ts'

const usage = () =>
  new AppError('usage', 'Write: pixelgate gpio set NAME on|off, or: pixelgate gpio pulse NAME MS')

export const gpio: Command = {
  name: 'gpio',
  summary: 'List the GPIO lines; switch an output on, off or on for a while',
  operands: '[set NAME on|off | pulse NAME MS]',
  operandCount: [0, 3],
  options: { json: { type: 'boolean', help: 'JSON' }, ...daemonOptions },
  examples: ['pixelgate gpio', 'pixelgate gpio set pump on', 'pixelgate gpio pulse door 500'],
  async run([verb, name, value], options, surroundings) {
    const { stdout } = surroundings
    const change = verb === undefined ? undefined : changeOf(verb, name, value)
    const client = await controlClient(options, surroundings)
    if (change !== undefined) {
      const path = `/gpio/${encodeURIComponent(change.name)}/${change.verb}`
      // The answer comes at the end of a pulse.
      const { line } = await client.post<{ line: GpioLineView }>(path, change.body, longestPulseMs + 30_000)
      stdout.write(flag(options, 'json') ? `${JSON.stringify({ line })}\n` : `${line.name}: ${level(line)}\n`)
      return 0
    }
    const { enabled, backend } = await client.get<GpioView>('/gpio?limit=1')
    const lines = await client.list<GpioLineView>('/gpio', 'lines')
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ enabled, backend, lines })}\n`)
    else if (!enabled) stdout.write('GPIO is off. Set gpio.enabled in the configuration.\n')
    else if (lines.length === 0) stdout.write('No line is configured. See docs/gpio.md.\n')
    else
      stdout.write(
        textTable(['name', 'role', 'line', 'level', 'edges', 'changed', 'trouble'], lines.map(row)),
      )
    return 0
  },
}

function changeOf(verb: string, name: string | undefined, value: string | undefined) {
  if (name === undefined || value === undefined) throw usage()
  if (verb === 'set' && (value === 'on' || value === 'off'))
    return { verb, name, body: { active: value === 'on' } }
  const ms = /^\d{1,6}$/.test(value) ? Number(value) : 0
  if (verb !== 'pulse' || ms < 1) throw usage()
  return { verb, name, body: { ms } }
}

const level = ({ active }: GpioLineView): string => (active ? 'on' : 'off')

const row = (line: GpioLineView): string[] => [
  line.name,
  line.role,
  `${line.chip} ${line.line}`,
  level(line),
  `${line.edges}`,
  line.changedAt === null ? '' : ago(line.changedAt),
  line.trouble ?? '',
]
