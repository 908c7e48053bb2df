import { type UpstreamsView, type UpstreamView, upstreamsView } from '../../wire/upstream.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

/** How it stands with the brokers to which the gateway dials out. */
export const upstreamOperations = (read: () => readonly UpstreamView[]): readonly Operation[] => [
  operation({
    id: 'listUpstream',
    method: 'get',
    path: '/upstream',
    tag: 'upstream',
    summary: 'Brokers above, by name',
    description:
      'Those of mqtt.upstream: their connection, what waits for them, and what has become of messages.',
    access: 'viewer',
    query: paging,
    answers: { 200: json(upstreamsView, 'A page of them') },
    run({ query }): UpstreamsView {
      const { items, total, nextCursor } = pageOf(read(), query, ({ name }) => name)
      return { upstreams: items, total, nextCursor }
    },
  }),
]
