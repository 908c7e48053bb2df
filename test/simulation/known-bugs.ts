import type { SessionResult } from './run-session.ts'

/** A bug that the simulation has found and that is not mended yet: told apart, so that a campaign finds the next one. */
export interface KnownBug {
  readonly name: string
  readonly matches: (result: SessionResult) => boolean
}

/** Empty is how it should be; a line goes together with its cure. */
const knownBugs: readonly KnownBug[] = []

export const knownBug = (result: SessionResult): KnownBug | undefined =>
  knownBugs.find(bug => bug.matches(result))
