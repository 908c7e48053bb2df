import { z } from 'zod'
import type { Breakers } from '../../guard/breakers.ts'
import type { BreakerStats } from '../../guard/circuit-breaker.ts'
import { AppError } from '../../kernel/errors.ts'
import { type BreakersView, type BreakerView, breakersView, breakerView } from '../../wire/breaker.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

/** What the gateway calls and leaves alone for a while when it does not answer. */
export const breakerOperations = (breakers: Pick<Breakers, 'list' | 'get'>): readonly Operation[] => [
  operation({
    id: 'listBreakers',
    method: 'get',
    path: '/breakers',
    tag: 'breakers',
    summary: 'Circuit breakers in use, by name',
    description:
      'Five failures in a row open one for 60 s; then one call at a time is tried, and two successes in a row close it.',
    access: 'admin',
    query: paging,
    answers: { 200: json(breakersView, 'A page of the breakers') },
    run({ query }): BreakersView {
      const { items, total, nextCursor } = pageOf(breakers.list(), query, ({ name }) => name)
      return { breakers: items.map(view), total, nextCursor }
    },
  }),

  operation({
    id: 'resetBreaker',
    method: 'post',
    path: '/breakers/:name/reset',
    tag: 'breakers',
    summary: 'Close a breaker by hand',
    access: 'admin',
    answers: { 200: json(z.object({ breaker: breakerView }), 'The breaker as it now is') },
    errors: ['not_found'],
    run(call) {
      const breaker = breakers.get(call.params.name)
      if (breaker === undefined) throw new AppError('not_found', 'There is no breaker with this name.')
      const before = { state: breaker.state }
      breaker.reset()
      call.changed({ resource: `breakers/${breaker.name}`, before, after: { state: breaker.state } })
      return { breaker: view(breaker.stats()) }
    },
  }),
]

const view = ({ lastFailureMs, ...stats }: BreakerStats): BreakerView => ({
  ...stats,
  lastFailureAt: lastFailureMs === null ? null : new Date(lastFailureMs).toISOString(),
})
