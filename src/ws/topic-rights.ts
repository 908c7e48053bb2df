import type { Principal } from '../account/principal.ts'
import { allows } from '../account/scopes.ts'
import { topicKind } from './live-message.ts'

/** Tag of the API whose right to read is needed for a kind of topics. */
const tags: Readonly<Record<string, string>> = {
  boards: 'boards',
  jobs: 'jobs',
  progress: 'jobs',
  preview: 'boards',
  alerts: 'alerts',
  chat: 'rooms',
  presence: 'rooms',
  typing: 'rooms',
  gpio: 'gpio',
  metrics: 'metrics',
  health: 'health',
}
const forGuests: ReadonlySet<string> = new Set(['boards', 'jobs', 'progress', 'preview'])

/** Whether somebody may hear a topic at all; of what is meant for some only, each message says for whom. */
export function mayHear({ kind, scopes = [] }: Principal, topic: string): boolean {
  const tag = tags[topicKind(topic)]
  if (tag === undefined) return false
  switch (kind) {
    case 'local':
    case 'user':
      return true
    case 'token':
      return allows(scopes, `${tag}:read`)
    case 'guest':
      return forGuests.has(topicKind(topic))
    case 'callback':
      return false
  }
}

/** Whether somebody may tell the others of a room that they write. */
export const mayType = ({ kind, scopes = [] }: Principal): boolean =>
  kind === 'local' || kind === 'user' || (kind === 'token' && allows(scopes, 'rooms:write'))

/** Whether a connection shows that a person is there: programs and strangers are nobody's company. */
export const isPresent = ({ kind }: Principal): boolean => kind === 'local' || kind === 'user'
