import { z } from 'zod'

/** Of the chips of a board; W: white, last. */
export const colorOrder = z.enum([
  ...(['RGB', 'RBG', 'GRB', 'GBR', 'BRG', 'BGR'] as const),
  ...(['RGBW', 'RBGW', 'GRBW', 'GBRW', 'BRGW', 'BGRW'] as const),
])

/** Body of PATCH /boards/:id. */
export const boardChange = z.strictObject({
  name: z.string().trim().min(1).max(32).optional(),
  width: z.int().min(0).max(65_535).optional(),
  height: z.int().min(0).max(65_535).optional(),
  wiring: z
    .string()
    .regex(/^(row|column)-(straight|serpentine)-(tl|tr|bl|br)$/, 'a wiring such as row-serpentine-tl')
    .optional(),
  /** One of the forms in docs/formats.md; null: none. Goes without width, height and wiring. */
  layout: z.looseObject({ kind: z.string() }).nullable().optional(),
  colorOrder: colorOrder.optional(),
  /** null: no cap of its own. */
  powerCapMa: z.int().min(1).max(1_000_000).nullable().optional(),
})
export type BoardChangeBody = z.input<typeof boardChange>

export interface BoardView {
  readonly id: string
  readonly name: string
  readonly state: 'connected' | 'away' | 'quarantined'
  readonly address: string
  readonly leds: number
  readonly width: number
  readonly height: number
  readonly wiring: string
  /** Where its LEDs sit, instead of wiring; null: it has none. */
  readonly layout: unknown
  readonly colorOrder: string
  readonly powerCapMa: number | null
  readonly firmware: string
  /** `trust` is `paired`. */
  readonly trusted: boolean
  /**
   * untrusted: no key, so nothing shows that it is the board it says. paired: it has proved its key. locked: it has the key of another
   * gateway. refused: what is there claims to be this board and cannot prove it; nothing is sent to it.
   */
  readonly trust: 'untrusted' | 'paired' | 'locked' | 'refused'
  readonly lastSeenAt: string
  /** What it does now; null while it is away, and until it has answered for the first time. */
  readonly status: BoardStatusView | null
}

export interface BoardStatusView {
  readonly mode: 'stopped' | 'playing' | 'trial' | 'identify' | 'live'
  /** 0 to 255. */
  readonly brightness: number
  readonly slot: number
  /** Id of the image on the board, 32 hexadecimal digits; null: none is active. */
  readonly imageId: string | null
  /** The pattern that the image was made from; null when this gateway has not made it. */
  readonly patternId: string | null
  readonly patternName: string | null
  readonly uptimeSeconds: number
}

/** Body of POST /boards/:id/pairing. */
export const pairingOrder = z.strictObject({
  /** The first key may cross the network in the clear. */
  trustLine: z.boolean().default(false),
})

/** Query of DELETE /boards/:id/pairing. */
export const unpairingOrder = z.strictObject({
  /** Also when the board is away or does not prove its key. */
  forget: z.enum(['true', 'false']).default('false'),
})

/** Body of POST /ports. */
export const portApproval = z.strictObject({
  /** Path or stable id, as GET /ports shows it. */
  path: z.string().min(1).max(256),
  baudRate: z.int().min(300).max(20_000_000).default(115_200),
})
export type PortApprovalBody = z.input<typeof portApproval>

/** Body of POST /ports/loan. */
export const portLoan = z.strictObject({
  /** Path of the device or of a link to it. */
  path: z.string().min(1).max(256),
})

/** The one line that a loan says; it lasts until the connection ends. */
export interface LoanLine {
  /** false: the gateway does not use this port. */
  readonly lent: boolean
}

export interface PortView {
  readonly path: string
  readonly stableId: string | null
  readonly manufacturer: string | null
  readonly vendorId: string | null
  readonly productId: string | null
  readonly serialNumber: string | null
  readonly open: boolean
  readonly reason: string
  readonly trouble: string | null
}

/** Body of POST /boards/:id/commands. */
export const boardCommand = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['PLAY', 'STOP', 'NEXT', 'PREVIOUS', 'STATUS', 'REBOOT']) }),
  z.strictObject({ type: z.literal('BRIGHTNESS'), level: z.int().min(0).max(255) }),
  z.strictObject({ type: z.literal('IDENTIFY'), ms: z.int().min(0).max(60_000).default(5000) }),
  /** Plays a pattern that an earlier upload has left on the board. */
  z.strictObject({ type: z.literal('SELECT'), patternId: z.string().min(1).max(64) }),
])
