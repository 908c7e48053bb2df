import type { BridgeTraffic, SerialBridgeView } from '../../wire/serial-bridge.ts'
import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag } from '../option-values.ts'
import { textTable } from '../text-table.ts'

export const bridges: Command = {
  name: 'bridges',
  summary: 'List the lines that are bridged to MQTT',
  operands: '',
  operandCount: [0, 0],
  options: { json: { type: 'boolean', help: 'JSON' }, ...daemonOptions },
  examples: ['pixelgate bridges', 'pixelgate bridges --json'],
  async run(_operands, options, surroundings) {
    const client = await controlClient(options, surroundings)
    const bridges = await client.list<SerialBridgeView>('/serial-bridges', 'bridges')
    const { stdout } = surroundings
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ bridges })}\n`)
    else if (bridges.length === 0)
      stdout.write('No line is bridged. Give one of "links" in the configuration "mode": "bridge".\n')
    else {
      const head = ['name', 'line', 'framing', 'topic', 'from the line', 'to the line', 'state']
      stdout.write(textTable(head, bridges.map(row)))
    }
    return 0
  },
}

const row = ({
  name,
  address,
  baudRate,
  framing,
  topic,
  rx,
  tx,
  state,
  reason,
}: SerialBridgeView): string[] => [
  name,
  baudRate === null ? address : `${address} ${baudRate}`,
  framing,
  topic,
  traffic(rx),
  traffic(tx),
  reason === null ? state : `${state}: ${reason}`,
]

const traffic = ({ frames, dropped }: BridgeTraffic): string =>
  dropped === 0 ? `${frames}` : `${frames}, ${dropped} dropped`
