import { z } from 'zod'
import type { AuditLog } from '../../account/audit-log.ts'
import { auditView } from '../../wire/audit.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { paging } from '../api/paging.ts'

const text = z.string().min(1).max(300).optional()
const moment = z.iso.datetime({ offset: true }).optional()

const auditQuery = paging.extend({
  actor: text.describe('Name or id of who did it'),
  action: text,
  resource: text.describe('One resource (boards/ID), or all of a kind (boards)'),
  outcome: text.describe('ok, or the code of an error'),
  since: moment.describe('From this moment on (RFC 3339)'),
  until: moment.describe('Before this moment'),
})

export const auditOperations = (audit: Pick<AuditLog, 'page'>): readonly Operation[] => [
  operation({
    id: 'listAudit',
    method: 'get',
    path: '/audit',
    tag: 'audit',
    summary: 'Who did what, newest first',
    description:
      'Changes, sign-ins, refused calls and suspicious input. The newest 100,000 entries are kept; secrets are left out.',
    access: 'admin',
    query: auditQuery,
    answers: { 200: json(auditView, 'A page of the entries') },
    errors: ['usage'],
    run: ({ query: { since, until, cursor, before, ...query } }) =>
      audit.page({
        ...query,
        sinceMs: since === undefined ? undefined : Date.parse(since),
        untilMs: until === undefined ? undefined : Date.parse(until),
        cursor: cursor ?? before,
      }),
  }),
]
