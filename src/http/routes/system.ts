import { type SystemView, systemView } from '../../wire/system.ts'
import { json, type Operation, operation } from '../api/operation.ts'

/** Everything that the answer says was read before somebody asks. */
export const systemOperations = (system: { read(): SystemView }): readonly Operation[] => [
  operation({
    id: 'getSystem',
    method: 'get',
    path: '/system',
    tag: 'system',
    summary: 'How the gateway and its machine are',
    description:
      'Version, network, boards, jobs, storage, clock and alerts in one small answer, at most a second old.',
    access: 'viewer',
    answers: { 200: json(systemView, 'The state of the gateway') },
    cache: { tags: ['system'], per: 'everybody', maxAgeMs: 1000 },
    run: () => system.read(),
  }),
]
