/** SPEC §3.6, in ms. */
const guardMs = 20
const revertMs = 500
const repeatMs = 100
/** Both sides are back at the old rate after this, whoever missed what. */
const settleMs = 100

export type BaudState =
  | { readonly value: 'asking' }
  | { readonly value: 'guarding'; readonly untilMs: number }
  | { readonly value: 'proving'; readonly sinceMs: number; readonly probedAtMs: number }
  | { readonly value: 'reverting'; readonly untilMs: number }
  | { readonly value: 'done'; readonly switched: boolean }

export type BaudInput =
  | { readonly type: 'accepted' }
  | { readonly type: 'refused' }
  /** A valid frame came. */
  | { readonly type: 'heard' }
  | { readonly type: 'time' }

/** What the session does: change the rate of its side of the line (after its output has drained), or send PROBE. */
export type BaudAct = 'none' | 'drain' | 'switch' | 'probe' | 'restore'

export interface BaudStep {
  readonly state: BaudState
  readonly act: BaudAct
}

/** One step of a change of rate. Nobody is stranded: without proof at the new rate both sides return to the old one. */
export function stepBaud(state: BaudState, input: BaudInput, nowMs: number): BaudStep {
  const stay: BaudStep = { state, act: 'none' }
  switch (state.value) {
    case 'asking':
      if (input.type === 'refused') return { state: { value: 'done', switched: false }, act: 'none' }
      if (input.type === 'accepted')
        return { state: { value: 'guarding', untilMs: nowMs + guardMs }, act: 'drain' }
      return stay
    case 'guarding':
      if (nowMs < state.untilMs) return stay
      return {
        state: { value: 'proving', sinceMs: nowMs, probedAtMs: Number.NEGATIVE_INFINITY },
        act: 'switch',
      }
    case 'proving':
      if (input.type === 'heard') return { state: { value: 'done', switched: true }, act: 'none' }
      if (nowMs >= state.sinceMs + revertMs)
        return { state: { value: 'reverting', untilMs: nowMs + settleMs }, act: 'restore' }
      if (nowMs < state.probedAtMs + repeatMs) return stay
      return { state: { ...state, probedAtMs: nowMs }, act: 'probe' }
    case 'reverting':
      return nowMs < state.untilMs ? stay : { state: { value: 'done', switched: false }, act: 'none' }
    case 'done':
      return stay
  }
}

/** When `stepBaud` wants the next `time` input, absolute ms. */
export function baudDeadlineMs(state: BaudState): number {
  switch (state.value) {
    case 'guarding':
    case 'reverting':
      return state.untilMs
    case 'proving':
      return Math.min(state.sinceMs + revertMs, state.probedAtMs + repeatMs)
    default:
      return Number.POSITIVE_INFINITY
  }
}
