import type { Principal } from '../account/principal.ts'
import { AppError } from '../kernel/errors.ts'
import type { Viewer } from '../store/tables/rooms.ts'

/**
 * The console sees every room: whoever has it can read the database as well. An admin sees only rooms to be in.
 */
export const viewerOf = ({ kind, id }: Principal): Viewer => (kind === 'local' ? null : id)

/**
 * The same words for a room that is not there and for one that is not yours, so that nobody can ask which it
 * is.
 */
export const noRoom = (): AppError => new AppError('not_found', 'There is no room with this id.')
