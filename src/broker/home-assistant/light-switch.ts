import { AppError } from '../../kernel/errors.ts'
import { boardId, patternId } from '../../kernel/ids.ts'
import type { BoardCommand } from '../../upload/board-control.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { LightCommand } from '../../wire/home-assistant.ts'
import type { ShownState } from './board-states.ts'
import type { Effect } from './effects.ts'

const fullBrightness = 255

export interface LitBoard {
  readonly id: string
  readonly state: ShownState | undefined
  readonly effects: readonly Effect[]
  /** The last one that was not 0. */
  readonly brightnessBefore: number | undefined
}

/** What a command of a light means for a board that does this now; the effect is chosen apart, since it may be an upload. */
export function stepsOf(
  command: LightCommand,
  { state, brightnessBefore }: LitBoard,
): readonly BoardCommand[] {
  if (command.state === 'OFF') return [{ type: 'STOP' }]
  const dark = state?.brightness === 0
  const level = command.brightness ?? (dark ? (brightnessBefore ?? fullBrightness) : undefined)
  const steps: BoardCommand[] = []
  // First, so that a board that was dimmed for the night does not flare up.
  if (level !== undefined) steps.push({ type: 'BRIGHTNESS', level })
  if (command.effect === undefined && (state === undefined || state.mode === 'stopped'))
    steps.push({ type: 'PLAY' })
  if (command.flash !== undefined && command.flash > 0)
    steps.push({ type: 'IDENTIFY', ms: Math.round(command.flash * 1000) })
  return steps
}

/**
 * Plays a pattern by its name, and sends it first where the board does not hold it; `sent`: it will play when it is there. Rejects as
 * commands and uploads do.
 */
export async function choose(
  core: Pick<GatewayCore, 'control' | 'library' | 'uploads'>,
  { id, effects }: LitBoard,
  { effect: name, who }: { readonly effect: string; readonly who: string },
): Promise<'selected' | 'sent'> {
  const board = boardId(id)
  const effect = effects.find(each => each.name === name)
  const select = (by: { readonly patternId: string } | { readonly slot: number }) =>
    core.control.act(
      board,
      'slot' in by
        ? { type: 'SELECT', slot: by.slot }
        : { type: 'SELECT', patternId: patternId(by.patternId) },
      { name: who, door: 'mqtt' },
    )
  if (effect?.slot != null) {
    try {
      await (effect.patternId === null
        ? select({ slot: effect.slot })
        : select({ patternId: effect.patternId }))
      return 'selected'
    } catch (thrown) {
      // It has had to make room meanwhile.
      if (!(thrown instanceof AppError) || thrown.code !== 'not_found' || effect.patternId === null)
        throw thrown
    }
  }
  const pattern = await core.library.find(effect?.patternId ?? name)
  await core.uploads.submit(pattern, [board], { fileName: pattern.fileName, raw: pattern.raw }, who)
  return 'sent'
}
