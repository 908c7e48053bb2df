import { z } from 'zod'
import { pageShape } from './page.ts'

/** Of the chips of a board; W: white, last. */
export const colorOrder = z.enum([
  ...(['RGB', 'RBG', 'GRB', 'GBR', 'BRG', 'BGR'] as const),
  ...(['RGBW', 'RBGW', 'GRBW', 'GBRW', 'BRGW', 'BGRW'] as const),
])

const side = z.int().min(0).max(65_535)
const wiring = z
  .string()
  .regex(/^(row|column)-(straight|serpentine)-(tl|tr|bl|br)$/, 'a wiring such as row-serpentine-tl')
const layout = z.looseObject({ kind: z.string() }).nullable()
const capMa = z.int().min(1).max(1_000_000).nullable()

/** Body of PATCH /boards/:id. */
export const boardChange = z.strictObject({
  name: z.string().trim().min(1).max(32).optional(),
  width: side.optional(),
  height: side.optional(),
  wiring: wiring.optional(),
  layout: layout
    .optional()
    .describe('One of the forms in docs/formats.md; null: none. Goes without width, height and wiring'),
  colorOrder: colorOrder.optional(),
  powerCapMa: capMa.optional().describe('null: no cap of its own'),
})
export type BoardChangeBody = z.input<typeof boardChange>

/** Body and answer of PUT /boards/:id/wiring, and the answer of GET. */
export const boardWiring = z
  .strictObject({
    width: side.describe('LEDs across; 0: not a matrix. Of a layout: of its canvas'),
    height: side,
    wiring: wiring.describe('How the strip runs through the matrix; of no meaning under a layout'),
    colorOrder,
    layout: layout.default(null).describe('Where its LEDs sit, as docs/formats.md says; null: wiring tells'),
  })
  .meta({ id: 'BoardWiring', description: 'How pictures become LEDs: geometry, wiring and order of colours' })
export type BoardWiring = z.output<typeof boardWiring>

/** Body of PUT /boards/:id/power. */
export const boardPowerChange = z.strictObject({
  capMa: capMa.describe("Highest current that the supply delivers; null: the board's own limit holds"),
})

/** Answer of GET and PUT /boards/:id/power. */
export const boardPower = z
  .object({
    capMa: capMa.describe('What a person has set; null: nothing'),
    boardCapMa: z.int().min(1).nullable().describe('What the board says of itself; null: nothing'),
    effectiveCapMa: z.int().min(1).nullable().describe('What patterns are held to; null: there is no cap'),
    leds: z.int().min(0),
    channels: z.int().min(3).max(4).describe('Colours of an LED'),
    maPerChannel: z.number().describe('Of one colour at full level (WS2812B data sheet)'),
    idleMaPerLed: z.number().describe('Of an LED that shows black'),
    fullMa: z.int().min(0).describe('Estimated for all colours of all LEDs at full level'),
  })
  .readonly()
  .meta({
    id: 'BoardPower',
    description: 'The power cap of a board and what the estimate of currents counts',
  })
export type BoardPower = z.output<typeof boardPower>

export const boardStatusView = z
  .object({
    mode: z.enum(['stopped', 'playing', 'trial', 'identify', 'live']),
    brightness: z.int().min(0).max(255),
    slot: z.int(),
    imageId: z
      .string()
      .nullable()
      .describe('Id of the image on the board, 32 hexadecimal digits; null: none is active'),
    patternId: z
      .string()
      .nullable()
      .describe('The pattern that the image was made from; null when this gateway has not made it'),
    patternName: z.string().nullable(),
    uptimeSeconds: z.int().min(0).describe('Brought up to date once a minute'),
  })
  .readonly()
  .meta({ id: 'BoardStatus', description: 'What a board does now' })
export type BoardStatusView = z.output<typeof boardStatusView>

export const boardState = z.enum(['connected', 'away', 'quarantined'])

export const boardView = z
  .object({
    id: z.string().describe('Its UUID'),
    name: z.string(),
    state: boardState.describe('quarantined: two boards have this UUID, so neither is used'),
    address: z.string().describe('Path of the port, or host and port'),
    leds: z.int().min(0),
    width: side.describe('0: not a matrix'),
    height: side,
    wiring: z.string(),
    layout: layout.describe('Where its LEDs sit, instead of wiring; null: it has none'),
    colorOrder: z.string(),
    powerCapMa: z.int().nullable(),
    firmware: z.string(),
    trusted: z.boolean().describe('`trust` is `paired`'),
    trust: z
      .enum(['untrusted', 'paired', 'locked', 'refused'])
      .describe(
        'untrusted: no key, so nothing shows that it is the board it says. paired: it has proved its key. locked: it has the key of another gateway. refused: what is there claims to be this board and cannot prove it; nothing is sent to it',
      ),
    lastSeenAt: z.iso.datetime().describe('When it was greeted last'),
    status: boardStatusView
      .nullable()
      .describe('null while it is away, and until it has answered for the first time'),
  })
  .readonly()
  .meta({ id: 'Board', description: 'A board that the gateway has met' })
export type BoardView = z.output<typeof boardView>

/** Answer of GET /boards, by name. */
export const boardsView = z.object({ boards: z.array(boardView).readonly(), ...pageShape }).readonly()

export const oneBoardView = z.object({ board: boardView }).readonly()
