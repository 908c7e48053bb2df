/**
 * When the WebSocket is opened, given up and opened again: a machine without I/O. The shell (live.ts) feeds it what happens
 * and executes the effects in their order.
 */
export interface LiveState {
  readonly phase: 'stopped' | 'connecting' | 'open' | 'waiting'
  /** Attempts since the last welcome. */
  readonly attempt: number
  /** Start of this phase, ms. */
  readonly sinceMs: number
  /** Of phase `waiting`, ms. */
  readonly retryAtMs: number
  /** Where to go on after a cut; null: nothing was heard yet. */
  readonly position: Position | null
  /** Run of the gateway that this connection has greeted from; empty: not greeted yet. */
  readonly epoch: string
  readonly pingId: number
  /** null: no ping is under way. */
  readonly pingSentMs: number | null
  readonly nextPingMs: number
  /** Why the last connection ended, in the gateway's words; empty: it did not say. */
  readonly reason: string
  /** There and back; null: not measured on this connection. */
  readonly latencyMs: number | null
}

/** The last message that was heard: its number, and the run of the gateway that the number is of. */
export interface Position {
  readonly epoch: string
  readonly seq: number
}

export type LiveInput =
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'welcome'; readonly epoch: string; readonly seq: number }
  | { readonly type: 'received'; readonly seq: number }
  | { readonly type: 'pong'; readonly id: number }
  /** With the code and reason of RFC 6455 §7.1.5, where the other side has given them. */
  | { readonly type: 'closed'; readonly code: number; readonly reason: string }
  /** The page came back to the front, or the network came back. */
  | { readonly type: 'wake' }
  /** Once a second. */
  | { readonly type: 'tick' }

export type LiveEffect =
  | 'open'
  | 'close'
  | 'subscribe'
  /** What was missed is asked for from `position` on. */
  | 'resume'
  | 'ping'
  /** The connection never came to a welcome: perhaps the session has ended. */
  | 'check-session'

export interface LiveStep {
  readonly state: LiveState
  readonly effects: readonly LiveEffect[]
}

/** What the gateway closes with when the session has ended (docs/live.md). */
const signedOut = 4401
const firstDelayMs = 500
const longestDelayMs = 15_000
const welcomeWithinMs = 10_000
const pingEveryMs = 15_000
const secondPingMs = 3000
const pongWithinMs = 8_000

export const liveAtRest: LiveState = {
  phase: 'stopped',
  attempt: 0,
  sinceMs: 0,
  retryAtMs: 0,
  position: null,
  epoch: '',
  pingId: 0,
  pingSentMs: null,
  nextPingMs: 0,
  reason: '',
  latencyMs: null,
}

/** Doubles up to 15 s; half of it is chance, so that a hundred phones do not come back in one instant. */
export const retryDelayMs = (attempt: number, random: number): number =>
  Math.round(Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt, 16)) * (0.5 + random / 2))

/** `random`: 0 to 1. */
export function stepLive(state: LiveState, input: LiveInput, nowMs: number, random: number): LiveStep {
  switch (input.type) {
    case 'start':
      return state.phase === 'stopped' ? open({ ...state, attempt: 0, position: null }, nowMs) : keep(state)
    case 'stop':
      return { state: liveAtRest, effects: state.phase === 'stopped' ? [] : ['close'] }
    case 'welcome':
      return state.phase === 'connecting' ? welcome(state, input, nowMs) : keep(state)
    case 'received':
      return keep(received(state, input.seq))
    case 'pong':
      return state.pingSentMs !== null && input.id === state.pingId
        ? keep({ ...state, pingSentMs: null, latencyMs: nowMs - state.pingSentMs })
        : keep(state)
    case 'closed':
      return state.phase === 'connecting' || state.phase === 'open'
        ? wait(
            { ...state, reason: input.reason },
            nowMs,
            random,
            state.phase === 'connecting' || input.code === signedOut ? ['check-session'] : [],
          )
        : keep(state)
    case 'wake':
      if (state.phase === 'waiting') return open(state, nowMs)
      return state.phase === 'open' && state.pingSentMs === null ? ping(state, nowMs) : keep(state)
    case 'tick':
      return tick(state, nowMs, random)
  }
}

const keep = (state: LiveState): LiveStep => ({ state, effects: [] })

const open = (state: LiveState, nowMs: number): LiveStep => ({
  state: { ...state, phase: 'connecting', sinceMs: nowMs, epoch: '', pingSentMs: null, latencyMs: null },
  effects: ['open'],
})

function welcome(state: LiveState, { epoch, seq }: Position, nowMs: number): LiveStep {
  const opened: LiveState = {
    ...state,
    phase: 'open',
    attempt: 0,
    sinceMs: nowMs,
    epoch,
    // What was heard of the time before stays until the gateway has gone on from there.
    position: state.position ?? { epoch, seq },
    reason: '',
  }
  const pinged = ping(opened, nowMs)
  return {
    // The first one competes with everything that a page loads; a second one soon says more.
    state: { ...pinged.state, nextPingMs: nowMs + secondPingMs },
    effects: [state.position === null ? 'subscribe' : 'resume', ...pinged.effects],
  }
}

const ping = (state: LiveState, nowMs: number): LiveStep => ({
  state: { ...state, pingId: state.pingId + 1, pingSentMs: nowMs, nextPingMs: nowMs + pingEveryMs },
  effects: ['ping'],
})

const received = (state: LiveState, seq: number): LiveState =>
  state.phase === 'open' ? { ...state, position: { epoch: state.epoch, seq } } : state

function wait(state: LiveState, nowMs: number, random: number, effects: readonly LiveEffect[]): LiveStep {
  return {
    state: {
      ...state,
      phase: 'waiting',
      attempt: state.attempt + 1,
      sinceMs: nowMs,
      retryAtMs: nowMs + retryDelayMs(state.attempt, random),
      pingSentMs: null,
      latencyMs: null,
    },
    effects,
  }
}

function tick(state: LiveState, nowMs: number, random: number): LiveStep {
  switch (state.phase) {
    case 'stopped':
      return keep(state)
    case 'waiting':
      return nowMs >= state.retryAtMs ? open(state, nowMs) : keep(state)
    case 'connecting':
      return nowMs - state.sinceMs >= welcomeWithinMs
        ? wait(state, nowMs, random, ['close', 'check-session'])
        : keep(state)
    case 'open':
      if (state.pingSentMs !== null)
        return nowMs - state.pingSentMs >= pongWithinMs ? wait(state, nowMs, random, ['close']) : keep(state)
      return nowMs >= state.nextPingMs ? ping(state, nowMs) : keep(state)
  }
}
