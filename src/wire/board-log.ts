import { z } from 'zod'
import { pageShape } from './page.ts'

export const boardLogKind = z.enum([
  'connected',
  'lost',
  'quarantined',
  'refused',
  'pairing',
  'job',
  'command',
  'settings',
  'reset',
])

/** One line of what happened to a board. */
export const boardLogEntryView = z
  .object({
    id: z.string(),
    at: z.iso.datetime(),
    kind: boardLogKind,
    message: z.string(),
    who: z.string().nullable().describe('Name of the person, MQTT user or button; null: nobody asked for it'),
    door: z.enum(['api', 'mqtt', 'gpio']).nullable().describe('Where they came in'),
    detail: z.record(z.string(), z.unknown()).nullable().describe('The same for programs, by kind'),
  })
  .readonly()
  .meta({ id: 'BoardLogEntry', description: 'One line of what happened to a board' })
export type BoardLogEntryView = z.output<typeof boardLogEntryView>

/** Answer of GET /boards/:id/log, newest first. */
export const boardLogView = z.object({ log: z.array(boardLogEntryView).readonly(), ...pageShape }).readonly()
