import { type SerialBridgeView, serialBridgesView } from '../../wire/serial-bridge.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

export interface SerialBridgeDeps {
  readonly bridges: () => readonly SerialBridgeView[]
}

export const serialBridgeOperations = ({ bridges }: SerialBridgeDeps): readonly Operation[] => [
  operation({
    id: 'listSerialBridges',
    method: 'get',
    path: '/serial-bridges',
    tag: 'ports',
    summary: 'Lines that are bridged to MQTT, and what goes over them',
    access: 'viewer',
    query: paging,
    answers: { 200: json(serialBridgesView, 'A page of the bridges') },
    run({ query }) {
      const { items, total, nextCursor } = pageOf(bridges(), query, ({ name }) => name)
      return { bridges: items, total, nextCursor }
    },
  }),
]
