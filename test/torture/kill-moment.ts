import type { Direction } from '../support/cut-line.ts'
import type { FrameName, PassingFrame } from './kill-line.ts'

/** When a gateway is killed. */
export type Moment =
  /** After its start; 1 is about when it gets ready. */
  | { readonly kind: 'start'; readonly share: number }
  /** After it got ready. */
  | { readonly kind: 'time'; readonly ms: number }
  /** After so many bytes on the line of a board. */
  | { readonly kind: 'bytes'; readonly board: number; readonly direction: Direction; readonly count: number }
  /**
   * At a message of the board protocol: before the board gets the request, after it got it and before the gateway hears
   * the reply, or when the reply has been written to the gateway.
   */
  | {
      readonly kind: 'message'
      readonly board: number
      readonly name: FrameName
      readonly place: 'before' | 'unanswered' | 'answered'
    }
  /** When a client is told that a job has come so far. */
  | { readonly kind: 'state'; readonly state: string }

const messages: readonly FrameName[] = ['BEGIN', 'HAVEQ', 'VERIFY', 'ACTIVATE', 'CONFIRM']
const places = ['before', 'unanswered', 'answered'] as const
/** An image is made within a few milliseconds; this is the way to hit that. */
const states = ['transferring', 'transferring', 'transferring', 'verifying', 'trial', 'done'] as const
const longestMs = 1200
/** Of about an upload. */
const mostBytes = { out: 16_000, in: 2500 }

/** Draws a moment. `afterLook`: only of the kinds that come when there was time to look at everything. */
export function drawMoment(random: () => number, boards: number, afterLook: boolean): Moment {
  const one = <T>(list: readonly [T, ...T[]] | readonly T[]): T =>
    list[Math.floor(random() * list.length)] as T
  const board = Math.floor(random() * boards)
  const kind = one(
    afterLook
      ? (['bytes', 'bytes', 'message', 'message', 'message', 'state', 'state'] as const)
      : ([
          'start',
          'start',
          'time',
          'time',
          'bytes',
          'bytes',
          'message',
          'message',
          'message',
          'state',
          'state',
        ] as const),
  )
  switch (kind) {
    case 'start':
      return { kind, share: random() * 1.2 }
    case 'time':
      return { kind, ms: random() * longestMs }
    case 'bytes': {
      const direction = one(['out', 'in'] as const)
      return { kind, board, direction, count: 1 + Math.floor(random() * mostBytes[direction]) }
    }
    case 'message':
      return { kind, board, name: one(messages), place: one(places) }
    case 'state':
      return { kind, state: one(states) }
  }
}

export function describeMoment(moment: Moment): string {
  switch (moment.kind) {
    case 'start':
      return `in its start-up, at ${moment.share.toFixed(2)} of the way`
    case 'time':
      return `${moment.ms.toFixed(0)} ms after it got ready`
    case 'bytes':
      return `at byte ${moment.count} ${moment.direction} of board ${moment.board}`
    case 'message':
      return `${moment.name} of board ${moment.board}, ${moment.place}`
    case 'state':
      return `when a job is ${moment.state}`
  }
}

/** Whether the moment has come with this frame, and whether the bytes that complete it are kept back. */
export function hitsFrame(
  moment: Moment,
  board: number,
  { direction, name }: PassingFrame,
): 'no' | 'keep' | 'pass' {
  if (moment.kind !== 'message' || moment.board !== board || moment.name !== name) return 'no'
  if (moment.place === 'before') return direction === 'out' ? 'keep' : 'no'
  if (direction === 'out') return 'no'
  return moment.place === 'unanswered' ? 'keep' : 'pass'
}
