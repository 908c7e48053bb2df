import { z } from 'zod'
import type { BoardFacts } from './board-device.ts'
import type { ShownState, ShownUpload } from './board-states.ts'

/** A board with a credential of its own says these itself, so nothing is taken for granted. */
const text = z.string().max(255)
const count = z.number().min(0).catch(0)
const info = z.object({
  name: text,
  leds: count,
  width: count,
  height: count,
  firmware: text.catch(''),
})
const state = z.object({
  mode: text,
  brightness: z.number().min(0).max(255).catch(255),
  patternId: text.nullable().catch(null),
  patternName: text.nullable().catch(null),
})
const upload = z.object({
  state: text,
  name: z.string(),
  patternId: text.nullable(),
  percent: z.number(),
  lineShare: z.number().nullable(),
  error: z.object({ message: z.string() }).nullable(),
})

export type ShownInfo = Omit<BoardFacts, 'id' | 'effects'>

/** undefined: it is not what stands in the documentation. */
export const readInfo = (payload: Buffer): ShownInfo | undefined => info.safeParse(jsonOf(payload)).data

export const readState = (payload: Buffer): ShownState | undefined => state.safeParse(jsonOf(payload)).data

export function readUpload(jobId: string, payload: Buffer): ShownUpload | undefined {
  const { data } = upload.safeParse(jsonOf(payload))
  return data === undefined ? undefined : { ...data, jobId, error: data.error?.message ?? null }
}

export function jsonOf(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString()) as unknown
  } catch {
    return undefined
  }
}
