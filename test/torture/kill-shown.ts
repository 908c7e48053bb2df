import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { PassingFrame } from './kill-line.ts'
import type { KillPattern } from './kill-pattern.ts'

interface Shown {
  readonly t: number
  readonly pattern: string | null
  readonly frame: number | null
  readonly pixels: string
}

/**
 * Holds the record of what a board has shown against what it was told: the pattern that was confirmed, or one that is in
 * trial; every frame whole and in its order; never black once there was a pattern.
 */
export class ShownWatch {
  readonly violations: string[] = []
  readonly #file: string
  readonly #frames: ReadonlyMap<string, readonly { readonly file: number; readonly frame: number }[]>
  /** Which file an id of the board stands for, as far as its frames have shown. */
  readonly #fileOf = new Map<string, number>()
  #readBytes = 0
  #rest = ''
  #active: string | undefined
  #former: string | undefined
  #trial: string | undefined
  /** Its CONFIRM went to the board, and no answer came back: it is active, or still on trial. */
  #perhaps: string | undefined
  #last: Shown | undefined
  #longestPauseMs = 0
  #count = 0

  constructor(file: string, patterns: readonly KillPattern[]) {
    this.#file = file
    const frames = new Map<string, { file: number; frame: number }[]>()
    for (const { number, frames: pixels } of patterns) {
      for (const [frame, each] of pixels.entries()) {
        const known = frames.get(each)
        if (known === undefined) frames.set(each, [{ file: number, frame }])
        else known.push({ file: number, frame })
      }
    }
    this.#frames = frames
  }

  /** Frames seen. */
  get count(): number {
    return this.#count
  }

  /** Between two frames of patterns. */
  get longestPauseMs(): number {
    return this.#longestPauseMs
  }

  /** Number of the file that the board showed last; undefined: none. */
  get showing(): number | undefined {
    return this.#last?.pattern == null ? undefined : this.#fileOf.get(this.#last.pattern)
  }

  /** Whether the board has confirmed what it showed last. */
  get isConfirmed(): boolean {
    return this.#last?.pattern === this.#active
  }

  /** Call it before the frame goes on. */
  pass({ direction, name, body }: PassingFrame): void {
    if (name !== 'ACTIVATE' && name !== 'CONFIRM') return
    const id = Buffer.from(body.subarray(1, 17)).toString('hex')
    // What the board has shown up to now, it has shown without this.
    this.read()
    if (name === 'ACTIVATE' && direction === 'out') {
      // Until the board has got it, it goes on with what it shows: the active pattern, or another one on trial.
      this.#former = this.#last?.pattern ?? undefined
      this.#trial = id
    } else if (name === 'CONFIRM' && direction === 'out') this.#perhaps = id
    else if (name === 'CONFIRM') {
      if (this.#active !== id) this.#former = this.#active
      this.#active = id
      this.#trial = undefined
      this.#perhaps = undefined
    }
  }

  /** The board was without power: what it shows first does not follow on what it showed before. */
  restart(): void {
    this.read()
    this.#rest = ''
    this.#last = undefined
  }

  read(): void {
    const lines = `${this.#rest}${this.#more()}`.split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#judge(JSON.parse(line) as Shown)
  }

  #more(): string {
    const file = openSync(this.#file, 'r')
    try {
      const buffer = Buffer.allocUnsafe(Math.max(0, fstatSync(file).size - this.#readBytes))
      const size = readSync(file, buffer, 0, buffer.length, this.#readBytes)
      this.#readBytes += size
      return buffer.toString('latin1', 0, size)
    } finally {
      closeSync(file)
    }
  }

  #judge(shown: Shown): void {
    const before = this.#last
    this.#last = shown
    this.#count++
    const { pattern, frame } = shown
    if (pattern === null || frame === null) {
      // A trial that ends has nothing to go back to until a pattern was confirmed (SPEC §7.5).
      if (before?.pattern != null && this.#active !== undefined)
        this.#violate(
          `the board went black after pattern ${before.pattern}, while ${this.#active} was active`,
        )
      return
    }
    if (before?.pattern != null) this.#longestPauseMs = Math.max(this.#longestPauseMs, shown.t - before.t)
    const late = pattern === this.#former && pattern === before?.pattern
    if (![this.#active, this.#trial, this.#perhaps].includes(pattern) && !late)
      this.#violate(
        `pattern ${pattern} was shown, while ${this.#active} was active and ${this.#trial} on trial`,
      )
    const known = this.#fileOf.get(pattern)
    const possible = (this.#frames.get(shown.pixels) ?? []).filter(each => each.frame === frame)
    const [found] = possible.filter(({ file }) => known === undefined || file === known)
    if (found === undefined) return this.#violate(`frame ${frame} of pattern ${pattern} was shown wrong`)
    // A frame may stand in two files at the same place only if it were the same file.
    if (possible.length === 1) this.#fileOf.set(pattern, found.file)
    const { frame: last } = before?.pattern === pattern ? before : { frame: null }
    if (last !== null && frame !== 0 && frame !== last + 1)
      this.#violate(`pattern ${pattern} jumped from frame ${last} to ${frame}`)
  }

  #violate(what: string): void {
    if (!this.violations.includes(what)) this.violations.push(what)
  }
}
