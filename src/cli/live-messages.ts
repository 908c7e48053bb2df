import { setTimeout } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { AppError } from '../kernel/errors.ts'
import type { LiveMessage } from '../wire/live.ts'
import { unreachable } from './unreachable.ts'

export interface LiveMessagesOptions {
  readonly controlSocket: string
  readonly topics: readonly string[]
  /** Ends the watching. */
  readonly signal: AbortSignal
  readonly show: (message: LiveMessage) => void
  /** What happens to the connection, for people. */
  readonly note: (text: string) => void
}

/** A restart takes a second or two; a machine that boots, longer. */
const absenceMs = 60_000
const retryMs = 300
const openMs = 10_000

/**
 * Shows every message of the topics until the signal; a gateway that is started again is found again. Rejects with
 * `daemon_unreachable` when it is away for a minute, or at once when it never was there, and with what it answers to a
 * topic that it does not know.
 */
export async function liveMessages(options: LiveMessagesOptions): Promise<void> {
  const { signal, note } = options
  let seen = false
  let goneAtMs: number | undefined
  while (!signal.aborted) {
    const ended = await connection(options, () => {
      if (seen) note('The gateway is there again.')
      seen = true
      goneAtMs = undefined
    })
    if (signal.aborted) return
    if (ended.refusal !== undefined) throw ended.refusal
    const reason = ended.reason ?? new Error('the connection ended')
    if (!seen) throw unreachable(options.controlSocket, reason)
    if (goneAtMs === undefined) note(`The gateway is away: ${reason.message}. Waiting for it.`)
    goneAtMs ??= Date.now()
    if (Date.now() - goneAtMs > absenceMs) throw unreachable(options.controlSocket, reason)
    await setTimeout(retryMs, undefined, { signal }).catch(() => undefined)
  }
}

interface Ended {
  readonly reason?: Error
  /** The gateway does not want this request, however often it comes. */
  readonly refusal?: AppError
}

function connection(options: LiveMessagesOptions, subscribed: () => void): Promise<Ended> {
  const { controlSocket, topics, signal, show } = options
  return new Promise(resolve => {
    const socket = new WebSocket(`ws+unix:${controlSocket}:/ws`, { handshakeTimeout: openMs })
    const stop = () => socket.close(1000)
    signal.addEventListener('abort', stop, { once: true })
    let reason: Error | undefined
    let refusal: AppError | undefined
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', topics })))
    socket.on('message', data => {
      const message = JSON.parse(String(data)) as LiveMessage
      if (message.topic !== 'session') return show(message)
      if (message.type === 'subscribed') subscribed()
      if (message.type !== 'error') return
      refusal = new AppError('usage', (message.data as { message: string }).message)
      socket.close(1000)
    })
    socket.on('error', error => {
      reason = error
    })
    socket.on('close', (_code, text) => {
      signal.removeEventListener('abort', stop)
      reason ??= text.length === 0 ? undefined : new Error(text.toString())
      resolve({ ...(reason && { reason }), ...(refusal && { refusal }) })
    })
  })
}
