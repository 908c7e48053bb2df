export interface WebContext {
  /** The gateway's main file. */
  readonly main: string
  readonly quick: boolean
  readonly seed: number
}
