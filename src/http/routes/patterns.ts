import { patternId } from '../../kernel/ids.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import { arrivalView, patternView } from '../../upload/library/pattern-view.ts'
import type { PatternRecord } from '../../upload/uploads.ts'
import {
  patternAnswer,
  patternDetails,
  patternRemovalView,
  patternsView,
  storedPatternView,
} from '../../wire/pattern.ts'
import { patternFitView } from '../../wire/pattern-fit.ts'
import {
  fitQuery,
  newPattern,
  patternChange,
  patternFilter,
  patternRemoval,
} from '../../wire/pattern-query.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { cursorOf, paging } from '../api/paging.ts'
import { type Incoming, largestFileBytes } from '../incoming.ts'
import { candidateView } from './candidate-view.ts'
import { doorOf } from './pattern-door.ts'

export interface PatternRouteDeps {
  readonly core: Pick<GatewayCore, 'uploads' | 'library' | 'fits'>
  readonly incoming: Incoming
}

const named = 'Named by its id, its name, or the start of its id that fits one only.'

/** What the gateway keeps. */
export const patternOperations = ({
  core: { uploads, library, fits },
  incoming,
}: PatternRouteDeps): readonly Operation[] => [
  operation({
    id: 'addPattern',
    method: 'post',
    path: '/patterns',
    tag: 'patterns',
    summary: 'Store a file',
    description:
      'The file is the body. The same bytes again are the same pattern. The reading that is said counts for every later use of the file. Content-Digest (RFC 9530, sha-256) is checked where it is sent.',
    access: 'operator',
    query: newPattern,
    bodyType: 'application/octet-stream',
    maxBodyBytes: largestFileBytes,
    answers: {
      201: json(storedPatternView, 'It is new'),
      200: json(storedPatternView, 'These bytes were here already'),
    },
    errors: ['file_invalid', 'file_ambiguous', 'file_too_large', 'overloaded', 'storage_failed', 'cancelled'],
    async stream(ctx, call) {
      const { name, as, raw, tag, import: isImport, ...reading } = call.query
      const arrival = { ...doorOf(ctx, call.principal, isImport), name: as, tags: tag, reading }
      const { pattern, created, candidates } = await incoming.take(ctx, largestFileBytes, file =>
        uploads.addFile(file, name, raw, arrival),
      )
      call.changed({ resource: `patterns/${pattern.id}`, after: auditOf(pattern) })
      ctx.status = created ? 201 : 200
      ctx.body = { pattern: patternView(pattern), candidates: candidates.map(candidateView) }
    },
  }),

  operation({
    id: 'listPatterns',
    method: 'get',
    path: '/patterns',
    tag: 'patterns',
    summary: 'Stored patterns, the newest version of each, newest first',
    access: 'viewer',
    guest: true,
    query: paging.extend(patternFilter),
    answers: { 200: json(patternsView, 'A page of the patterns') },
    cache: { tags: ['patterns'], per: 'everybody' },
    async run({ query: { q, limit, cursor, before, skip, tag, format } }) {
      const last = cursor ?? before
      return page(
        limit,
        await library.list({
          tag,
          format,
          text: q,
          limit,
          skip,
          before: last === undefined ? undefined : patternId(last),
        }),
      )
    },
  }),

  operation({
    id: 'getPattern',
    method: 'get',
    path: '/patterns/:id',
    tag: 'patterns',
    summary: 'A pattern, and when and how it came in',
    description: named,
    access: 'viewer',
    answers: { 200: json(patternDetails, 'The pattern') },
    cache: { tags: ['patterns'], per: 'everybody' },
    errors: ['not_found', 'conflict'],
    async run({ params }) {
      const pattern = await library.find(params.id)
      const provenance = (await library.arrivals(pattern)).map(arrivalView)
      return { pattern: patternView(pattern), provenance }
    },
  }),

  operation({
    id: 'changePattern',
    method: 'patch',
    path: '/patterns/:id',
    tag: 'patterns',
    summary: 'Rename a pattern, or change its tags',
    description: 'Name and tags belong to all versions. The pattern must be named exactly.',
    access: 'operator',
    body: patternChange,
    answers: { 200: json(patternAnswer, 'As it is now') },
    errors: ['not_found', 'conflict'],
    async run(call) {
      const former = await library.find(call.params.id, 'exactly')
      const pattern = await library.change(former.id, call.body)
      call.changed({ resource: `patterns/${pattern.id}`, before: auditOf(former), after: auditOf(pattern) })
      return { pattern: patternView(pattern) }
    },
  }),

  operation({
    id: 'removePattern',
    method: 'delete',
    path: '/patterns/:id',
    tag: 'patterns',
    summary: 'Remove a version of a pattern, or all of them',
    description: 'The pattern must be named exactly. 409 with `users` while an unfinished job needs it.',
    access: 'operator',
    query: patternRemoval,
    answers: { 200: json(patternRemovalView, 'What went, and what is shown now') },
    errors: ['not_found', 'conflict'],
    async run(call) {
      const former = await library.find(call.params.id, 'exactly')
      const { removed, shown } = await library.remove(former.id, call.query.versions)
      call.changed({ resource: `patterns/${former.id}`, before: { ...auditOf(former), removed } })
      return { removed, shown: shown && patternView(shown) }
    },
  }),

  operation({
    id: 'listPatternVersions',
    method: 'get',
    path: '/patterns/:id/versions',
    tag: 'patterns',
    summary: 'All versions of a pattern, newest first',
    description: named,
    access: 'viewer',
    query: paging,
    answers: { 200: json(patternsView, 'A page of the versions') },
    cache: { tags: ['patterns'], per: 'everybody' },
    errors: ['not_found', 'conflict'],
    async run({ params, query: { limit, cursor, before, skip } }) {
      const { id } = await library.find(params.id)
      const last = cursor ?? before
      return page(
        limit,
        await library.list({
          versionsOf: id,
          limit,
          skip,
          before: last === undefined ? undefined : patternId(last),
        }),
      )
    },
  }),

  operation({
    id: 'fitPattern',
    method: 'get',
    path: '/patterns/:id/fit',
    tag: 'patterns',
    summary: 'Whether a pattern fits the boards, and what would make it fit',
    description: named,
    access: 'viewer',
    query: fitQuery,
    answers: { 200: json(patternFitView, 'One entry a board') },
    errors: ['not_found', 'conflict', 'file_ambiguous', 'file_invalid', 'overloaded'],
    async run({ params, query: { board, ...question } }) {
      return { boards: await fits.of(await library.find(params.id), question, board) }
    },
  }),
]

const page = (
  limit: number,
  { patterns, total }: { readonly patterns: readonly PatternRecord[]; readonly total: number },
) => ({ patterns: patterns.map(patternView), total, nextCursor: cursorOf(patterns, limit, ({ id }) => id) })

const auditOf = ({ name, fileName, version, tags, sourceSha }: PatternRecord) => ({
  ...{ name, fileName, version, tags },
  sha256: sourceSha,
})
