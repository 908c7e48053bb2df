import { resolve } from 'node:path'
import { loadConfig } from '../config/load-config.ts'
import type { Config } from '../config/resolve-config.ts'
import type { OptionSpec, OptionValues, Surroundings } from './command.ts'
import { ControlClient } from './control-client.ts'
import { text } from './option-values.ts'

/** Options of every command that talks to the daemon: how to find it when it does not run where it usually does. */
export const daemonOptions = {
  config: { type: 'string', value: 'FILE', help: 'the configuration that the daemon was started with' },
  state: { type: 'string', value: 'DIR', help: 'the state folder that it was started with' },
  socket: { type: 'string', value: 'PATH', help: 'its control socket; default: from the configuration' },
} as const satisfies Record<string, OptionSpec>

/** What a command needs of the configuration: the same defaults, file and environment as the daemon of the same user. */
export function localConfig(
  options: OptionValues,
  { env }: Surroundings,
): Promise<Pick<Config, 'stateDir' | 'controlSocket' | 'pattern'>> {
  const path = (name: string) => {
    const value = text(options, name)
    return value === undefined ? undefined : resolve(value)
  }
  const flags = { 'state-dir': path('state'), 'control-socket': path('socket') }
  return loadConfig({ file: text(options, 'config'), flags, ...(env && { env }) })
}

export const controlClient = async (
  options: OptionValues,
  surroundings: Surroundings,
): Promise<ControlClient> => new ControlClient((await localConfig(options, surroundings)).controlSocket)
