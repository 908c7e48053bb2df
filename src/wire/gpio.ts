import { z } from 'zod'

export const buttonAction = z.enum(['next', 'previous', 'stop', 'play', 'identify'])
export type ButtonAction = z.infer<typeof buttonAction>

export interface GpioLineView {
  /** `button-17`, `status-led`, `reset-<board>`: as the config names it, or made from role and line. */
  readonly name: string
  readonly role: 'button' | 'status-led' | 'reset'
  readonly chip: string
  readonly line: number
  /** Logical level: true is pressed, lit, or held in reset, whatever the polarity. */
  readonly active: boolean
  /** Of a button. */
  readonly action: ButtonAction | null
  /** Board that it acts on; null: all boards. */
  readonly boardId: string | null
  readonly changedAt: string | null
  /** Edges counted since the start. */
  readonly edges: number
  /** Why it does not work; null: it does. */
  readonly trouble: string | null
}

/** Answer of GET /gpio. */
export interface GpioView {
  readonly enabled: boolean
  /** null: not enabled. */
  readonly backend: 'gpiod' | 'onoff' | 'memory' | null
  readonly lines: readonly GpioLineView[]
}

/** Body of POST /gpio/:name/simulate: only where the pins are in memory. */
export const simulateLine = z.strictObject({
  /** press: down and up again after the debounce time. */
  action: z.enum(['press', 'down', 'up']),
})
