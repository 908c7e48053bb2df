import type { Operation } from './operation.ts'
import { approvedPorts } from './tables/approved-ports.ts'
import { blobs } from './tables/blobs.ts'
import { boardKeys } from './tables/board-keys.ts'
import { boards } from './tables/boards.ts'
import { database } from './tables/database.ts'
import { jobs } from './tables/jobs.ts'
import { messages } from './tables/messages.ts'
import { mqttUsers } from './tables/mqtt-users.ts'
import { patternLibrary } from './tables/pattern-library.ts'
import { patterns } from './tables/patterns.ts'
import { rooms } from './tables/rooms.ts'
import { settings } from './tables/settings.ts'
import { signIns } from './tables/sign-ins.ts'
import { users } from './tables/users.ts'

/** Everything the storage thread can do. A new table is a file under tables/, a line here and a migration. */
export const operations = {
  approvedPorts,
  blobs,
  boardKeys,
  boards,
  database,
  jobs,
  messages,
  mqttUsers,
  patternLibrary,
  patterns,
  rooms,
  settings,
  signIns,
  users,
}

type Operations = typeof operations

type Call<O> = O extends Operation<infer Args, infer Value> ? (...args: Args) => Promise<Value> : never

/** The same operations as the main thread sees them. */
export type Tables = {
  readonly [T in keyof Operations]: { readonly [O in keyof Operations[T]]: Call<Operations[T][O]> }
}
