import { z } from 'zod'
import { lineName } from './schema-parts.ts'

/** Beyond any header: the largest chips of a Pi have 58 lines. */
const line = z.int().min(0).max(1023)
const activeLow = z.boolean().default(true)
const board = z.string().trim().min(1, 'must be the id or the name of a board').max(64)

const button = z.strictObject({
  name: lineName.optional(),
  line,
  action: z.enum(['next', 'previous', 'stop', 'play', 'identify']),
  /** Id or name; without it the button is for all boards. */
  board: board.optional(),
  activeLow,
  debounceMs: z.int().min(0).max(1000).default(20),
})
/** Without `activeLow` the LED lights at high: from the line over a resistor to ground. */
const statusLed = z.strictObject({ line, activeLow: z.boolean().default(false) })
const resetLine = z.strictObject({
  board,
  line,
  activeLow,
  pulseMs: z.int().min(1).max(2000).default(100),
})

const input = z.strictObject({
  kind: z.literal('input'),
  name: lineName.optional(),
  line,
  activeLow,
  /** Default: away from the active level. */
  bias: z.enum(['as-is', 'disabled', 'pull-up', 'pull-down']).optional(),
  debounceMs: z.int().min(0).max(1000).default(20),
})
const output = z.strictObject({
  kind: z.literal('output'),
  name: lineName.optional(),
  line,
  /** Without it, active is high: a relay board may want the opposite. */
  activeLow: z.boolean().default(false),
  /** Level at the start, and when the line was lost and is back; it is inactive while the gateway does not run. */
  initial: z.boolean().default(false),
  maxPulseMs: z.int().min(1).max(60_000).default(1000),
})

/** At most so many of a kind: each holds a process of its own while the tools of libgpiod are used. */
const mostLines = 16

type At = readonly (string | number)[]

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

interface Entry {
  readonly at: At
  readonly value: Record<string, unknown>
}

/** Every entry that can be looked at, whatever faults it has of its own. */
function entriesOf(gpio: Record<string, unknown>): Entry[] {
  const listed = ['buttons', 'resetLines', 'lines'].flatMap(key => {
    const items: unknown = gpio[key]
    return Array.isArray(items) ? items.map((value: unknown, index) => ({ at: [key, index], value })) : []
  })
  return [...listed, { at: ['statusLed'], value: gpio['statusLed'] }].flatMap(({ at, value }) =>
    isRecord(value) ? [{ at, value }] : [],
  )
}

/** Paths of entries whose `key` an earlier one has already; `taken` from the start. */
function repeated(entries: readonly Entry[], key: string, taken: readonly unknown[] = []): At[] {
  const seen = new Set<unknown>(taken)
  return entries.flatMap(({ at, value: { [key]: value } }) => {
    if (value === undefined) return []
    if (seen.has(value)) return [[...at, key]]
    seen.add(value)
    return []
  })
}

/** What the API calls an entry without a name of its own. */
const madeName = ({ at, value }: Entry): string => {
  if (at[0] === 'lines') return `${value['kind']}-${value['line']}`
  if (at[0] === 'buttons') return `button-${value['line']}`
  return at[0] === 'resetLines' ? `reset-${value['board']}` : 'status-led'
}

/** Buttons, a status LED, the boards' reset lines, and lines for other things. */
export const gpioSchema = z
  .strictObject({
    enabled: z.boolean().default(false),
    /** auto: the tools of libgpiod where they are installed, else onoff. */
    backend: z.enum(['auto', 'gpiod', 'onoff', 'memory']).default('auto'),
    /** Label or name of a chip; auto: the one behind the header of a Raspberry Pi. */
    chip: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._:@,-]{0,63}$/, 'must be auto, or the label or name of a GPIO chip')
      .default('auto'),
    buttons: z.array(button).max(mostLines).default([]),
    statusLed: statusLed.nullable().default(null),
    resetLines: z.array(resetLine).max(mostLines).default([]),
    /** Lines for other things: contacts that are watched, outputs that may be switched. */
    lines: z
      .array(z.discriminatedUnion('kind', [input, output]))
      .max(mostLines)
      .default([]),
  })
  .superRefine(
    (gpio, ctx) => {
      const entries = entriesOf(gpio)
      const unnamed = entries.filter(({ value }) => value['name'] === undefined)
      const faults = [
        [repeated(entries, 'line'), 'must be a line that nothing else here uses'],
        [repeated(entries, 'name', unnamed.map(madeName)), 'must be a name that nothing else here has'],
        [
          repeated(
            entries.filter(({ at }) => at[0] === 'resetLines'),
            'board',
          ),
          'must be a board that has no other reset line',
        ],
      ] as const
      for (const [paths, message] of faults)
        for (const path of paths) ctx.addIssue({ code: 'custom', path: [...path], message })
    },
    // Also said while other keys have faults.
    { when: ({ value }) => isRecord(value) },
  )
