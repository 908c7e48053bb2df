import type { Operation } from './operation.ts'
import { alerts } from './tables/alerts.ts'
import { apiTokens } from './tables/api-tokens.ts'
import { approvedPorts } from './tables/approved-ports.ts'
import { audit } from './tables/audit.ts'
import { blobs } from './tables/blobs.ts'
import { boardKeys } from './tables/board-keys.ts'
import { boardLog } from './tables/board-log.ts'
import { boards } from './tables/boards.ts'
import { callbacks } from './tables/callbacks.ts'
import { database } from './tables/database.ts'
import { files } from './tables/files.ts'
import { invites } from './tables/invites.ts'
import { jobs } from './tables/jobs.ts'
import { messages } from './tables/messages.ts'
import { metricsMinutes } from './tables/metrics-minutes.ts'
import { mqttUsers } from './tables/mqtt-users.ts'
import { patternLibrary } from './tables/pattern-library.ts'
import { patterns } from './tables/patterns.ts'
import { repeatableRequests } from './tables/repeatable-requests.ts'
import { rooms } from './tables/rooms.ts'
import { secondFactors } from './tables/second-factors.ts'
import { sessions } from './tables/sessions.ts'
import { settings } from './tables/settings.ts'
import { signInFailures } from './tables/sign-in-failures.ts'
import { users } from './tables/users.ts'
import { webhooks } from './tables/webhooks.ts'

/** Everything the storage thread can do. A new table is a file under tables/, a line here and a migration. */
export const operations = {
  alerts,
  apiTokens,
  approvedPorts,
  audit,
  blobs,
  boardKeys,
  boardLog,
  boards,
  callbacks,
  database,
  files,
  invites,
  jobs,
  messages,
  metricsMinutes,
  mqttUsers,
  patternLibrary,
  patterns,
  repeatableRequests,
  rooms,
  secondFactors,
  sessions,
  settings,
  signInFailures,
  users,
  webhooks,
}

type Operations = typeof operations

type Call<O> = O extends Operation<infer Args, infer Value> ? (...args: Args) => Promise<Value> : never

/** The same operations as the main thread sees them. */
export type Tables = {
  readonly [T in keyof Operations]: { readonly [O in keyof Operations[T]]: Call<Operations[T][O]> }
}
