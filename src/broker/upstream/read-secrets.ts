import { readFile } from 'node:fs/promises'
import type { RemoteSecrets } from './remote-session.ts'
import type { UpstreamSettings } from './upstream-settings.ts'

const maxPasswordBytes = 4096

/** Reads what the settings name, at each connect anew. Rejects with words that name the file, never what is in it. */
export async function readSecrets(settings: UpstreamSettings): Promise<RemoteSecrets> {
  const { user, passwordFile, caFile, certFile, keyFile } = settings
  const [password, ca, cert, key] = await Promise.all([
    read('passwordFile', passwordFile),
    read('caFile', caFile),
    read('certFile', certFile),
    read('keyFile', keyFile),
  ])
  if (password !== null && password.length > maxPasswordBytes)
    throw new Error(`passwordFile ${passwordFile} holds more than a password`)
  return { user, password: password?.toString('utf8').replace(/\r?\n$/, '') ?? null, ca, cert, key }
}

async function read(name: string, path: string | null): Promise<Buffer | null> {
  if (path === null) return null
  try {
    return await readFile(path)
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
    const why =
      { ENOENT: 'is not there', EACCES: 'may not be read by this user' }[code] ?? `cannot be read (${code})`
    throw new Error(`${name} ${path} ${why}`)
  }
}
