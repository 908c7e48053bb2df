import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { Database } from 'better-sqlite3'
import { openDatabase, openReader } from './open-database.ts'
import type { Operation } from './operation.ts'
import { operations } from './operations.ts'
import { type BoundCall, runBatch } from './run-batch.ts'
import { metered, type StatementTimes } from './statement-meter.ts'
import { storageError } from './storage-error.ts'
import { type ThreadReply, type ThreadRequest, type ThreadStart, toPlainError } from './thread-messages.ts'

/** Calls that share one transaction at most, so that one flush serves many and none waits for too many. */
const batchCalls = 64

const tables: Readonly<Record<string, Readonly<Record<string, Operation<never[], unknown>>>>> = operations

/** A storage thread: opens the database, then serves its calls until it is told to close. */
function serve(port: MessagePort, start: ThreadStart): void {
  const answer = (reply: ThreadReply): void => port.postMessage(reply)
  const refuse = (thrown: unknown, statements: StatementTimes = noStatements): void =>
    answer({ ok: false, error: toPlainError(storageError(thrown, start.path)), statements })
  const writer = start.role === 'writer'
  let db: Database
  try {
    db = writer ? openDatabase(start.path, start) : openReader(start.path, start)
  } catch (error) {
    refuse(error)
    port.close()
    return
  }
  answer({ ok: true, value: undefined })

  port.on('message', (first: ThreadRequest) => {
    const requests = [first, ...waiting(port, writer ? batchCalls - 1 : 0)]
    const calls = requests.flatMap(request => (request.kind === 'call' ? [bind(request)] : []))
    for (const [at, outcome] of runBatch(db, calls).entries()) {
      const statements = calls[at]?.statements
      if (outcome.ok) answer({ ...outcome, ...(statements && { statements }) })
      else refuse(outcome.fault, statements)
    }
    // Nothing comes after `close`: the main thread refuses calls from then on.
    if (calls.length < requests.length) {
      close(db, writer)
      answer({ ok: true, value: undefined })
      port.close()
    }
  })
}

function* waiting(port: MessagePort, atMost: number): Generator<ThreadRequest> {
  for (let count = 0; count < atMost; count++) {
    const next: { message: ThreadRequest } | undefined = receiveMessageOnPort(port)
    if (next === undefined) return
    yield next.message
  }
}

const noStatements: StatementTimes = { ms: [], slow: [] }

/** A call that knows afterwards what its statements took. */
interface MeteredCall extends BoundCall {
  statements: StatementTimes
}

function bind(request: ThreadRequest & { kind: 'call' }): MeteredCall {
  const operation = tables[request.table]?.[request.operation]
  if (operation === undefined)
    throw new TypeError(`the store has no operation ${request.table}.${request.operation}`)
  const call: MeteredCall = {
    writes: operation.writes,
    statements: noStatements,
    run: db =>
      metered(
        db,
        () => operation.run(db, ...(request.args as never[])),
        times => {
          call.statements = times
        },
      ),
  }
  return call
}

/** Everything is durable already; the checkpoint only makes the next start faster, so its failure is no error. */
function close(db: Database, writer: boolean): void {
  try {
    if (writer) db.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
}

if (parentPort) serve(parentPort, workerData as ThreadStart)
