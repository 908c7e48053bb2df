import type { Context } from 'koa'
import { principalOf } from '../require-role.ts'

export type Door = 'cli' | 'import' | 'panel' | 'api'

/** By which door a file comes in, and who brings it. */
export function doorOf(
  ctx: Context,
  isImport: boolean,
): { readonly door: Door; readonly who: string | null } {
  const { kind, name } = principalOf(ctx)
  if (kind === 'local') return { door: isImport ? 'import' : 'cli', who: null }
  // The panel is known by its cookie; a program shows its token.
  return { door: ctx.get('authorization') === '' ? 'panel' : 'api', who: name }
}
