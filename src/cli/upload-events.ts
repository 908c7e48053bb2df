import type { DoneReport } from '../upload/report.ts'
import type { Surroundings } from './command.ts'
import { formatBytes, lineWords, ProgressBar } from './progress-bar.ts'

const progressEveryMs = 200

export interface BoardProgress {
  readonly board: string
  readonly phase: string
  readonly doneBytes: number
  readonly totalBytes: number
  readonly lineShare: number | null
}

export interface BoardPower {
  readonly boardId: string
  readonly peakMa: number
  /** null: the board has none. */
  readonly capMa: number | null
}

export interface BoardFailure {
  readonly board: string
  readonly code: string
  readonly message: string
}

/** Tells what an upload does: JSON lines for scripts, a bar and a sentence for people. */
export class UploadEvents {
  readonly #out: Surroundings['stdout']
  readonly #json: boolean
  readonly #bar: ProgressBar
  readonly #toldAtMs = new Map<string, number>()

  constructor({ stdout, stderr }: Surroundings, json: boolean) {
    this.#out = stdout
    this.#json = json
    this.#bar = new ProgressBar(stderr)
  }

  progress(progress: BoardProgress, boardName = progress.board): void {
    if (!this.#json) return this.#bar.update({ ...progress, label: boardName })
    const now = Date.now()
    if (now - (this.#toldAtMs.get(progress.board) ?? 0) < progressEveryMs) return
    this.#toldAtMs.set(progress.board, now)
    this.#line({ event: 'progress', ...progress })
  }

  state(board: string, state: string, message: string | null): void {
    if (this.#json) this.#line({ event: 'state', board, state, ...(message === null ? {} : { message }) })
    else if (state === 'waiting')
      this.#out.write(`${board}: waiting for the board${message === null ? '' : ` (${message})`}\n`)
  }

  /** Before the first byte is sent. */
  power({ boardId: board, peakMa, capMa }: BoardPower, boardName = board): void {
    if (this.#json) return this.#line({ event: 'power', board, peakMa, capMa })
    const cap = capMa === null ? 'it has no power cap' : `its cap is ${capMa} mA`
    this.#out.write(`${boardName}: draws about ${peakMa} mA at most; ${cap}\n`)
  }

  done(report: DoneReport, boardName: string): void {
    if (this.#json) return this.#line(report)
    this.#bar.finish()
    const share = lineWords(report.lineShare, ', ')
    const seconds = (report.durationMs / 1000).toFixed(2)
    this.#out.write(
      `${boardName}: verified and active. ${formatBytes(report.imageBytes)} of pixels as ${formatBytes(report.payloadBytes)} in ${seconds} s${share}${report.resumed ? ', resumed' : ''}\n`,
    )
    this.#out.write(`  ${report.digest.alg} ${report.digest.value}\n`)
  }

  failed(failure: BoardFailure, boardName: string): void {
    if (this.#json) return this.#line({ event: 'failed', ...failure })
    this.#bar.finish()
    this.#out.write(`${boardName}: failed: ${failure.message}\n`)
  }

  summary(done: number, failed: number): void {
    if (this.#json) this.#line({ event: 'summary', done, failed })
    else this.#out.write(`${done} of ${done + failed} boards done\n`)
  }

  #line(value: object): void {
    this.#out.write(`${JSON.stringify(value)}\n`)
  }
}
