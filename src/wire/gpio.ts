import { z } from 'zod'
import { pageShape } from './page.ts'

export const buttonAction = z.enum(['next', 'previous', 'stop', 'play', 'identify'])
export type ButtonAction = z.infer<typeof buttonAction>

export const gpioLineView = z
  .object({
    name: z
      .string()
      .describe(
        '`button-17`, `status-led`, `reset-BOARD`, `input-5`, `output-6`: as the config names it, or made from role and line',
      ),
    role: z.enum(['button', 'status-led', 'reset', 'input', 'output']),
    chip: z.string(),
    line: z.int().min(0),
    active: z
      .boolean()
      .describe('Logical level: true is pressed, lit, on, or held in reset, whatever the polarity'),
    action: buttonAction.nullable().describe('Of a button'),
    boardId: z.string().nullable().describe('Board that it acts on; null: all boards'),
    changedAt: z.iso.datetime().nullable(),
    monotonicMs: z
      .number()
      .nullable()
      .describe('The same in milliseconds since the start of the gateway, by a clock that never jumps'),
    edges: z.int().min(0).describe('Edges counted since the start'),
    trouble: z.string().nullable().describe('Why it does not work; null: it does'),
  })
  .readonly()
  .meta({
    id: 'GpioLine',
    description: 'A line of the header: a button, the status LED, a reset line, an input or an output',
  })
export type GpioLineView = z.output<typeof gpioLineView>

/** The pins as a whole. */
export interface GpioView {
  readonly enabled: boolean
  /** null: not enabled. */
  readonly backend: 'gpiod' | 'onoff' | 'memory' | null
  readonly lines: readonly GpioLineView[]
}

/** Answer of GET /gpio. */
export const gpioPageView = z
  .object({
    enabled: z.boolean(),
    backend: z.enum(['gpiod', 'onoff', 'memory']).nullable().describe('null: not enabled'),
    lines: z.array(gpioLineView).readonly(),
    ...pageShape,
  })
  .readonly()

/** Body of POST /gpio/:name/simulate: only where the pins are in memory. */
export const simulateLine = z.strictObject({
  action: z.enum(['press', 'down', 'up']).describe('press: down and up again after the debounce time'),
})

/** Body of POST /gpio/:name/set. */
export const setLine = z.strictObject({ active: z.boolean().describe('true: on, whatever the polarity') })

/** Longest pulse that any output may have. */
export const longestPulseMs = 60_000

/** Body of POST /gpio/:name/pulse. */
export const pulseLine = z.strictObject({
  ms: z
    .int()
    .min(1)
    .max(longestPulseMs)
    .describe('On for so long, then off; `maxPulseMs` of the output at most'),
})
