import type { Database } from 'better-sqlite3'
import { AppError } from '../../kernel/errors.ts'
import { prepared } from '../prepared.ts'
import { searchForm } from '../search-form.ts'

/** Tags of one family. */
export const maxTags = 16

/** The family of this name, made where there is none, and the number of its next version. */
export function familyNamed(db: Database, name: string): { familyId: number; version: number } {
  const sql = `INSERT INTO patternFamilies (name, versions) VALUES (?, 1)
    ON CONFLICT (name) DO UPDATE SET versions = versions + 1 RETURNING id AS familyId, versions AS version`
  const family = prepared<{ familyId: number; version: number }>(db, sql).get(name)
  if (family === undefined) throw new Error('a family that was written is not there')
  return family
}

/** Throws `usage` when there would be too many. */
export function tagFamily(
  db: Database,
  familyId: number,
  { add = [], drop = [] }: { readonly add?: readonly string[]; readonly drop?: readonly string[] },
): void {
  const remove = 'DELETE FROM patternTags WHERE familyId = ? AND tag IN (SELECT value FROM json_each(?))'
  prepared(db, remove).run(familyId, JSON.stringify(drop))
  const insert = 'INSERT INTO patternTags (familyId, tag) VALUES (?, ?) ON CONFLICT DO NOTHING'
  for (const tag of add) prepared(db, insert).run(familyId, tag)
  const count = prepared<{ tags: number }>(
    db,
    'SELECT count(*) AS tags FROM patternTags WHERE familyId = ?',
  ).get(familyId)
  if ((count?.tags ?? 0) > maxTags)
    throw new AppError('usage', `A pattern has at most ${maxTags} tags. Take some away first.`)
}

/** Throws `conflict` when another family has the name. */
export function renameFamily(db: Database, familyId: number, name: string): void {
  const taken = 'SELECT 1 FROM patternFamilies WHERE name = ? AND id <> ?'
  if (prepared(db, taken).get(name, familyId) !== undefined)
    throw new AppError(
      'conflict',
      `Another pattern is called "${name}" already. Choose another name, or remove that one first.`,
    )
  prepared(db, 'UPDATE patternFamilies SET name = ? WHERE id = ?').run(name, familyId)
}

/** Writes anew what searches find the family by. A family without versions goes. */
export function indexFamily(db: Database, familyId: number): void {
  prepared(db, 'DELETE FROM patternSearch WHERE rowid = ?').run(familyId)
  const sql = `SELECT f.name
      || coalesce((SELECT ' ' || group_concat(tag, ' ') FROM patternTags WHERE familyId = f.id), '')
      || (SELECT ' ' || group_concat(DISTINCT p.name || ' ' || p.format) FROM patterns AS p WHERE p.familyId = f.id)
      AS text
    FROM patternFamilies AS f WHERE f.id = ?`
  const row = prepared<{ text: string | null }>(db, sql).get(familyId)
  if (row === undefined) return
  if (row.text === null) {
    prepared(db, 'DELETE FROM patternFamilies WHERE id = ?').run(familyId)
    return
  }
  prepared(db, 'INSERT INTO patternSearch (rowid, text) VALUES (?, ?)').run(familyId, searchForm(row.text))
}
