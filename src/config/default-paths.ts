import { join } from 'node:path'

export interface Environment {
  readonly [name: string]: string | undefined
  readonly STATE_DIRECTORY?: string | undefined
  readonly RUNTIME_DIRECTORY?: string | undefined
  readonly XDG_STATE_HOME?: string | undefined
  readonly XDG_RUNTIME_DIR?: string | undefined
}

/** Who runs the program. */
export interface User {
  /** undefined where the system has no user numbers. */
  readonly uid: number | undefined
  readonly homeDir: string
}

/** systemd lists several directories with colons (systemd.exec(5)); the first is ours. */
const firstOf = (value: string | undefined): string | undefined => value?.split(':')[0] || undefined

/** A relative path in an XDG variable is to be ignored (XDG Base Directory Specification, §3). */
const absolute = (value: string | undefined): string | undefined =>
  value?.startsWith('/') ? value : undefined

/** Where state is kept: the service's directory, root's, or the user's own. */
export function defaultStateDir(env: Environment, user: User): string {
  const service = firstOf(env.STATE_DIRECTORY)
  if (service !== undefined) return service
  if (user.uid === 0) return '/var/lib/pixelgate'
  return join(absolute(env.XDG_STATE_HOME) ?? join(user.homeDir, '.local/state'), 'pixelgate')
}

export function defaultControlSocket(env: Environment, stateDir: string): string {
  const service = firstOf(env.RUNTIME_DIRECTORY)
  if (service !== undefined) return join(service, 'control.sock')
  const session = absolute(env.XDG_RUNTIME_DIR)
  return session === undefined ? join(stateDir, 'control.sock') : join(session, 'pixelgate/control.sock')
}
