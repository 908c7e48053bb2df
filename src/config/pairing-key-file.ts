import { existsSync } from 'node:fs'
import { join } from 'node:path'

interface Variables {
  readonly [name: string]: string | undefined
  readonly CREDENTIALS_DIRECTORY?: string | undefined
}

const name = 'pairing.key'

/** What encrypts the pairing keys: a credential of the service (systemd.exec(5), LoadCredential) before a file of our own. */
export function pairingKeyFile(
  stateDir: string,
  env: Variables = process.env,
): { readonly path: string; readonly given: boolean } {
  const folder = env.CREDENTIALS_DIRECTORY
  const credential = folder ? join(folder, name) : undefined
  if (credential !== undefined && existsSync(credential)) return { path: credential, given: true }
  return { path: join(stateDir, name), given: false }
}
