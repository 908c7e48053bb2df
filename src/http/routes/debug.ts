import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import { z } from 'zod'
import { json, type Operation, operation } from '../api/operation.ts'

const counts = z.record(z.string(), z.number())

/** For those who develop the gateway; they are in the table only where the configuration says `development`. */
export const debugOperations = (): readonly Operation[] => [
  operation({
    id: 'getHeap',
    method: 'get',
    path: '/debug/heap',
    tag: 'debug',
    summary: "Statistics of V8's heap",
    access: 'admin',
    answers: {
      200: json(
        z.object({ heap: counts, spaces: z.record(z.string(), counts) }),
        'Bytes and counts, as V8 names them',
      ),
    },
    run: () => ({
      heap: { ...getHeapStatistics() },
      spaces: Object.fromEntries(
        getHeapSpaceStatistics().map(({ space_name, ...numbers }) => [space_name, { ...numbers }]),
      ),
    }),
  }),

  operation({
    id: 'getHandles',
    method: 'get',
    path: '/debug/handles',
    tag: 'debug',
    summary: 'What keeps the event loop busy, by kind',
    access: 'admin',
    answers: { 200: json(z.object({ handles: counts, total: z.int() }), 'Timers, sockets, requests …') },
    run() {
      const handles: Record<string, number> = {}
      const all = process.getActiveResourcesInfo()
      for (const kind of all) handles[kind] = (handles[kind] ?? 0) + 1
      return { handles, total: all.length }
    },
  }),
]
