import { useEffect, useRef, useState } from 'preact/hooks'
import type { AuditEntryView } from '../../wire/audit.ts'
import { get, withQuery } from '../api.ts'
import { AuditEntry } from '../components/audit-entry.tsx'
import { AuditFilters } from '../components/audit-filters.tsx'
import { Notice } from '../components/notice.tsx'
import { PageHead } from '../components/page-head.tsx'
import { type AuditFilter, auditQuery, noFilter } from '../model/audit.ts'
import { plural } from '../model/format.ts'
import { asTrouble } from '../model/problem.ts'
import { isAdmin } from '../state/session.ts'

const pageSize = 50
/** While somebody types a name, not every letter is asked for. */
const settleMs = 250

interface Found {
  readonly entries: readonly AuditEntryView[]
  readonly total: number
  readonly nextCursor: string | null
}

/** Who did what, newest first. */
export function AuditPage() {
  const [filter, setFilter] = useState<AuditFilter>(noFilter)
  const [found, setFound] = useState<Found | null>(null)
  const [trouble, setTrouble] = useState<string | null>(null)
  /** Answers to what was asked before the last change do not count. */
  const turn = useRef(0)
  const ask = async (cursor: string | null, known: readonly AuditEntryView[]) => {
    const mine = ++turn.current
    try {
      const path = withQuery('/audit', { ...auditQuery(filter, Date.now()), limit: pageSize, cursor })
      const page = await get<Found>(path)
      if (mine !== turn.current) return
      setFound({ ...page, entries: [...known, ...page.entries] })
      setTrouble(null)
    } catch (thrown) {
      if (mine === turn.current) setTrouble(asTrouble(thrown).message)
    }
  }
  useEffect(() => {
    if (!isAdmin.value) return
    const timer = setTimeout(() => void ask(null, []), found === null ? 0 : settleMs)
    return () => clearTimeout(timer)
  }, [filter, isAdmin.value])
  if (!isAdmin.value)
    return (
      <>
        <PageHead title="Audit" />
        <Notice tone="warn">Only admins see who did what.</Notice>
      </>
    )
  return (
    <>
      <PageHead title="Audit" words={found === null ? '' : plural(found.total, 'entry', 'entries')}>
        <button type="button" class="button" onClick={() => void ask(null, [])}>
          Ask again
        </button>
      </PageHead>
      <AuditFilters filter={filter} onChange={setFilter} />
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      {found === null && trouble === null && <p class="quiet">Asking the gateway …</p>}
      {found?.entries.length === 0 && <p class="quiet">Nothing fits.</p>}
      {found !== null && found.entries.length > 0 && (
        <ul class="audit" aria-label="Entries">
          {found.entries.map(entry => (
            <AuditEntry key={entry.seq} entry={entry} onOnly={part => setFilter({ ...filter, ...part })} />
          ))}
        </ul>
      )}
      {found !== null && found.nextCursor !== null && (
        <button type="button" class="button" onClick={() => void ask(found.nextCursor, found.entries)}>
          Show older ones
        </button>
      )}
    </>
  )
}
