import type { SessionResult } from './run-session.ts'

/** A bug that the simulation has found and that is not mended yet: told apart, so that a campaign finds the next one. */
export interface KnownBug {
  readonly name: string
  readonly matches: (result: SessionResult) => boolean
}

const stuck = (result: SessionResult): boolean =>
  result.violations.length === 1 && result.violations[0]?.startsWith('no progress on a fair line') === true

/** Remove a line together with its cure. */
export const knownBugs: readonly KnownBug[] = [
  {
    name: 'a board at a raised rate is lost when the line or either side begins anew at the first rate',
    matches: result => stuck(result) && result.ratesDiffer && result.outcome !== 'failed',
  },
  {
    name: 'a virtual board with slow flash answers SETBAUD at the new rate, and the host asks for ever',
    matches: result =>
      stuck(result) &&
      result.outcome === 'none' &&
      ['slow-flash', 'baud-switch'].every(kind => result.kinds.some(other => other === kind)),
  },
  {
    name: 'a manifest that rots while it is received ends the upload in place of a fresh start',
    matches: result =>
      stuck(result) &&
      result.struck.includes('slot-corruption') &&
      result.violations[0]?.includes('takes no more data') === true,
  },
  {
    name: 'while a trial runs on a board whose other slot is active, a new upload fails for want of a slot',
    matches: result =>
      stuck(result) && result.violations[0]?.includes('All slots of the board are in use') === true,
  },
]

export const knownBug = (result: SessionResult): KnownBug | undefined =>
  knownBugs.find(bug => bug.matches(result))
