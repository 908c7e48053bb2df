import { z } from 'zod'

/** Why a pattern does not go onto a board. */
export const fitProblem = z
  .object({
    kind: z
      .enum(['shape', 'power', 'size', 'reading', 'unknown'])
      .describe('shape: geometry or number of LEDs; unknown: nothing is known of what the board takes'),
    message: z.string(),
  })
  .readonly()
  .meta({ id: 'FitProblem', description: 'Why a pattern does not go onto a board' })
export type FitProblem = z.output<typeof fitProblem>

/** What would make it fit; the figures were found by trying. */
export const fitAdvice = z
  .object({
    kind: z.enum(['shape', 'power', 'brightness', 'frames', 'rate', 'palette', 'connect']),
    message: z.string(),
    brightness: z.int().min(0).max(255).exactOptional().describe('The highest'),
    frames: z.int().min(0).exactOptional().describe('So many of the first frames fit'),
    everyNth: z.int().min(1).exactOptional().describe('One frame of so many is kept'),
    stepsPerChannel: z.int().exactOptional(),
    neededBytes: z.int().exactOptional(),
  })
  .readonly()
  .meta({ id: 'FitAdvice', description: 'What would make a pattern fit' })
export type FitAdvice = z.output<typeof fitAdvice>

/** A pattern and one board, of GET /patterns/:id/fit. */
export const boardFit = z
  .object({
    boardId: z.string(),
    name: z.string(),
    fits: z.boolean(),
    neededBytes: z
      .int()
      .nullable()
      .describe('Manifest, journal and image in the slot (SPEC §4.4); null: no image can be made'),
    slotBytes: z.int().nullable(),
    overKb: z.int().min(0).describe('Kilobytes too much after compression; 0: the size is right'),
    peakMa: z.number().nullable().describe('Highest estimated current; null: not known'),
    capMa: z.number().nullable().describe('null: there is no cap'),
    problems: z.array(fitProblem).readonly(),
    advice: z.array(fitAdvice).readonly(),
  })
  .readonly()
  .meta({ id: 'BoardFit', description: 'Whether a pattern fits a board' })
export type BoardFit = z.output<typeof boardFit>

/** Answer of GET /patterns/:id/fit. */
export const patternFitView = z.object({ boards: z.array(boardFit).readonly() }).readonly()
export type PatternFitView = z.output<typeof patternFitView>
