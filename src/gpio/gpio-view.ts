export type ButtonAction = 'next' | 'previous' | 'stop' | 'play' | 'identify'

/** A line as the API, the panel and MQTT show it. */
export interface GpioLine {
  readonly name: string
  readonly role: 'button' | 'status-led' | 'reset' | 'input' | 'output'
  readonly chip: string
  readonly line: number
  /** Logical level: pressed, lit, on, or held in reset. */
  readonly active: boolean
  readonly action: ButtonAction | null
  readonly boardId: string | null
  /** RFC 3339. */
  readonly changedAt: string | null
  /** The same in milliseconds since the start of the gateway, by a clock that never jumps. */
  readonly monotonicMs: number | null
  /** Edges since the start: of a button as they come, bounces too. */
  readonly edges: number
  /** Why it does not work and what to do; null: it does. */
  readonly trouble: string | null
}

export interface GpioLines {
  readonly enabled: boolean
  readonly backend: 'gpiod' | 'onoff' | 'memory' | null
  readonly lines: readonly GpioLine[]
}
