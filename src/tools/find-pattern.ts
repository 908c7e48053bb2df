import { AppError } from '../kernel/errors.ts'
import { patternId } from '../kernel/ids.ts'
import type { GatewayCore } from '../upload/gateway-core.ts'
import type { PatternRecord } from '../upload/uploads.ts'
import { listText } from './quantities.ts'

/** Patterns that are looked through, newest first, and how many at a time. */
const maxPatterns = 10_000
const pageSize = 500

/**
 * The pattern with this id, else the newest of this name: as it is written, then without regard to case, then
 * without the ending of the file's name. Rejects with `not_found`.
 */
export async function findPattern({ uploads }: GatewayCore, text: string): Promise<PatternRecord> {
  const asked = text.toLowerCase()
  const newest: string[] = []
  let alike: PatternRecord | undefined
  let stem: PatternRecord | undefined
  let before: PatternRecord | undefined
  for (let seen = 0; seen < maxPatterns; seen += pageSize) {
    const page = { limit: pageSize, ...(before !== undefined && { before: patternId(before.id) }) }
    const { patterns } = await uploads.patterns(page)
    const found = patterns.find(({ id, name }) => id === asked || name === text)
    if (found !== undefined) return found
    alike ??= patterns.find(({ name }) => name.toLowerCase() === asked)
    stem ??= patterns.find(({ name }) => name.toLowerCase().replace(/\.[^.]+$/, '') === asked)
    if (newest.length === 0) newest.push(...patterns.map(({ name }) => name))
    before = patterns.at(-1)
    if (patterns.length < pageSize) break
  }
  const found = alike ?? stem
  if (found !== undefined) return found
  const known = [...new Set(newest)]
  const hint = known.length === 0 ? 'No pattern is stored yet.' : `The newest are: ${listText(known, 5)}.`
  throw new AppError('not_found', `There is no pattern called "${text}". ${hint}`)
}
