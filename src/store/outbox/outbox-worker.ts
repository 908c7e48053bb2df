import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { storageError } from '../storage-error.ts'
import { toPlainError } from '../thread-messages.ts'
import { openOutbox } from './open-outbox.ts'
import type { OutboxReply, OutboxRequest } from './outbox-calls.ts'
import { OutboxTable } from './outbox-table.ts'

/** The thread in which messages for brokers above are flushed to the disk, so that no flush holds up the main loop. */
function serve(port: MessagePort, path: string): void {
  const answer = (work: () => unknown): boolean => {
    let reply: OutboxReply
    try {
      reply = { ok: true, value: work() }
    } catch (thrown) {
      reply = { ok: false, error: toPlainError(storageError(thrown, path)) }
    }
    port.postMessage(reply)
    return reply.ok
  }
  let opened: ReturnType<typeof openOutbox> | undefined
  const isOpen = answer(() => {
    opened = openOutbox(path)
    return opened.damaged
  })
  if (!isOpen || opened === undefined) return port.close()
  const { db } = opened
  const table = new OutboxTable(db)
  port.on('message', (request: OutboxRequest) => {
    if (request.call === 'close') {
      answer(() => void db.close())
      return port.close()
    }
    const run = table[request.call].bind(table) as (...args: readonly unknown[]) => unknown
    answer(() => run(...request.args))
  })
}

if (parentPort) serve(parentPort, (workerData as { readonly path: string }).path)
