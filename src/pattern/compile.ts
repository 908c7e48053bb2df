import { fail, ok, type Result } from '../kernel/result.ts'
import { type ColorOrder, channelsOf, colorOrderCode, encodeColors, type WhiteMode } from './color-order.ts'
import type { PatternFault } from './fault.ts'
import type { Layout } from './layout/layout.ts'
import type { Frame, Pattern } from './pattern.ts'
import { defaultMaPerChannel, dim, fittingBrightness, type PowerModel, peakOf, powerFault } from './power.ts'
import { toStripOrder, type Wiring, wiringMap } from './wiring.ts'

/** What compiling needs to know of a board. */
export interface BoardTarget {
  readonly leds: number
  /** Width and height 0 (SPEC §3.2): the board is a strip. */
  readonly width: number
  readonly height: number
  readonly wiring: Wiring
  /** Where its LEDs sit, instead of width, height and wiring. */
  readonly layout?: Layout | undefined
  readonly colorOrder: ColorOrder
  /** Highest current of the board's supply, mA; absent or 0: no cap. */
  readonly powerCapMa?: number | undefined
  /** Current of one colour channel at full value, mA. */
  readonly maPerChannel?: number | undefined
}

export interface CompileOptions {
  /** Above the power cap: `refuse` (default) is a fault with the numbers; `scale` dims all frames alike until the brightest fits. */
  readonly power?: 'refuse' | 'scale' | undefined
  /** 0–255, applied to every value as a board would (SPEC §8.4) before the current is estimated; 255 = as drawn. */
  readonly brightness?: number | undefined
  /** Instead of the pattern's own; 0 = for ever. */
  readonly loopCount?: number | undefined
  /** How a board with white LEDs makes white; `accurate` when absent. */
  readonly white?: WhiteMode | undefined
}

/** A pattern as a board stores it: strip order, colours in wire order (SPEC §10.7). */
export interface CompiledPattern {
  readonly leds: number
  /** 0 = not a matrix. */
  readonly width: number
  readonly height: number
  /** 4 on a board whose colour order has white. */
  readonly channels: 3 | 4
  /** SPEC §10.2. */
  readonly colorOrder: number
  readonly loopCount: number
  /** At most 32 bytes of UTF-8. */
  readonly name: string
  /** Highest estimated current, 65,535 at most (SPEC §10.2). */
  readonly peakMa: number
  readonly frames: readonly Frame[]
}

/** Lays a pattern out for a board. Faults: `does_not_fit`, `power_exceeded`, `bad_request`. */
export function compile(
  pattern: Pattern,
  target: BoardTarget,
  options: CompileOptions = {},
): Result<CompiledPattern, PatternFault> {
  const { brightness = 255, power = 'refuse', loopCount = pattern.loopCount, white = 'accurate' } = options
  if (!Number.isInteger(brightness) || brightness < 0 || brightness > 255)
    return fail({
      kind: 'bad_request',
      message: `the brightness is a whole number from 0 to 255, not ${brightness}`,
    })
  const problem = misfit(pattern, target)
  if (problem !== undefined) return fail({ kind: 'does_not_fit', message: problem })
  const model: PowerModel = { leds: target.leds, maPerChannel: target.maPerChannel ?? defaultMaPerChannel }
  const frames = layOut(pattern, target, white)
  if (brightness < 255) dimFrames(frames, brightness)
  const capMa = target.powerCapMa ?? 0
  let peak = peakOf(frames, model)
  if (capMa > 0 && peak.peakMa > capMa) {
    const level = power === 'scale' ? fittingBrightness(peak.peakMa, capMa, model) : null
    if (level === null) return fail(powerFault(peak, capMa, model))
    dimFrames(frames, level)
    peak = peakOf(frames, model)
  }
  return ok({
    leds: target.leds,
    ...statedSize(target),
    channels: channelsOf(target.colorOrder),
    colorOrder: colorOrderCode(target.colorOrder),
    loopCount,
    name: shortName(pattern.name),
    peakMa: Math.min(0xffff, peak.peakMa),
    frames,
  })
}

const isMatrix = (size: Size): boolean => size.width > 0 && size.height > 1

/** What the image says of the board's shape: 0 unless every cell of the canvas has an LED. */
function statedSize({ leds, width, height, layout }: BoardTarget) {
  const whole = layout === undefined ? { width, height } : layout
  const matrix = isMatrix(whole) && (layout === undefined || whole.width * whole.height === leds)
  return matrix ? { width: whole.width, height: whole.height } : { width: 0, height: 0 }
}

/** A row may be a canvas too where a layout says so; otherwise it is a strip. */
export const isDrawn = (pattern: Pattern, { layout }: Pick<BoardTarget, 'layout'>): boolean =>
  isMatrix(pattern) || (layout?.height === 1 && layout.width === pattern.width)

/** Why the pattern does not go onto the board, with what to do; undefined when it does. */
function misfit(pattern: Pattern, target: BoardTarget): string | undefined {
  const { layout } = target
  const shape = `${pattern.width}×${pattern.height}`
  if (layout !== undefined && layout.leds > target.leds)
    return `the board's layout places ${layout.leds} LEDs, but the board has only ${target.leds}; correct its layout`
  if (!isDrawn(pattern, target)) {
    if (pattern.leds <= target.leds) return undefined
    return `the pattern has ${pattern.leds} LEDs, the board ${target.leds}; use a pattern made for at most ${target.leds} LEDs, or another reading of the file (--candidate)`
  }
  if (layout !== undefined) return otherSize(pattern, layout)
  if (!isMatrix(target))
    return `the pattern is a matrix of ${shape}, but of the board only its ${target.leds} LEDs in a row are known; set the board's width, height and wiring`
  if (target.width * target.height > target.leds)
    return `the board is set to ${target.width}×${target.height}, but has only ${target.leds} LEDs; correct its width and height`
  return otherSize(pattern, target)
}

interface Size {
  readonly width: number
  readonly height: number
}

function otherSize(pattern: Size, board: Size): string | undefined {
  if (pattern.width === board.width && pattern.height === board.height) return undefined
  const turned = pattern.width === board.height && pattern.height === board.width
  return `the pattern is ${pattern.width}×${pattern.height}, the board ${board.width}×${board.height}; ${turned ? 'one of them is turned by a quarter: correct the size of the board or turn the drawing' : 'draw it at the size of the board, or correct the size of the board'}`
}

/** New buffers; LEDs beyond the pattern's are black. */
function layOut(pattern: Pattern, target: BoardTarget, white: WhiteMode): readonly Frame[] {
  const map = isDrawn(pattern, target)
    ? (target.layout?.map ?? wiringMap(target.width, target.height, target.wiring))
    : undefined
  const strip = new Uint8Array(target.leds * 3)
  return pattern.frames.map(({ delayMs, pixels }) => {
    if (map === undefined) strip.set(pixels)
    else toStripOrder(pixels, map, strip)
    return { delayMs, pixels: encodeColors(strip, target.colorOrder, white) }
  })
}

function dimFrames(frames: readonly Frame[], level: number): void {
  for (const { pixels } of frames)
    for (let at = 0; at < pixels.length; at++) pixels[at] = dim(pixels[at] as number, level)
}

/** At most 32 bytes, cut between characters. */
function shortName(name: string): string {
  let short = ''
  for (const character of name) {
    if (Buffer.byteLength(short + character) > 32) break
    short += character
  }
  return short
}
