import type { Database } from 'better-sqlite3'
import { indexHint } from './index-hint.ts'

/** A statement that took long: its text and SQLite's plan for it, never the values that were bound. */
export interface SlowStatement {
  readonly sql: string
  readonly ms: number
  /** Lines of EXPLAIN QUERY PLAN (https://sqlite.org/eqp.html). */
  readonly plan: readonly string[]
  /** What would help; null: the plan is as it should be. */
  readonly hint: string | null
}

/** What the statements of one call took. */
export interface StatementTimes {
  readonly ms: readonly number[]
  readonly slow: readonly SlowStatement[]
}

interface Note {
  readonly sql: string
  readonly ms: number
}

export const slowStatementMs = 100

/** A thread runs one call at a time. */
let notes: Note[] | undefined

/** Runs the work and tells what each of its statements took, whether it succeeded or not. */
export function metered<T>(db: Database, work: () => T, told: (times: StatementTimes) => void): T {
  const own: Note[] = []
  notes = own
  try {
    return work()
  } finally {
    notes = undefined
    const slow = own.filter(({ ms }) => ms >= slowStatementMs)
    told({
      ms: own.map(({ ms }) => ms),
      slow: slow
        .sort((a, b) => b.ms - a.ms)
        .slice(0, 1)
        .map(note => explained(db, note)),
    })
  }
}

/** Notes the time of each `get`, `all` and `run` of the statement while a call is metered. */
export function watchStatement(statement: object, sql: string): void {
  for (const name of ['get', 'all', 'run']) {
    const plain: unknown = Reflect.get(statement, name)
    if (typeof plain !== 'function') continue
    const timed = (...args: unknown[]): unknown => {
      if (notes === undefined) return plain.apply(statement, args)
      const beganMs = performance.now()
      try {
        return plain.apply(statement, args)
      } finally {
        notes.push({ sql, ms: performance.now() - beganMs })
      }
    }
    Reflect.set(statement, name, timed)
  }
}

function explained(db: Database, { sql, ms }: Note): SlowStatement {
  const plan = planOf(db, sql)
  return { sql: sql.replaceAll(/\s+/g, ' ').trim(), ms, plan, hint: indexHint(sql, plan) }
}

/** Lines of SQLite's plan; empty where it has none, as of a transaction that was given up. */
export function planOf(db: Database, sql: string): string[] {
  try {
    const named = Object.fromEntries([...sql.matchAll(/@(\w+)/g)].map(([, name = '']) => [name, null]))
    const places = [...sql.matchAll(/\?/g)].map(() => null)
    const values = Object.keys(named).length > 0 ? [...places, named] : places
    const rows = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...values)
    return rows.map(({ detail }) => detail)
  } catch {
    return []
  }
}
