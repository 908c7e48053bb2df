import type { LastUploadPayload, LightStatePayload, UpdateStatePayload } from '../../wire/home-assistant.ts'

/** What of `…/state` is shown; a board that speaks for itself may say less. */
export interface ShownState {
  readonly mode: string
  /** 0 to 255. */
  readonly brightness: number
  readonly patternId: string | null
  readonly patternName: string | null
}

/** What of `…/upload/JOB/status` is shown. */
export interface ShownUpload {
  readonly jobId: string
  readonly state: string
  readonly name: string
  readonly patternId: string | null
  readonly percent: number
  /** 0 to 1; null where it is not known. */
  readonly lineShare: number | null
  readonly error: string | null
}

/** A state of an entity has at most 255 characters. */
const maxErrorLength = 250
const active: readonly string[] = ['transferring', 'verifying', 'trial']
const wanted: readonly string[] = [...active, 'queued', 'waiting', 'paused', 'failed']

export const isActive = (upload: ShownUpload | undefined): boolean =>
  upload !== undefined && active.includes(upload.state)

/** One that waits in the queue does not hide the one that runs. */
export const uploadShown = (before: ShownUpload | undefined, heard: ShownUpload): ShownUpload =>
  before !== undefined && isActive(before) && before.jobId !== heard.jobId && !isActive(heard)
    ? before
    : heard

export function lightState({ mode, brightness, patternName }: ShownState): LightStatePayload {
  const lit = mode !== 'stopped' && brightness > 0
  return { state: lit ? 'ON' : 'OFF', brightness, color_mode: 'brightness', effect: patternName }
}

/**
 * The pattern on the board is what is installed; the one of an upload that waits, runs or has failed is the latest. Versions are
 * compared as text, so two files of one name differ by the end of their ids.
 */
export function updateState(
  state: ShownState | undefined,
  upload: ShownUpload | undefined,
): UpdateStatePayload {
  const installed = versionOf(state?.patternName ?? null, state?.patternId ?? null)
  const running = isActive(upload)
  const latest =
    upload !== undefined && wanted.includes(upload.state)
      ? versionOf(upload.name, upload.patternId)
      : installed
  return {
    installed_version: installed,
    latest_version: latest,
    in_progress: running,
    update_percentage: running ? (upload?.percent ?? null) : null,
  }
}

export function lastUpload(upload: ShownUpload | undefined): LastUploadPayload {
  if (upload === undefined)
    return { state: 'none', name: null, percent: 0, lineSharePercent: null, error: null }
  const { state, name, percent, lineShare, error } = upload
  return {
    ...{ state, name, percent },
    lineSharePercent: lineShare === null ? null : Math.round(lineShare * 1000) / 10,
    error: error === null ? null : shortened(error),
  }
}

const versionOf = (name: string | null, id: string | null): string => {
  if (name === null) return 'none'
  return id === null ? name : `${name} (${id.slice(-6)})`
}

const shortened = (text: string): string => {
  const points = [...text]
  return points.length > maxErrorLength ? `${points.slice(0, maxErrorLength - 1).join('')}…` : text
}
