import { z } from 'zod'
import { jobId } from '../../kernel/ids.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import { jobCheckpointView, jobView } from '../../upload/job-view.ts'
import type { JobRecord } from '../../upload/uploads.ts'
import {
  jobAnswer,
  jobCheckpoint,
  jobReport,
  jobState,
  jobsView,
  newJobs,
  newJobsView,
} from '../../wire/job.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { cursorOf, paging } from '../api/paging.ts'
import { nameOf } from './pattern-door.ts'

export interface JobRouteDeps {
  readonly core: Pick<GatewayCore, 'uploads' | 'library' | 'queue' | 'book'>
}

const jobFilter = paging.extend({
  state: z
    .union([z.array(jobState).max(9), jobState])
    .transform(value => [value].flat())
    .optional()
    .describe('May come several times'),
  board: z.string().min(1).max(64).optional().describe('Id or name'),
  batch: z.string().min(1).max(64).optional(),
  pattern: z.string().min(1).max(255).optional().describe('Id or name'),
})

/** How far a running job is changes without an event. The names of boards and patterns may be asked for. */
const jobCache = { tags: ['jobs', 'boards', 'patterns'], per: 'everybody', maxAgeMs: 1000 } as const

const verbs = [
  { verb: 'pause', summary: 'Pause a job; what is durable on the board stays' },
  { verb: 'resume', summary: 'Let a paused job go on' },
  { verb: 'cancel', summary: 'Cancel a job; the board drops what it has of it' },
] as const

/** Jobs are the house's: who may look at one may look at all, and each says who asked for it. */
export const jobOperations = ({
  core: { uploads, library, queue, book },
}: JobRouteDeps): readonly Operation[] => [
  operation({
    id: 'makeJobs',
    method: 'post',
    path: '/jobs',
    tag: 'jobs',
    summary: 'Send a stored pattern to one board or many',
    description: 'One job a board, all or none.',
    access: 'operator',
    body: newJobs,
    answers: { 201: json(newJobsView, 'The jobs, in the order of their boards') },
    errors: ['not_found', 'conflict', 'file_ambiguous', 'overloaded', 'storage_failed'],
    async run(call) {
      const { patternId, boards, ...options } = call.body
      const pattern = await library.find(patternId)
      const found = boards === 'all' ? await book.list() : await book.findAll(boards)
      const { batchId, jobs } = await uploads.submit(
        pattern,
        [...new Set(found.map(({ id }) => id))],
        { ...options, raw: options.raw ?? pattern.raw, fileName: pattern.fileName },
        nameOf(call.principal),
      )
      for (const job of jobs) call.changed({ resource: `jobs/${job.id}`, after: auditOf(job) })
      return { batchId, jobs: jobs.map(jobView) }
    },
  }),

  operation({
    id: 'listJobs',
    method: 'get',
    path: '/jobs',
    tag: 'jobs',
    summary: 'Jobs, newest first',
    access: 'viewer',
    query: jobFilter,
    answers: { 200: json(jobsView, 'A page of the jobs') },
    cache: jobCache,
    errors: ['not_found', 'conflict'],
    async run({ query: { limit, cursor, before, skip, state, board, batch, pattern } }) {
      const last = cursor ?? before
      const { jobs, total } = await uploads.jobs({
        ...{ limit, skip, states: state, batchId: batch },
        before: last === undefined ? undefined : jobId(last),
        boardId: board === undefined ? undefined : (await book.find(board)).id,
        patternId: pattern === undefined ? undefined : (await library.find(pattern)).id,
      })
      return { jobs: jobs.map(jobView), total, nextCursor: cursorOf(jobs, limit, ({ id }) => id) }
    },
  }),

  operation({
    id: 'getJob',
    method: 'get',
    path: '/jobs/:id',
    tag: 'jobs',
    summary: 'A job',
    access: 'viewer',
    answers: { 200: json(jobAnswer, 'The job') },
    cache: jobCache,
    errors: ['not_found'],
    run: async ({ params }) => ({ job: jobView(await uploads.job(jobId(params.id))) }),
  }),

  operation({
    id: 'getJobReport',
    method: 'get',
    path: '/jobs/:id/report',
    tag: 'jobs',
    summary: 'What a job that is done has cost and proven',
    access: 'viewer',
    answers: { 200: json(jobReport, 'The report') },
    errors: ['not_found', 'conflict'],
    run: ({ params }) => uploads.report(jobId(params.id)),
  }),

  operation({
    id: 'getJobCheckpoint',
    method: 'get',
    path: '/jobs/:id/checkpoint',
    tag: 'jobs',
    summary: 'What of a job is durable on its board, as far as is known',
    description:
      'Notes for people, written about once a second. The board is the authority: before a transfer goes on it is asked what it has.',
    access: 'viewer',
    answers: { 200: json(jobCheckpoint, 'What was noted last') },
    errors: ['not_found'],
    run: async ({ params }) => jobCheckpointView(await uploads.job(jobId(params.id))),
  }),

  operation({
    id: 'retryJob',
    method: 'post',
    path: '/jobs/:id/retry',
    tag: 'jobs',
    summary: 'Send again what a failed or cancelled job was to send',
    description: 'A new job with the same file, options and board; 409 for a job in another state.',
    access: 'operator',
    answers: { 201: json(jobAnswer, 'The new job') },
    errors: ['not_found', 'conflict', 'overloaded', 'storage_failed'],
    async run(call) {
      const job = await uploads.retry(jobId(call.params.id), nameOf(call.principal))
      call.changed({ resource: `jobs/${job.id}`, after: { ...auditOf(job), retryOf: job.retryOf } })
      return { job: jobView(job) }
    },
  }),

  ...verbs.map(({ verb, summary }) =>
    operation({
      id: `${verb}Job`,
      method: 'post',
      path: `/jobs/:id/${verb}`,
      tag: 'jobs',
      summary,
      access: 'operator',
      answers: { 200: json(jobAnswer, 'The job as it is now') },
      errors: ['not_found', 'conflict', 'storage_failed'],
      async run(call) {
        const id = jobId(call.params.id)
        const { state } = await uploads.job(id)
        const job = await queue.command(id, verb)
        call.changed({ before: { state }, after: { state: job.state } })
        return { job: jobView(job) }
      },
    }),
  ),
]

const auditOf = ({ boardId, patternId, name, state, batchId }: JobRecord) => ({
  ...{ boardId, patternId, name, state, batchId },
})
