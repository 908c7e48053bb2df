import { fail, type Result } from '../../kernel/result.ts'
import type { ImportHint, OpenOptions } from '../candidate.ts'
import type { PatternFault } from '../fault.ts'
import { overLimit, type PatternLimits } from '../limits.ts'
import { createPattern, type Frame, type Pattern, patternName } from '../pattern.ts'
import { scalePixels } from '../scale.ts'

interface Size {
  readonly width: number
  readonly height: number
}

/** Frames of a picture as `open` asks for them: only those wanted, each scaled after composing. */
export class PictureFrames {
  readonly #from: Size
  readonly #to: Size
  readonly #first: number
  /** Index after the last frame that is wanted. */
  readonly beyond: number
  readonly #limits: PatternLimits
  readonly #frames: Frame[] = []
  #seen = 0

  constructor(from: Size, total: number, options: OpenOptions | undefined, limits: PatternLimits) {
    this.#from = from
    this.#to = options?.scaleTo ?? from
    this.#first = options?.frames?.first ?? 0
    this.beyond = Math.min(total, this.#first + (options?.frames?.count ?? total))
    this.#limits = limits
  }

  /** Why these frames are not to be had; checked before memory is taken. */
  get problem(): PatternFault | undefined {
    const count = this.beyond - this.#first
    if (count < 1)
      return { kind: 'bad_request', message: `there is no frame ${this.#first}; frames count from 0` }
    const over = overLimit({ ...this.#to, frames: count }, this.#limits)
    if (over === undefined) return undefined
    return {
      kind: 'too_large',
      message: `the picture is too large: ${over}; scale it to the size of the board`,
    }
  }

  /** Keeps a copy of the canvas if it is wanted; false when no more are. */
  add(canvas: Uint8Array, delayMs: number): boolean {
    const index = this.#seen++
    if (index >= this.#first && index < this.beyond)
      this.#frames.push({ delayMs, pixels: scalePixels(canvas, this.#from, this.#to) })
    return this.#seen < this.beyond
  }

  pattern(hint: ImportHint, loopCount: number): Result<Pattern, PatternFault> {
    const { problem } = this
    if (problem !== undefined) return fail(problem)
    const { width, height } = this.#to
    return createPattern(
      { name: patternName(hint.fileName), width, height, frames: this.#frames, loopCount },
      this.#limits,
    )
  }
}
