import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { storageError } from '../storage-error.ts'
import { type PlainError, toPlainError } from '../thread-messages.ts'
import type { BrokerState } from './broker-state.ts'
import { type BrokerFile, BrokerWriter } from './broker-writer.ts'
import type { PackedChanges } from './changes.ts'

export type BrokerRequest =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly packed: PackedChanges }
  | { readonly kind: 'renew'; readonly reason: string }
  | { readonly kind: 'close' }

/** One a request, in order. */
export interface BrokerReply {
  readonly state?: BrokerState
  readonly error?: PlainError
  /** Why a file was moved aside, since the last reply. */
  readonly setAside: readonly string[]
}

/** The thread of broker.db. It opens the file at the first request, and again after one that left it without. */
function serve(port: MessagePort, file: BrokerFile): void {
  let writer: BrokerWriter | undefined
  const run = (request: BrokerRequest): BrokerState | undefined => {
    if (request.kind === 'close') {
      writer?.close()
      return undefined
    }
    writer ??= new BrokerWriter(file)
    if (request.kind === 'read') return writer.read()
    if (request.kind === 'renew') writer.renew(request.reason)
    else writer.write(request.packed)
    return undefined
  }
  port.on('message', (request: BrokerRequest) => {
    let reply: Omit<BrokerReply, 'setAside'> = {}
    try {
      const state = run(request)
      if (state !== undefined) reply = { state }
    } catch (thrown) {
      reply = { error: toPlainError(storageError(thrown, file.path)) }
    }
    port.postMessage({ ...reply, setAside: writer?.setAside.splice(0) ?? [] })
    if (writer?.usable === false) writer = undefined
    if (request.kind === 'close') port.close()
  })
}

if (parentPort) serve(parentPort, workerData as BrokerFile)
