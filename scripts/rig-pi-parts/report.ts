export type Verdict = 'ok' | 'not ok' | 'skipped'

export interface StepResult {
  readonly name: string
  readonly verdict: Verdict
  /** What was measured, what went wrong, or why it was left out. */
  readonly detail: string
  readonly durationMs: number
}

/** Thrown by a step that cannot be done here. */
export class StepSkipped extends Error {}

export interface ReportOptions {
  /** JSON lines instead of plain ones. */
  readonly json: boolean
  readonly write: (text: string) => void
}

/** Runs steps, each with a deadline, tells each verdict as it falls, and remembers them for the table. */
export class Report {
  readonly #options: ReportOptions
  readonly #results: StepResult[] = []

  constructor(options: ReportOptions) {
    this.#options = options
  }

  get results(): readonly StepResult[] {
    return this.#results
  }

  get failed(): boolean {
    return this.#results.some(({ verdict }) => verdict === 'not ok')
  }

  /**
   * `run` returns what it measured, throws when the promise is broken, and throws StepSkipped when it cannot be kept here.
   * A step of `needs` that was not ok makes it skipped. True: it was ok.
   */
  async step(
    name: string,
    deadlineMs: number,
    run: () => Promise<string>,
    needs: readonly string[] = [],
  ): Promise<boolean> {
    const startMs = performance.now()
    const missing = needs.find(need => this.#results.find(result => result.name === need)?.verdict !== 'ok')
    const [verdict, detail] =
      missing === undefined
        ? await judged(run, deadlineMs)
        : (['skipped', `"${missing}" was not ok`] as const)
    this.#tell({ name, verdict, detail, durationMs: Math.round(performance.now() - startMs) })
    return verdict === 'ok'
  }

  /** The table of all steps, and one line of counts. */
  finish(): void {
    const count = (wanted: Verdict) => this.#results.filter(({ verdict }) => verdict === wanted).length
    const [ok, notOk, skipped] = [count('ok'), count('not ok'), count('skipped')]
    if (this.#options.json) {
      this.#options.write(`${JSON.stringify({ event: 'summary', ok, notOk, skipped })}\n`)
      return
    }
    const width = Math.max(0, ...this.#results.map(({ name }) => name.length))
    const row = ({ name, verdict, durationMs, detail }: StepResult) =>
      `${verdict.padEnd(7)}  ${name.padEnd(width)}  ${(durationMs / 1000).toFixed(1).padStart(6)} s  ${firstLine(detail)}\n`
    this.#options.write(
      `\n${this.#results.map(row).join('')}\n${ok} ok, ${notOk} not ok, ${skipped} skipped\n`,
    )
  }

  #tell(result: StepResult): void {
    this.#results.push(result)
    const { name, verdict, detail, durationMs } = result
    if (this.#options.json) return this.#options.write(`${JSON.stringify({ event: 'step', ...result })}\n`)
    const words = detail === '' ? '' : verdict === 'skipped' ? ` (${detail})` : `: ${detail}`
    this.#options.write(`${verdict} - ${name}${words} [${(durationMs / 1000).toFixed(1)} s]\n`)
  }
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''

async function judged(run: () => Promise<string>, deadlineMs: number): Promise<readonly [Verdict, string]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${deadlineMs / 1000} s`)), deadlineMs)
  })
  try {
    return ['ok', await Promise.race([run(), late])]
  } catch (thrown) {
    if (thrown instanceof StepSkipped) return ['skipped', thrown.message]
    return ['not ok', thrown instanceof Error ? thrown.message : String(thrown)]
  } finally {
    clearTimeout(timer)
  }
}
