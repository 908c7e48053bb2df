import type { UpstreamView } from '../../wire/upstream.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, whole } from '../option-values.ts'
import { query } from '../query.ts'
import { textTable } from '../text-table.ts'

export const upstream: Command = {
  name: 'upstream',
  summary: 'How it stands with the brokers above',
  operands: '',
  operandCount: [0, 0],
  options: {
    limit: { type: 'string', value: 'N', help: 'how many; default 20' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: ['pixelgate upstream', 'pixelgate upstream --json'],
  async run(_operands, options, surroundings) {
    const client = await controlClient(options, surroundings)
    const { stdout } = surroundings
    const page = await client.get<{ upstreams: readonly UpstreamView[] }>(
      `/upstream${query({ limit: whole(options, 'limit', 1, 100) })}`,
    )
    if (flag(options, 'json')) {
      stdout.write(`${JSON.stringify(page)}\n`)
      return 0
    }
    if (page.upstreams.length === 0) {
      stdout.write('No broker above is configured: see mqtt.upstream in docs/upstream.md.\n')
      return 0
    }
    const head = ['name', 'state', 'mqtt', 'waiting', 'bytes', 'arrived', 'received', 'dropped', 'url']
    stdout.write(textTable(head, page.upstreams.map(row)))
    for (const { name, fault, setAside } of page.upstreams) {
      if (fault !== null) stdout.write(`${name}: ${fault}\n`)
      if (setAside.length > 0) stdout.write(`${name} does not take these topics: ${setAside.join(', ')}\n`)
    }
    return 0
  },
}

function row({
  name,
  url,
  state,
  protocol,
  outbox,
  acknowledged,
  received,
  dropped,
}: UpstreamView): string[] {
  const gone = dropped.telemetry + dropped.state + dropped.message + dropped.result + dropped.tooLarge
  return [
    name,
    state,
    protocol ?? '-',
    String(outbox.rows),
    String(outbox.bytes),
    String(acknowledged),
    String(received),
    String(gone),
    url,
  ]
}
