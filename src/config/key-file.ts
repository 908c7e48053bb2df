import { existsSync } from 'node:fs'
import { join } from 'node:path'

interface Variables {
  readonly [name: string]: string | undefined
  readonly CREDENTIALS_DIRECTORY?: string | undefined
}

/** Where a key that encrypts stored secrets is. */
export interface KeyFile {
  readonly path: string
  /** Somebody else provides it: it is never made. */
  readonly given: boolean
}

/** A credential of the service (systemd.exec(5), LoadCredential) before a file of our own. */
export function keyFile(name: string, stateDir: string, env: Variables = process.env): KeyFile {
  const folder = env.CREDENTIALS_DIRECTORY
  const credential = folder ? join(folder, name) : undefined
  if (credential !== undefined && existsSync(credential)) return { path: credential, given: true }
  return { path: join(stateDir, name), given: false }
}
