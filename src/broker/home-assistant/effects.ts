import { boardId } from '../../kernel/ids.ts'
import type { Store } from '../../store/store.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'

/** A pattern that can be chosen by its name. */
export interface Effect {
  readonly name: string
  /** null: it is on the board alone. */
  readonly patternId: string | null
  /** null: it has to be sent again. */
  readonly slot: number | null
}

/** A list that a person can still choose from. */
const maxEffects = 64
const maxJobs = 200

/**
 * What the board holds now and what it has taken before, by name: both are known to fit. Of several with one name the newest counts,
 * and one that the board holds before one that it does not.
 */
export async function effectsOf(
  core: Pick<GatewayCore, 'control' | 'uploads' | 'registry'>,
  { jobs }: Pick<Store, 'jobs'>,
  id: string,
): Promise<readonly Effect[]> {
  const here = core.registry.session(boardId(id)) !== undefined
  // It may leave while it is asked, and is asked again when it comes back.
  const held = here ? await core.control.held(boardId(id)).catch(() => []) : []
  const made = held.length === 0 ? [] : await jobs.ofImages(held.map(({ imageId }) => imageId))
  const { jobs: done } = await core.uploads.jobs({ boardId: boardId(id), states: ['done'], limit: maxJobs })
  const onBoard = held.map(({ slot, imageId, name }): Effect => {
    const known = made.find(({ transferId }) => transferId === imageId)
    return { name: known?.name ?? name, patternId: known?.patternId ?? null, slot }
  })
  // Newest first, as the jobs are; one that is not among them is older than all.
  const ageOf = ({ patternId }: Effect) => {
    const at = done.findIndex(job => job.patternId === patternId)
    return at < 0 || patternId === null ? maxJobs : at
  }
  const before = done.flatMap(({ name, patternId }): readonly Effect[] =>
    patternId === null || onBoard.some(each => each.patternId === patternId)
      ? []
      : [{ name, patternId, slot: null }],
  )
  return unique([...onBoard.sort((a, b) => ageOf(a) - ageOf(b)), ...before])
}

function unique(effects: readonly Effect[]): readonly Effect[] {
  const byName = new Map<string, Effect>()
  for (const effect of effects)
    if (effect.name !== '' && !byName.has(effect.name) && byName.size < maxEffects)
      byName.set(effect.name, effect)
  return [...byName.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'))
}
