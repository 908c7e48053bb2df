import type { Surroundings } from './command.ts'

export interface ProgressLine {
  readonly label: string
  readonly phase: string
  readonly doneBytes: number
  readonly totalBytes: number
  readonly lineShare: number | null
}

const barCells = 24
const redrawMs = 80

/** One line a board, redrawn in place on a terminal; nothing where output is no terminal. */
export class ProgressBar {
  readonly #out: Surroundings['stderr']
  readonly #lines = new Map<string, ProgressLine>()
  readonly #startedMs = Date.now()
  #drawn = 0
  #drawnAtMs = 0

  constructor(out: Surroundings['stderr']) {
    this.#out = out
  }

  update(line: ProgressLine): void {
    this.#lines.set(line.label, line)
    if (Date.now() - this.#drawnAtMs >= redrawMs) this.#draw()
  }

  /** Leaves the last state on the screen. */
  finish(): void {
    this.#draw()
  }

  #draw(): void {
    if (this.#out.isTTY !== true) return
    this.#drawnAtMs = Date.now()
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ''
    const text = [...this.#lines.values()].map(line => `\x1b[2K${this.#render(line)}\n`).join('')
    this.#drawn = this.#lines.size
    this.#out.write(up + text)
  }

  #render({ label, phase, doneBytes, totalBytes, lineShare }: ProgressLine): string {
    const share = totalBytes === 0 ? 0 : doneBytes / totalBytes
    const full = Math.round(share * barCells)
    const bar = '█'.repeat(full) + '░'.repeat(barCells - full)
    const seconds = Math.max(0.001, (Date.now() - this.#startedMs) / 1000)
    const rate = formatBytes(doneBytes / seconds)
    const line = lineWords(lineShare, '  ')
    return `${label.slice(0, 20).padEnd(20)} ${bar} ${(share * 100).toFixed(0).padStart(3)} %  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}  ${rate}/s${line}  ${phase}`
  }
}

/** `98.6 % of the line`; nothing where no line paces the bytes: a network, or a pseudo-terminal, which is faster than its rate. */
export function lineWords(lineShare: number | null, before: string): string {
  return lineShare === null || lineShare > 1 ? '' : `${before}${(lineShare * 100).toFixed(1)} % of the line`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`
  return `${(bytes / 1024 / 1024).toFixed(2)} MB`
}
