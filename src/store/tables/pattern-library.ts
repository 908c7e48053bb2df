import type { Database } from 'better-sqlite3'
import { AppError } from '../../kernel/errors.ts'
import type { PatternId } from '../../kernel/ids.ts'
import { longRead, read, write } from '../operation.ts'
import { prepared } from '../prepared.ts'
import { searchForm } from '../search-form.ts'
import { shaKeyOrNull } from '../sha256.ts'
import { dropUnnamed } from './blobs.ts'
import { unfinishedStates } from './job-record.ts'
import { indexFamily, renameFamily, tagFamily } from './pattern-families.ts'
import {
  type PatternArrival,
  type PatternRecord,
  type PatternRow,
  patternColumns,
  patternSource,
  toPattern,
} from './pattern-record.ts'
import { findRow } from './patterns.ts'

export interface PatternChange {
  readonly id: PatternId
  readonly name?: string | undefined
  /** In place of those that are there. */
  readonly tags?: readonly string[] | undefined
  readonly addTags?: readonly string[] | undefined
  readonly dropTags?: readonly string[] | undefined
}

/** Something that needs a pattern. */
interface PatternUser {
  readonly kind: 'job'
  readonly id: string
  readonly boardId: string
  readonly state: string
}

/** Users that a refusal names. */
const maxUsersNamed = 20

const gone = () => new AppError('not_found', 'There is no pattern with this id.')

function must(db: Database, id: PatternId): PatternRow {
  const row = findRow(db, 'p.id = ?', id)
  if (row === undefined) throw gone()
  return row
}

const withoutEnding = (name: string): string => name.replace(/(.)\.[^.]+$/, '$1')

/** What people do with stored patterns. */
export const patternLibrary = {
  /**
   * The pattern with this id; else the newest of this name; else those whose id begins so; else the newest whose name is the
   * same without regard to case, and at last without the ending of the file's name; those two only `loosely`. Several only where the start of
   * an id fits several.
   */
  find: longRead((db, text: string, how: 'exactly' | 'loosely'): readonly PatternRecord[] => {
    const newest = `f.id = ? ORDER BY p.seq DESC LIMIT 1`
    const exact =
      findRow(db, 'p.id = ?', text.toLowerCase()) ??
      findRow(db, 'f.name = ? ORDER BY p.seq DESC LIMIT 1', text)
    if (exact !== undefined) return [toPattern(exact)]
    if (/^[0-9a-f-]{4,36}$/i.test(text)) {
      const sql = `SELECT ${patternColumns} FROM ${patternSource} WHERE p.id >= @from AND p.id < @from || 'g' LIMIT 3`
      const begun = prepared<PatternRow>(db, sql).all({ from: text.toLowerCase() })
      if (begun.length > 0) return begun.map(toPattern)
    }
    if (how === 'exactly') return []
    const names = prepared<{ id: number; name: string }>(
      db,
      `SELECT f.id, f.name FROM patternFamilies AS f
        ORDER BY (SELECT max(seq) FROM patterns WHERE familyId = f.id) DESC`,
    ).all()
    const asked = searchForm(text)
    const alike =
      names.find(({ name }) => searchForm(name) === asked) ??
      names.find(({ name }) => searchForm(withoutEnding(name)) === asked)
    const row = alike && findRow(db, newest, alike.id)
    return row === undefined ? [] : [toPattern(row)]
  }),

  /** When and how the file came in, the newest first. */
  arrivals: read((db, id: PatternId): readonly PatternArrival[] => {
    const sql = `SELECT fileName, door, who, format, readingJson, arrivedMs FROM patternArrivals
      WHERE patternId = ? ORDER BY seq DESC`
    return prepared<PatternArrival>(db, sql).all(id)
  }),

  /** Name and tags are those of all versions. Throws `not_found`, `conflict` where the name is taken, `usage` for too many tags. */
  change: write((db, { id, name, tags, addTags = [], dropTags = [] }: PatternChange): PatternRecord => {
    const { familyId, tagsJson } = must(db, id)
    if (name !== undefined) renameFamily(db, familyId, name)
    const there = JSON.parse(tagsJson) as readonly string[]
    const dropped = tags === undefined ? [] : there.filter(tag => !tags.includes(tag))
    tagFamily(db, familyId, { drop: [...dropped, ...dropTags], add: [...(tags ?? []), ...addTags] })
    indexFamily(db, familyId)
    return toPattern(must(db, id))
  }),

  /**
   * Deletes one version or, with `versions: 'all'`, the family, and the bytes that nothing else needs. Returns how many went and
   * the version that is shown now. Throws `not_found`, and `conflict` with `detail.users` while something needs one of them.
   */
  remove: write(
    (
      db,
      { id, versions }: { readonly id: PatternId; readonly versions: 'one' | 'all' },
    ): { readonly removed: number; readonly shown: PatternRecord | null } => {
      const { familyId } = must(db, id)
      const scope = versions === 'one' ? 'id = @id' : 'familyId = @familyId'
      const leaving = prepared<{ id: string; sourceSha: Buffer; thumbnailSha: Buffer | null }>(
        db,
        `SELECT id, sourceSha, thumbnailSha FROM patterns WHERE ${scope}`,
      ).all({ id, familyId })
      refuseUsed(
        db,
        leaving.map(pattern => pattern.id),
      )
      prepared(db, `DELETE FROM patterns WHERE ${scope}`).run({ id, familyId })
      indexFamily(db, familyId)
      for (const { sourceSha, thumbnailSha } of leaving) {
        dropUnnamed(db, sourceSha)
        if (thumbnailSha !== null) dropUnnamed(db, thumbnailSha)
      }
      const shown = findRow(db, 'p.familyId = ? ORDER BY p.seq DESC LIMIT 1', familyId)
      return { removed: leaving.length, shown: shown === undefined ? null : toPattern(shown) }
    },
  ),

  /** Another look at the file; the former thumbnail goes. False: there is no such pattern any more. */
  setThumbnail: write(
    (db, { id, thumbnailSha }: { readonly id: PatternId; readonly thumbnailSha: string }): boolean => {
      const former = findRow(db, 'p.id = ?', id)?.thumbnailSha
      const sql = 'UPDATE patterns SET thumbnailSha = ? WHERE id = ?'
      const changed = prepared(db, sql).run(shaKeyOrNull(thumbnailSha), id).changes > 0
      if (former) dropUnnamed(db, former)
      return changed
    },
  ),
}

/** A later table that names patterns gets a SELECT here. */
function refuseUsed(db: Database, ids: readonly string[]): void {
  const unfinished = unfinishedStates.map(state => `'${state}'`).join(', ')
  const users = prepared<PatternUser>(
    db,
    `SELECT 'job' AS kind, id, boardId, state FROM jobs
      WHERE patternId IN (SELECT value FROM json_each(?)) AND state IN (${unfinished}) ORDER BY seq`,
  ).all(JSON.stringify(ids))
  const [first] = users
  if (first === undefined) return
  const others = users.length === 1 ? '' : ` and ${users.length - 1} more`
  throw new AppError(
    'conflict',
    `An upload still needs this pattern: job ${first.id} to board ${first.boardId} is ${first.state}${others}. Wait until it is done or cancel it (pixelgate jobs), then remove the pattern.`,
    { detail: { users: users.slice(0, maxUsersNamed) } },
  )
}
