import { signal } from '@preact/signals'
import type { GapView, LiveMessage, LiveRequest, ResumedView, WelcomeView } from '../wire/live.ts'
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
/** What the gateway said last that we have; a topic that is not among them has nothing to go on from. */
let had: ReadonlySet<string> = new Set()
const refetchers = new Map<() => void, readonly string[]>()
/** Of them only the newest message is had after a cut, and what draws them wants all. */
const series: readonly string[] = ['metrics']
let checkSession: () => void = () => {}
let prepare: () => Promise<void> = async () => {}
/** Counts what was opened and closed, so that what was prepared too late is not opened. */
let turn = 0
let socket: WebSocket | undefined
let timer: ReturnType<typeof setInterval> | undefined

/** `ready` resolves when a connection may be opened: one with old tokens would be a stranger's. */
export function startLive(onDoubt: () => void, ready: () => Promise<void>): void {
  checkSession = onDoubt
  prepare = ready
  timer ??= setInterval(() => {
    nowMs.value = Date.now()
    feed({ type: 'tick' })
  }, tickMs)
  feed({ type: 'start' })
}

export function stopLive(): void {
  feed({ type: 'stop' })
  had = new Set()
  clearInterval(timer)
  timer = undefined
}

/** Messages of these topics while the returned function has not been called; `refetch` runs when some of them were missed for good. */
export function follow(topics: readonly string[], handler: Handler, refetch?: () => void): () => void {
  for (const topic of topics) {
    const known = handlers.get(topic) ?? new Set()
    handlers.set(topic, known.add(handler))
    const count = wanted.get(topic) ?? 0
    wanted.set(topic, count + 1)
    if (count === 0) send({ type: 'subscribe', topics: [topic] })
  }
  if (refetch !== undefined) refetchers.set(refetch, topics)
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
      return subscribe([...wanted.keys()])
    case 'resume':
      return resume()
    case 'ping':
      return send({ type: 'ping', id: live.peek().pingId })
    case 'check-session':
      return checkSession()
  }
}

function subscribe(topics: readonly string[]): void {
  if (topics.length > 0) send({ type: 'subscribe', topics: [...topics] })
}

function resume(): void {
  const { position } = live.peek()
  const topics = [...wanted.keys()].filter(topic => had.has(topic))
  if (position !== null && topics.length > 0)
    send({ type: 'resume', since: position.seq, epoch: position.epoch, topics })
  subscribe([...wanted.keys()].filter(topic => !had.has(topic)))
  refetchFor(series)
}

function refetchFor(missed: readonly string[]): void {
  for (const [refetch, topics] of refetchers) if (topics.some(topic => missed.includes(topic))) refetch()
}

function openSocket(): void {
  closeSocket()
  const mine = turn
  void prepare().then(() => {
    if (mine === turn) connect()
  })
}

function connect(): void {
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
  turn += 1
  const closing = socket
  socket = undefined
  closing?.close()
}

function read(text: string): void {
  const message = JSON.parse(text) as LiveMessage
  const { topic, type, data, seq } = message
  if (topic === 'session') return readSession(type, data, seq)
  feed({ type: 'received', seq })
  for (const handler of handlers.get(topic) ?? []) handler(message)
}

function readSession(type: string, data: unknown, seq: number): void {
  switch (type) {
    case 'welcome': {
      const { epoch, seq: first } = data as WelcomeView
      return feed({ type: 'welcome', epoch, seq: first })
    }
    case 'pong':
      return feed({ type: 'pong', id: (data as { id: number }).id })
    case 'gap':
      refetchFor((data as GapView).topics)
      return feed({ type: 'received', seq })
    case 'resumed':
    case 'subscribed':
      had = new Set((data as Pick<ResumedView, 'topics'>).topics)
      return feed({ type: 'received', seq })
  }
}

/** A phone that wakes up, or a network that is back, does not wait for the timer. */
const wake = () => {
  if (document.visibilityState === 'visible') feed({ type: 'wake' })
}
document.addEventListener('visibilitychange', wake)
window.addEventListener('online', wake)
