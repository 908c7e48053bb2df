import type { AuditEntryView } from '../../wire/audit.ts'
import { nowMs } from '../live.ts'
import { agentWords } from '../model/agent-words.ts'
import { type AuditFilter, actionWords, type Change, changesOf, outcomeWords } from '../model/audit.ts'
import { formatAgo } from '../model/format.ts'
import { Badge } from './badge.tsx'
import { Facts } from './facts.tsx'

interface Props {
  readonly entry: AuditEntryView
  readonly onOnly: (part: Partial<AuditFilter>) => void
}

/** One deed in a line; opened, what it changed and where it came from. */
export function AuditEntry({ entry, onOnly }: Props) {
  const changes = changesOf(entry.before, entry.after)
  const isOk = entry.outcome === 'ok'
  const who = entry.actor.name ?? entry.actor.kind
  return (
    <li>
      <details class="audit-entry">
        <summary>
          <span class="quiet small number" title={new Date(entry.at).toLocaleString()}>
            {formatAgo(entry.at, nowMs.value)}
          </span>
          <strong class="clip">{who}</strong>
          <span>
            {actionWords(entry.action)} <span class="quiet small">{entry.resource}</span>
          </span>
          <Badge tone={isOk ? 'ok' : 'bad'} text={outcomeWords(entry.outcome)} />
        </summary>
        <div class="audit-more">
          {changes.length > 0 && <Changes changes={changes} />}
          <Facts
            facts={[
              ['When', new Date(entry.at).toLocaleString()],
              ['Who', `${who} (${entry.actor.kind})`],
              ['From', entry.address === 'local' ? 'the gateway itself' : entry.address],
              [
                'With',
                <span key="agent" title={entry.agent}>
                  {agentWords(entry.agent)}
                </span>,
              ],
              ['Request', entry.requestId === null ? 'none' : <code key="request">{entry.requestId}</code>],
            ]}
          />
          <div class="row">
            {entry.actor.name !== null && (
              <button type="button" class="button small" onClick={() => onOnly({ actor: who })}>
                Only {who}
              </button>
            )}
            <button type="button" class="button small" onClick={() => onOnly({ action: entry.action })}>
              Only this action
            </button>
            {entry.resource !== '' && (
              <button type="button" class="button small" onClick={() => onOnly({ resource: entry.resource })}>
                Only this thing
              </button>
            )}
          </div>
        </div>
      </details>
    </li>
  )
}

function Changes({ changes }: { readonly changes: readonly Change[] }) {
  return (
    <table class="changes">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ path, before, after }) => (
          <tr key={path}>
            <th scope="row">{path === '' ? 'all of it' : path}</th>
            <td>{before}</td>
            <td>{after}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
