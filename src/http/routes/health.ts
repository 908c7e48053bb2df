import { z } from 'zod'
import type { Health } from '../../ops/health.ts'
import { type HealthView, healthShortView, healthView } from '../../wire/health.ts'
import { json, type Operation, operation, Reply } from '../api/operation.ts'

const anyHealth = z.union([healthView, healthShortView])

export const healthOperations = (health: Pick<Health, 'check'>): readonly Operation[] => [
  operation({
    id: 'isAlive',
    method: 'get',
    path: '/health/live',
    tag: 'health',
    summary: 'Whether the process answers at all',
    description: 'Asks nothing else, so that a full disk does not make a supervisor restart the gateway.',
    access: 'open',
    answers: { 200: json(z.object({ status: z.literal('live') }), 'It does') },
    run: () => ({ status: 'live' }),
  }),

  operation({
    id: 'getHealth',
    method: 'get',
    path: '/health',
    tag: 'health',
    summary: 'What the checks of the gateway found',
    description: 'Strangers hear the names of the checks and how they came out.',
    access: 'open',
    answers: {
      200: json(anyHealth, 'It works, as a whole or in parts'),
      503: json(anyHealth, 'It is failing'),
    },
    async run({ principal }) {
      const report: HealthView = await health.check()
      const { status, score } = report
      const checks = report.checks.map(check => ({ name: check.name, status: check.status }))
      const body = principal === undefined ? { status, score, checks } : report
      return new Reply(body, { status: status === 'failing' ? 503 : 200 })
    },
  }),
]
