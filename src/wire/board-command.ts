import { z } from 'zod'

const level = z.int().min(0).max(255)
const ms = z.int().min(0).max(60_000).default(5000)

/** Body of POST /boards/:id/brightness. */
export const brightnessOrder = z.strictObject({ level: level.describe('0 to 255') })

/** Body of POST /boards/:id/identify, which may be left out. */
export const identifyOrder = z.strictObject({ ms: ms.describe('So long it shows itself') }).prefault({})

const chosen = {
  patternId: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('A pattern that an earlier upload has left on the board'),
  slot: z.int().min(0).max(255).optional().describe('Or the place where it lies there'),
} as const
const oneOf = ({ patternId, slot }: { patternId?: string | undefined; slot?: number | undefined }) =>
  (patternId === undefined) !== (slot === undefined)
const onlyOne = 'Say either patternId or slot.'

/** Body of POST /boards/:id/select. */
export const selectOrder = z.strictObject(chosen).refine(oneOf, onlyOne)

export const testCardKind = z.enum(['checking', 'finding'])
const card = testCardKind
  .default('checking')
  .describe('checking: is the wiring that is set right? finding: which wiring and order of colours is it?')

/** Body of POST /boards/:id/test-card, which may be left out. */
export const testCardOrder = z.strictObject({ card }).prefault({})

/** In any case, with - or _ between the words. */
const canonical = (body: unknown): unknown => {
  if (typeof body !== 'object' || body === null || !('type' in body) || typeof body.type !== 'string')
    return body
  return { ...body, type: body.type.toUpperCase().replaceAll('-', '_') }
}

/** Body of POST /boards/:id/commands. `type` may be written in any case, and with - instead of _. */
export const boardCommand = z.preprocess(
  canonical,
  z.discriminatedUnion('type', [
    z.strictObject({ type: z.enum(['PLAY', 'STOP', 'NEXT', 'PREVIOUS', 'STATUS', 'REBOOT']) }),
    z.strictObject({ type: z.literal('BRIGHTNESS'), level }),
    z.strictObject({ type: z.literal('IDENTIFY'), ms }),
    z.strictObject({ type: z.literal('SELECT'), ...chosen }).refine(oneOf, onlyOne),
    z.strictObject({ type: z.literal('TEST_CARD'), card }),
  ]),
)

const slot = z.int().min(0)
const imageId = z.string().describe('32 hexadecimal digits; all 0: none')

/** Answers of a board to what it was told (SPEC §8). */
export const playResult = z
  .object({
    command: z.enum(['PLAY', 'STOP', 'NEXT', 'PREVIOUS']),
    result: z.object({ slot: slot.describe('255: none'), playing: z.boolean() }),
  })
  .readonly()
export const brightnessResult = z
  .object({ command: z.literal('BRIGHTNESS'), result: z.object({ level }) })
  .readonly()
export const identifyResult = z
  .object({ command: z.literal('IDENTIFY'), result: z.object({ ms: z.int().min(0) }) })
  .readonly()
export const selectResult = z
  .object({ command: z.literal('SELECT'), result: z.object({ slot, id: imageId }) })
  .readonly()
export const rebootResult = z.object({ command: z.literal('REBOOT'), result: z.object({}) }).readonly()
const statusResult = z
  .object({
    command: z.literal('STATUS'),
    result: z.object({
      mode: z.int().describe('0 stopped, 1 playing, 2 trial, 3 identify, 4 live'),
      slot,
      id: imageId,
      frame: z.int(),
      brightness: level,
      transferOpen: z.boolean(),
      trialSecondsLeft: z.int(),
      uptimeSeconds: z.int(),
      bootId: z.int(),
      framesReceived: z.int(),
      bytesDropped: z.int(),
      framesShown: z.int(),
    }),
  })
  .readonly()

/** A card is an upload: what was made of it is told by its job. */
export const testCardResult = z
  .object({
    command: z.literal('TEST_CARD'),
    result: z.object({
      card: testCardKind,
      batchId: z.string(),
      jobId: z.string(),
      state: z.string().describe('Of the job; `waiting`: the board is away, and gets it when it is back'),
      patternId: z.string(),
      steps: z
        .array(z.object({ caption: z.string(), frames: z.int() }))
        .readonly()
        .describe('What is shown one after the other, and what it tells'),
    }),
  })
  .readonly()
  .meta({ id: 'TestCardResult', description: 'A test card that is on its way to a board' })

/** Answer of POST /boards/:id/commands. */
export const commandResult = z
  .discriminatedUnion('command', [
    playResult,
    brightnessResult,
    identifyResult,
    selectResult,
    rebootResult,
    statusResult,
  ])
  .meta({ id: 'CommandResult', description: 'What the board has answered' })
