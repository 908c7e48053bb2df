/** A backup, as its sidecar describes it. */
export interface BackupInfo {
  /** `pixelgate-20260101T031700Z.db` */
  readonly name: string
  readonly path: string
  readonly kind: 'nightly' | 'manual'
  readonly sizeBytes: number
  /** Hexadecimal SHA-256 of the file. */
  readonly sha256: string
  readonly schemaVersion: number
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>
  readonly createdMs: number
  readonly durationMs: number
}

export const backupPattern = /^pixelgate-\d{8}T\d{6}Z(-\d+)?\.db$/

/** The name of a backup made at that time; `count` tells those of one second apart. */
export function backupName(nowMs: number, count = 1): string {
  const utc = `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
  return `pixelgate-${utc}${count === 1 ? '' : `-${count}`}.db`
}

export const sidecarOf = (path: string): string => `${path}.json`

/** Text of the sidecar: JSON for people and programs. */
export function formatSidecar({ name, path: _path, createdMs, ...rest }: BackupInfo): string {
  return `${JSON.stringify({ file: name, createdAt: new Date(createdMs).toISOString(), ...rest }, undefined, 2)}\n`
}

/** What the sidecar says of the backup at `path`; undefined when it is none. */
export function parseSidecar(text: string, name: string, path: string): BackupInfo | undefined {
  let value: Partial<Record<keyof BackupInfo | 'createdAt', unknown>> | null
  try {
    value = JSON.parse(text) as typeof value
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { kind, sizeBytes, sha256, schemaVersion, rows, createdAt, durationMs } = value
  const createdMs = Date.parse(String(createdAt))
  const numbers = [sizeBytes, schemaVersion, durationMs, createdMs]
  if ((kind !== 'nightly' && kind !== 'manual') || !numbers.every(Number.isFinite)) return undefined
  if (typeof sha256 !== 'string' || typeof rows !== 'object' || rows === null) return undefined
  return {
    name,
    path,
    kind,
    sizeBytes: Number(sizeBytes),
    sha256,
    schemaVersion: Number(schemaVersion),
    rows: rows as Record<string, number>,
    createdMs,
    durationMs: Number(durationMs),
  }
}
