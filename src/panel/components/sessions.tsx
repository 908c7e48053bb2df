import type { SessionView } from '../../wire/auth.ts'
import { call } from '../api.ts'
import { nowMs } from '../live.ts'
import { agentWords } from '../model/agent-words.ts'
import { formatAgo } from '../model/format.ts'
import { say, tryTo } from '../state/toasts.ts'
import { Notice } from './notice.tsx'
import { useList } from './use-list.ts'

/** Where one is signed in. */
export function Sessions() {
  const { items, trouble, reload } = useList<SessionView>('/sessions', 'sessions')
  const end = (path: string, words: string) =>
    tryTo(async () => {
      await call('DELETE', path)
      say(words)
      await reload()
    })
  const others = items?.filter(({ current }) => !current).length ?? 0
  return (
    <section class="card">
      <div class="row between">
        <h2>Where you are signed in</h2>
        {others > 0 && (
          <button type="button" class="button small" onClick={end('/sessions', 'All others are signed out.')}>
            Sign out all others
          </button>
        )}
      </div>
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      <ul class="list">
        {items?.map(session => (
          <li key={session.id}>
            <span class="list-words">
              <strong title={session.agent}>{agentWords(session.agent)}</strong>
              <span class="quiet small">
                {session.address}, {session.current ? 'in use' : formatAgo(session.lastUsedAt, nowMs.value)}
              </span>
            </span>
            {session.current ? (
              <span class="tag">this one</span>
            ) : (
              <button
                type="button"
                class="button small"
                aria-label={`Sign out ${agentWords(session.agent)}, ${session.address}`}
                onClick={end(`/sessions/${session.id}`, 'Signed out there.')}
              >
                Sign out
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
