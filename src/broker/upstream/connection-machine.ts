/** Versions of MQTT by the level in CONNECT: 5, or 4 for 3.1.1. */
export type ProtocolLevel = 4 | 5

export interface ConnectionFault {
  /** What happened and what to do. */
  readonly message: string
  /** The other end does not speak this version, or ended the connection without a word to CONNECT. */
  readonly version: boolean
}

export type ConnectionState =
  | { readonly is: 'stopped' }
  | {
      readonly is: 'connecting'
      readonly level: ProtocolLevel
      readonly failures: number
      readonly since: number
    }
  | {
      readonly is: 'online'
      readonly level: ProtocolLevel
      readonly failures: number
      readonly since: number
    }
  | {
      readonly is: 'waiting'
      readonly level: ProtocolLevel
      readonly failures: number
      readonly untilMs: number
      readonly since: number
    }

export type ConnectionInput =
  | { readonly type: 'start' }
  | { readonly type: 'opened' }
  | { readonly type: 'failed'; readonly fault: ConnectionFault }
  | { readonly type: 'lost' }
  | { readonly type: 'timer' }
  | { readonly type: 'stop' }

export type ConnectionEffect =
  /** `urlIndex` counts on at each failure. */
  | { readonly type: 'connect'; readonly level: ProtocolLevel; readonly urlIndex: number }
  | { readonly type: 'wait'; readonly delayMs: number }
  | { readonly type: 'end' }

export interface ConnectionRules {
  readonly protocol: 'auto' | ProtocolLevel
  /** 0 to 1. */
  readonly random: () => number
}

const firstDelayMs = 500
export const longestDelayMs = 60_000
/** A connection that held so long says that the path is good. */
const steadyMs = 10_000

interface Step {
  readonly state: ConnectionState
  readonly effects: readonly ConnectionEffect[]
}

export const stoppedConnection: ConnectionState = { is: 'stopped' }

/** Half of it is fixed, half drawn by lot: many gateways that lost one broker do not come back at one moment. */
export function backoffMs(failures: number, random: () => number): number {
  const whole = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures, 16))
  return Math.round(whole / 2 + (whole / 2) * random())
}

/** When the connection upwards is tried, with which version, and how long it waits. Pure: `nowMs` is monotonic time. */
export function connectionStep(
  state: ConnectionState,
  input: ConnectionInput,
  nowMs: number,
  { protocol, random }: ConnectionRules,
): Step {
  const stay: Step = { state, effects: [] }
  const connect = (level: ProtocolLevel, failures: number): Step => ({
    state: { is: 'connecting', level, failures, since: nowMs },
    effects: [{ type: 'connect', level, urlIndex: failures }],
  })
  const wait = (level: ProtocolLevel, failures: number): Step => {
    const delayMs = backoffMs(failures, random)
    return {
      state: { is: 'waiting', level, failures: failures + 1, untilMs: nowMs + delayMs, since: nowMs },
      effects: [{ type: 'wait', delayMs }],
    }
  }
  const best: ProtocolLevel = protocol === 'auto' ? 5 : protocol
  switch (input.type) {
    case 'start':
      return state.is === 'stopped' ? connect(best, 0) : stay
    case 'stop':
      return state.is === 'stopped' ? stay : { state: stoppedConnection, effects: [{ type: 'end' }] }
    case 'opened':
      return state.is === 'connecting'
        ? { state: { ...state, is: 'online', since: nowMs }, effects: [] }
        : stay
    case 'failed': {
      if (state.is !== 'connecting') return stay
      // The older version is tried at once; when it fails as well, the next round begins with the newer one.
      if (input.fault.version && protocol === 'auto' && state.level === 5) return connect(4, state.failures)
      return wait(best, state.failures)
    }
    case 'lost': {
      if (state.is !== 'online') return stay
      const failures = nowMs - state.since >= steadyMs ? 0 : state.failures
      return wait(state.level, failures)
    }
    case 'timer':
      return state.is === 'waiting' ? connect(state.level, state.failures) : stay
  }
}
