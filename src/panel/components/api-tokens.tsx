import { useState } from 'preact/hooks'
import type { ApiTokenView } from '../../wire/token.ts'
import { call } from '../api.ts'
import { nowMs } from '../live.ts'
import { formatAgo } from '../model/format.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { Dialog } from './dialog.tsx'
import { type IssuedToken, NewApiToken } from './new-api-token.tsx'
import { Notice } from './notice.tsx'
import { ToldOnce } from './told-once.tsx'
import { useList } from './use-list.ts'

/** One's own ways in for programs. */
export function ApiTokens() {
  const { items, trouble, reload } = useList<ApiTokenView>('/tokens', 'tokens')
  const [making, setMaking] = useState(false)
  const [issued, setIssued] = useState<IssuedToken | null>(null)
  const [removing, setRemoving] = useState<ApiTokenView | null>(null)
  return (
    <section class="card">
      <div class="row between">
        <h2>API tokens</h2>
        <button type="button" class="button small" onClick={() => setMaking(true)}>
          Make a token
        </button>
      </div>
      <p class="quiet">
        For programs that act in your name, each with what it needs alone. What they can ask for is in the{' '}
        <a href="/docs">documentation of the API</a>.
      </p>
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      <ul class="list">
        {items?.map(token => (
          <li key={token.id}>
            <span class="list-words">
              <strong>{token.name}</strong>
              <span class="quiet small">
                {token.scopes.join(', ')}
                <br />
                {usedWords(token, nowMs.value)}
              </span>
            </span>
            {Date.parse(token.expiresAt) <= nowMs.value && <span class="tag off">run out</span>}
            <button
              type="button"
              class="button small"
              aria-label={`Revoke ${token.name}`}
              onClick={() => setRemoving(token)}
            >
              Revoke
            </button>
          </li>
        ))}
      </ul>
      {making && (
        <NewApiToken
          onIssued={async made => {
            setMaking(false)
            setIssued(made)
            await reload()
          }}
          onClose={() => setMaking(false)}
        />
      )}
      {issued !== null && (
        <Dialog title="Note it now" onClose={() => setIssued(null)}>
          <p>
            The gateway keeps only a hash of the token <strong>{issued.token.name}</strong> and cannot show it
            again.
          </p>
          <ToldOnce text={issued.secret} what="the token" />
          <div class="row end">
            <button type="button" class="button primary" onClick={() => setIssued(null)}>
              I have it
            </button>
          </div>
        </Dialog>
      )}
      {removing !== null && (
        <ConfirmDialog
          title={`Revoke ${removing.name}?`}
          words="The program that uses it is refused from now on."
          deed="Revoke"
          act={async () => {
            await call('DELETE', `/tokens/${removing.id}`)
            await reload()
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </section>
  )
}

function usedWords({ prefix, lastUsedAt, expiresAt }: ApiTokenView, now: number): string {
  const days = Math.ceil((Date.parse(expiresAt) - now) / 86_400_000)
  const used = lastUsedAt === null ? 'not used yet' : `used ${formatAgo(lastUsedAt, now)}`
  return `${prefix}…, ${used}${days > 0 ? `, for ${days} d more` : ''}`
}
