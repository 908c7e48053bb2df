import type { Principal } from '../account/principal.ts'
import type { Actor } from '../board/actor.ts'

/** Who asks over the API, for the records of a board. */
export const actorOf = ({ name }: Principal): Actor => ({ name, door: 'api' })
