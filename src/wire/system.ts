import { z } from 'zod'
import { tlsView } from './tls.ts'

const bytes = z.int().min(0)

/** Answer of GET /system: how the gateway and its machine are, in one small answer. */
export const systemView = z
  .object({
    version: z.string(),
    gatewayId: z.string(),
    startedAt: z.iso.datetime(),
    uptimeSeconds: z.int().min(0),
    node: z.string(),
    platform: z.string().describe('Operating system and processor, `linux arm64`'),
    hostname: z.string(),
    development: z.boolean().describe('Debug routes are there'),
    network: z
      .object({
        url: z
          .string()
          .nullable()
          .describe('Where the panel and this API are; null: only at the control socket'),
        tls: tlsView.nullable().describe('null: only at the control socket'),
        mqtt: z.array(z.string()).readonly().describe('MQTT listeners'),
        plainMqtt: z
          .array(z.string())
          .readonly()
          .describe('Those without TLS on the network: only boards and devices are let in there'),
      })
      .readonly(),
    boards: z.object({ known: z.int().min(0), connected: z.int().min(0) }).readonly(),
    jobs: z
      .object({
        running: z.int().min(0),
        waiting: z.int().min(0),
        paused: z.int().min(0),
        done: z.int().min(0).describe('Since the start, as are the next two'),
        failed: z.int().min(0),
        cancelled: z.int().min(0),
      })
      .readonly(),
    clients: z.object({ webSocket: z.int().min(0), mqtt: z.int().min(0) }).readonly(),
    storage: z
      .object({
        databaseBytes: bytes,
        walBytes: bytes,
        diskFreeBytes: bytes.nullable(),
        diskTotalBytes: bytes.nullable(),
        pendingCalls: z.int().min(0),
        readers: z
          .object({ open: z.int().min(0), limit: z.int().min(0), pendingCalls: z.int().min(0) })
          .readonly(),
      })
      .readonly(),
    process: z
      .object({
        rssBytes: bytes,
        memoryLimitBytes: bytes.nullable(),
        memoryAvailableBytes: bytes.nullable(),
        cpuCores: z.number().min(0).describe('Share of one core in the last second'),
        eventLoopP99Ms: z.number().min(0),
      })
      .readonly(),
    clock: z
      .object({
        now: z.iso.datetime(),
        synchronised: z.boolean().nullable().describe('By a time server; null: nobody here knows'),
        timeZone: z.string(),
      })
      .readonly(),
    health: z
      .object({ status: z.enum(['ok', 'degraded', 'failing']), score: z.int().min(0).max(100) })
      .readonly()
      .nullable()
      .describe('At the last look; null: there was none yet'),
    alerts: z
      .object({ INFO: z.int().min(0), WARNING: z.int().min(0), CRITICAL: z.int().min(0) })
      .readonly()
      .describe('Open ones'),
    queues: z
      .array(z.object({ name: z.string(), size: z.number().min(0), limit: z.number().min(0) }).readonly())
      .readonly(),
  })
  .readonly()
  .meta({ id: 'System', description: 'How the gateway and its machine are' })
export type SystemView = z.output<typeof systemView>

/** Answer of GET /cache. */
export const cacheView = z
  .object({
    entries: z.int().min(0),
    sizeBytes: bytes,
    limitBytes: bytes,
    hits: z.int().min(0),
    misses: z.int().min(0),
    hitRate: z.number().min(0).max(1).nullable().describe('Hits of all that was asked; null: nothing was'),
    invalidations: z.int().min(0).describe('Answers that an event took out'),
    evictions: z.int().min(0).describe('Answers that had to make room'),
  })
  .readonly()
  .meta({ id: 'Cache', description: 'Answers that are kept in memory' })
export type CacheView = z.output<typeof cacheView>
