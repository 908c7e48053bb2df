import { signal } from '@preact/signals'
import type { LiveMessage, LiveRequest } from '../wire/live.ts'
import { type LiveEffect, type LiveInput, liveAtRest, stepLive } from './model/reconnect.ts'

const tickMs = 1000

/** What the connection is in, for the words that are always on the screen. */
export const live = signal(liveAtRest)
/** Wall clock, once a second, for words such as `3 min ago`. */
export const nowMs = signal(Date.now())
/** The clock that the connection counts with; a change of the time of day does not touch it. */
export const liveNowMs = signal(0)

type Handler = (message: LiveMessage) => void

const handlers = new Map<string, Set<Handler>>()
const wanted = new Map<string, number>()
const refetchers = new Set<() => void>()
let checkSession: () => void = () => {}
let socket: WebSocket | undefined
let timer: ReturnType<typeof setInterval> | undefined

export function startLive(onDoubt: () => void): void {
  checkSession = onDoubt
  timer ??= setInterval(() => {
    nowMs.value = Date.now()
    feed({ type: 'tick' })
  }, tickMs)
  feed({ type: 'start' })
}

export function stopLive(): void {
  feed({ type: 'stop' })
  clearInterval(timer)
  timer = undefined
}

/** Messages of these topics while the returned function has not been called; `refetch` runs after every gap. */
export function follow(topics: readonly string[], handler: Handler, refetch?: () => void): () => void {
  for (const topic of topics) {
    const known = handlers.get(topic) ?? new Set()
    handlers.set(topic, known.add(handler))
    const count = wanted.get(topic) ?? 0
    wanted.set(topic, count + 1)
    if (count === 0) send({ type: 'subscribe', topics: [topic] })
  }
  if (refetch !== undefined) refetchers.add(refetch)
  return () => {
    for (const topic of topics) {
      handlers.get(topic)?.delete(handler)
      const count = (wanted.get(topic) ?? 1) - 1
      if (count > 0) wanted.set(topic, count)
      else {
        wanted.delete(topic)
        send({ type: 'unsubscribe', topics: [topic] })
      }
    }
    if (refetch !== undefined) refetchers.delete(refetch)
  }
}

/** Dropped while there is no connection: it is said again after the next welcome, or was for the moment only. */
export function send(request: LiveRequest): void {
  if (live.peek().phase === 'open' && socket?.readyState === WebSocket.OPEN)
    socket.send(JSON.stringify(request))
}

function feed(input: LiveInput): void {
  liveNowMs.value = performance.now()
  const { state, effects } = stepLive(live.peek(), input, liveNowMs.peek(), Math.random())
  live.value = state
  for (const one of effects) execute(one)
}

function execute(one: LiveEffect): void {
  switch (one) {
    case 'open':
      return openSocket()
    case 'close':
      return closeSocket()
    case 'subscribe':
      if (wanted.size > 0) send({ type: 'subscribe', topics: [...wanted.keys()] })
      return
    case 'refetch':
      for (const refetch of refetchers) refetch()
      return
    case 'ping':
      return send({ type: 'ping', id: live.peek().pingId })
    case 'check-session':
      return checkSession()
  }
}

function openSocket(): void {
  closeSocket()
  const opened = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`)
  socket = opened
  opened.onmessage = ({ data }) => {
    if (socket === opened && typeof data === 'string') read(data)
  }
  opened.onclose = ({ code, reason }) => {
    if (socket !== opened) return
    socket = undefined
    feed({ type: 'closed', code, reason })
  }
}

function closeSocket(): void {
  const closing = socket
  socket = undefined
  closing?.close()
}

function read(text: string): void {
  const message = JSON.parse(text) as LiveMessage
  feed({ type: 'received', seq: message.seq })
  if (message.topic === 'session') {
    if (message.type === 'welcome') feed({ type: 'welcome' })
    if (message.type === 'pong') feed({ type: 'pong', id: (message.data as { id: number }).id })
    return
  }
  for (const handler of handlers.get(message.topic) ?? []) handler(message)
}

/** A phone that wakes up, or a network that is back, does not wait for the timer. */
const wake = () => {
  if (document.visibilityState === 'visible') feed({ type: 'wake' })
}
document.addEventListener('visibilitychange', wake)
window.addEventListener('online', wake)
