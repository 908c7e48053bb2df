import { fail, ok, type Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'
import { createPattern, type Frame, type Pattern } from '../pattern.ts'
import { runningLight } from './running-light.ts'

export interface CardStep {
  /** What is shown, and what it tells. */
  readonly caption: string
  readonly frames: readonly Frame[]
}

export interface TestCard {
  readonly pattern: Pattern
  readonly steps: readonly CardStep[]
}

interface Size {
  readonly width: number
  readonly height: number
}

type Rgb = readonly [red: number, green: number, blue: number]

/** Single LEDs are easy to see; all at once draw current. */
const single = 128
const all = 40
const white: Rgb = [single, single, single]
const red: Rgb = [single, 0, 0]
const green: Rgb = [0, single, 0]
const blue: Rgb = [0, 0, single]
const lookMs = 4000
const colorMs = 2000

const colorNames = ['red', 'green', 'blue'] as const

/**
 * A card for a board of which nothing is known: sent as a strip (`row-straight-tl`, RGB), so that what is seen tells wiring and colour
 * order. `wiringFromAnswers` takes the answers to its questions.
 */
export const findingCard = (size: Size): Result<TestCard, PatternFault> => {
  const { width, height } = size
  if (!isBoard(size)) return noBoard(size)
  const line = Math.min(width, height)
  const steps = [
    look(
      size,
      'The first LED is white. In which corner is it: tl, tr, bl or br (top, bottom; left, right)?',
      [[[0], white]],
    ),
  ]
  if (line > 1)
    steps.push(
      look(
        size,
        `The first ${line} LEDs are lit, the first white, the others red. Is the line horizontal (row) or vertical (column)?`,
        [
          [range(line), red],
          [[0], white],
        ],
      ),
      look(size, secondLine(size), [
        [[width], green],
        [[height], width === height ? green : blue],
        [[0], white],
      ]),
    )
  const colors = colorNames.map((name, c) =>
    flat(
      size,
      c,
      `All LEDs are to be ${name}. What do you see? The three letters that you see for red, green and blue are the colour order, e.g. GRB. Where the colour changes from LED to LED, they have white: try --color-order RGBW.`,
    ),
  )
  return card('find the wiring', size, [...steps, ...colors, runningLight(size)])
}

/** A card for a board whose wiring and colour order are set: drawn on the canvas, so that it looks as its captions say when they are right. */
export const checkingCard = (size: Size): Result<TestCard, PatternFault> => {
  const { width, height } = size
  if (!isBoard(size)) return noBoard(size)
  const rows = height > 1
  const steps = [
    look(
      size,
      `One white LED${rows ? ' at the top left' : ': the first'}. Elsewhere: the corner in the wiring is wrong.`,
      [[[0], white]],
    ),
  ]
  if (rows)
    steps.push(
      look(
        size,
        'A red line along the top. Vertical: exchange row and column in the wiring. Below: the corner is wrong. In pieces: the width is wrong.',
        [[range(width), red]],
      ),
      look(
        size,
        'A green line down the left side. If it jumps between the sides from line to line: exchange straight and serpentine.',
        [[range(height).map(y => y * width), green]],
      ),
    )
  const colors = colorNames.map((name, c) =>
    flat(
      size,
      c,
      `All LEDs ${name}. Another colour: the colour order is wrong; without --wiring the card tells the right one.`,
    ),
  )
  return card('check the wiring', size, [...steps, ...colors, runningLight(size)])
}

/** A board has 65,535 LEDs at most (SPEC §10.2). */
const isBoard = ({ width, height }: Size): boolean =>
  [width, height].every(side => Number.isInteger(side) && side >= 1) && width * height <= 65_535

const noBoard = ({ width, height }: Size): Result<never, PatternFault> =>
  fail({
    kind: 'bad_request',
    message: `a board has 1 to 65535 LEDs; ${width}×${height} are ${width * height} LEDs`,
  })

function secondLine({ width, height }: Size): string {
  const which =
    width === height
      ? 'One LED is green: the first of the second line.'
      : 'If the line was horizontal, look at the green LED, else at the blue one: it is the first of the second line.'
  return `${which} Is it near the white one (near: all lines run the same way) or at the far end of its line (far: serpentine)?`
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at)

function look(
  { width, height }: Size,
  caption: string,
  lit: readonly (readonly [readonly number[], Rgb])[],
): CardStep {
  const pixels = new Uint8Array(width * height * 3)
  for (const [leds, rgb] of lit) for (const led of leds) if (led < width * height) pixels.set(rgb, led * 3)
  return { caption, frames: [{ delayMs: lookMs, pixels }] }
}

function flat({ width, height }: Size, color: number, caption: string): CardStep {
  const pixels = new Uint8Array(width * height * 3)
  for (let at = color; at < pixels.length; at += 3) pixels[at] = all
  return { caption, frames: [{ delayMs: colorMs, pixels }] }
}

function card(name: string, size: Size, steps: readonly CardStep[]): Result<TestCard, PatternFault> {
  const frames = steps.flatMap(step => step.frames)
  const pattern = createPattern({ name, ...size, loopCount: 0, frames })
  return pattern.ok ? ok({ pattern: pattern.value, steps }) : pattern
}
