/** What the gateway shows. */
export type LedStatus = 'idle' | 'upload' | 'fault'

export interface LedStep {
  readonly lit: boolean
  /** Infinity: it stays so. */
  readonly ms: number
}

/** Repeated for as long as the status holds. Told apart by rhythm, not by colour: everybody can read one LED. */
export const ledPatterns: Readonly<Record<LedStatus, readonly LedStep[]>> = {
  idle: [{ lit: true, ms: Number.POSITIVE_INFINITY }],
  upload: [
    { lit: true, ms: 250 },
    { lit: false, ms: 250 },
  ],
  fault: [
    { lit: true, ms: 150 },
    { lit: false, ms: 150 },
    { lit: true, ms: 150 },
    { lit: false, ms: 1050 },
  ],
}

/** A fault is shown before an upload, an upload before rest. */
export function ledStatus(now: { readonly fault: boolean; readonly uploading: boolean }): LedStatus {
  if (now.fault) return 'fault'
  return now.uploading ? 'upload' : 'idle'
}
