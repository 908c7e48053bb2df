import type { Context } from 'koa'
import type { Principal } from '../../account/principal.ts'

export type Door = 'cli' | 'import' | 'panel' | 'api'

/** By which door a file comes in, and who brings it. */
export function doorOf(
  ctx: Pick<Context, 'get'>,
  principal: Principal,
  isImport: boolean,
): { readonly door: Door; readonly who: string | null } {
  if (principal.kind === 'local') return { door: isImport ? 'import' : 'cli', who: null }
  // The panel is known by its cookie; a program shows its token.
  return { door: ctx.get('authorization') === '' ? 'panel' : 'api', who: principal.name }
}

/** Name of who asks, for records; null on the control socket, where nobody has one. */
export const nameOf = ({ kind, name }: Principal): string | null => (kind === 'local' ? null : name)
