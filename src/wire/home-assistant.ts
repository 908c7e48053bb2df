import { z } from 'zod'

/**
 * Payload of `pixelgate/GW/BOARD/light/set`: what a light of Home Assistant's JSON schema is told. `ON` and `OFF` alone stand for
 * `{"state": …}`; what a board cannot do (`transition`, `color` …) is ignored.
 */
export const lightCommand = z.object({
  state: z.enum(['ON', 'OFF']).default('ON'),
  brightness: z.int().min(0).max(255).optional(),
  /** Name of a pattern. */
  effect: z.string().min(1).max(255).optional(),
  /** Seconds for which the board shows which one it is. */
  flash: z.number().min(0).max(60).optional(),
})
export type LightCommand = z.output<typeof lightCommand>

/** `pixelgate/GW/BOARD/light/state`, retained. */
export interface LightStatePayload {
  /** ON: it plays, and not with brightness 0. */
  readonly state: 'ON' | 'OFF'
  /** 0 to 255. */
  readonly brightness: number
  readonly color_mode: 'brightness'
  /** Name of the pattern; null: none, or one that this gateway has not made. */
  readonly effect: string | null
}

/** `pixelgate/GW/BOARD/update/state`, retained. Home Assistant refuses the whole for one key more. */
export interface UpdateStatePayload {
  /** The pattern on the board. */
  readonly installed_version: string
  /** The pattern that it is to have. */
  readonly latest_version: string
  readonly in_progress: boolean
  /** 0 to 100; null: nothing is under way. */
  readonly update_percentage: number | null
}

/** `pixelgate/GW/BOARD/last-upload`, retained: the upload under way, else the one before. */
export interface LastUploadPayload {
  /** As in `…/upload/JOB/status`; `none` since the start of the gateway. */
  readonly state: string
  readonly name: string | null
  /** 0 to 100. */
  readonly percent: number
  /** Share of the line that is payload, 0 to 100; null where it is not known. */
  readonly lineSharePercent: number | null
  /** At most 250 characters. */
  readonly error: string | null
}

/** `pixelgate/GW/stats`, retained. */
export interface GatewayStatsPayload {
  readonly boards: number
  readonly boardsOnline: number
  readonly uploadsRunning: number
  readonly mqttClients: number
  /** ok, degraded or failing; `unknown` until it was looked at. */
  readonly health: string
}

/** Answer at `…/light/set/result` and `…/update/set/result`; not retained. */
export interface EntityResultPayload {
  readonly ok: boolean
  readonly code?: string
  readonly message?: string
}
