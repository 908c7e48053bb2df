import type { Row } from './row.ts'

export interface Context {
  /** The gateway's main file. */
  readonly main: string
  readonly seed: number
  /** A subset, shorter. */
  readonly quick: boolean
}

/** One case of the benchmark: tells its figures as they come. */
export type Case = (context: Context) => AsyncGenerator<Row>
