import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { Database } from 'better-sqlite3'
import { openDatabase } from './open-database.ts'
import type { Operation } from './operation.ts'
import { operations } from './operations.ts'
import { type BoundCall, runBatch } from './run-batch.ts'
import { storageError } from './storage-error.ts'
import { type ThreadReply, type ThreadRequest, type ThreadStart, toPlainError } from './thread-messages.ts'

/** Calls that share one transaction at most, so that one flush serves many and none waits for too many. */
const batchCalls = 64

const tables: Readonly<Record<string, Readonly<Record<string, Operation<never[], unknown>>>>> = operations

/** The storage thread: opens the database, then serves its calls until it is told to close. */
function serve(port: MessagePort, start: ThreadStart): void {
  const answer = (reply: ThreadReply): void => port.postMessage(reply)
  const refuse = (thrown: unknown): void =>
    answer({ ok: false, error: toPlainError(storageError(thrown, start.path)) })
  let db: Database
  try {
    db = openDatabase(start.path, start)
  } catch (error) {
    refuse(error)
    port.close()
    return
  }
  answer({ ok: true, value: undefined })

  port.on('message', (first: ThreadRequest) => {
    const requests = [first, ...waiting(port, batchCalls - 1)]
    const calls = requests.flatMap(request => (request.kind === 'call' ? [bind(request)] : []))
    for (const outcome of runBatch(db, calls)) {
      if (outcome.ok) answer(outcome)
      else refuse(outcome.fault)
    }
    // Nothing comes after `close`: the main thread refuses calls from then on.
    if (calls.length < requests.length) {
      close(db)
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

function bind(request: ThreadRequest & { kind: 'call' }): BoundCall {
  const operation = tables[request.table]?.[request.operation]
  if (operation === undefined)
    throw new TypeError(`the store has no operation ${request.table}.${request.operation}`)
  return { writes: operation.writes, run: db => operation.run(db, ...(request.args as never[])) }
}

/** Everything is durable already; the checkpoint only makes the next start faster, so its failure is no error. */
function close(db: Database): void {
  try {
    db.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
}

if (parentPort) serve(parentPort, workerData as ThreadStart)
