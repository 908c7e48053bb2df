import { z } from 'zod'
import { type CacheView, cacheView } from '../../wire/system.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import type { ResponseCache } from '../api/response-cache.ts'

export interface CacheDeps {
  readonly cache: Pick<ResponseCache, 'stats' | 'clear'>
  /** Makes the answers that most people ask for; resolves with their number. */
  warm(): Promise<number>
}

/** Answers that are kept in memory. */
export const cacheOperations = ({ cache, warm }: CacheDeps): readonly Operation[] => {
  const view = (): CacheView => {
    const stats = cache.stats()
    const asked = stats.hits + stats.misses
    return { ...stats, hitRate: asked === 0 ? null : Math.round((stats.hits / asked) * 10_000) / 10_000 }
  }
  return [
    operation({
      id: 'getCache',
      method: 'get',
      path: '/cache',
      tag: 'cache',
      summary: 'How full the cache of answers is and how often it helps',
      access: 'admin',
      answers: { 200: json(cacheView, 'Counts since the start') },
      run: view,
    }),

    operation({
      id: 'warmCache',
      method: 'post',
      path: '/cache/warm',
      tag: 'cache',
      summary: 'Make the lists that everybody asks for',
      access: 'admin',
      answers: {
        200: json(
          z.object({ warmed: z.int().min(0).describe('Answers that were made'), cache: cacheView }),
          'They are in memory',
        ),
      },
      audited: false,
      run: async () => ({ warmed: await warm(), cache: view() }),
    }),

    operation({
      id: 'clearCache',
      method: 'delete',
      path: '/cache',
      tag: 'cache',
      summary: 'Forget all answers',
      access: 'admin',
      answers: { 204: empty('The cache is empty') },
      run(call) {
        const { entries, sizeBytes } = cache.stats()
        cache.clear()
        call.changed({
          resource: 'cache',
          before: { entries, sizeBytes },
          after: { entries: 0, sizeBytes: 0 },
        })
      },
    }),
  ]
}
