import type { LiveState } from './reconnect.ts'

export interface ConnectionWords {
  readonly tone: 'ok' | 'warn' | 'bad'
  readonly text: string
  /** For the place where there is room. */
  readonly detail: string
}

/** The connection in words that are always on the screen. */
export function connectionWords(live: LiveState, signedIn: boolean, nowMs: number): ConnectionWords {
  if (!signedIn) return { tone: 'bad', text: 'Signed out', detail: 'Sign in to see the boards.' }
  switch (live.phase) {
    case 'open':
      return {
        tone: 'ok',
        text: 'Connected',
        detail: live.latencyMs === null ? 'measuring' : `${Math.max(1, Math.round(live.latencyMs))} ms`,
      }
    case 'waiting': {
      const seconds = Math.max(1, Math.ceil((live.retryAtMs - nowMs) / 1000))
      return {
        tone: 'bad',
        text: `Reconnecting in ${seconds} s`,
        detail: live.reason || 'What you see may be old.',
      }
    }
    default:
      return {
        tone: 'warn',
        text: live.attempt === 0 ? 'Connecting' : 'Reconnecting',
        detail: 'What you see may be old.',
      }
  }
}

/** Plain HTTP to another machine: whoever shares the network can read along. */
export const isExposed = (protocol: string, hostname: string): boolean =>
  protocol === 'http:' && !/^(localhost|.*\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
