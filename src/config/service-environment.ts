export interface ServiceEnvironment {
  /** Where systemd takes messages (sd_notify(3)): a path, or `@` and an abstract name; undefined: nobody listens. */
  readonly notifySocket: string | undefined
  /** systemd ends the service when it hears nothing for so long (sd_watchdog_enabled(3)); undefined: it does not. */
  readonly watchdogMs: number | undefined
}

interface Variables {
  readonly [name: string]: string | undefined
  readonly NOTIFY_SOCKET?: string | undefined
  readonly WATCHDOG_USEC?: string | undefined
  readonly WATCHDOG_PID?: string | undefined
}

/** What systemd tells the process that it has started. Both are undefined for a process that a person started. */
export function serviceEnvironment(
  env: Variables = process.env,
  pid: number = process.pid,
): ServiceEnvironment {
  const notifySocket = env.NOTIFY_SOCKET || undefined
  return { notifySocket, watchdogMs: notifySocket === undefined ? undefined : watchdogMs(env, pid) }
}

/** A watchdog of another process is none of ours: variables are inherited by children. */
function watchdogMs({ WATCHDOG_USEC: micros = '', WATCHDOG_PID: owner }: Variables, pid: number) {
  if (owner !== undefined && owner !== String(pid)) return undefined
  return /^[1-9]\d{0,15}$/.test(micros) ? Number(micros) / 1000 : undefined
}
