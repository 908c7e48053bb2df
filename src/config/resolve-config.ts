import { defaultControlSocket, defaultStateDir, type Environment, type User } from './default-paths.ts'
import { configInvalid, type Origin } from './fault.ts'
import { type ConfigFile, Layers } from './layers.ts'
import { leaves, variablePrefix } from './leaf.ts'
import { configSchema, type Settings } from './schema.ts'
import { absolutePath } from './schema-parts.ts'

/** The settings, and for each leaf of the schema where its value comes from. */
export interface Config extends Settings {
  readonly origin: ReadonlyMap<string, Origin>
}

export interface ConfigSources {
  readonly file?: ConfigFile | undefined
  readonly env: Environment
  /** Text by the flag names of `leaves`, as util.parseArgs returns it. */
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly user: User
}

/** Defaults < file < environment < flags. Throws AppError `config_invalid` with all faults at once. */
export function resolveConfig(sources: ConfigSources): Config {
  const layers = new Layers(sources.file)
  const variables = Object.entries(sources.env).filter(([name]) => name.startsWith(variablePrefix))
  for (const [name, text] of variables) {
    const leaf = leaves.find(each => each.variable === name)
    layers.set(leaf, text, { layer: 'environment', name })
  }
  for (const [name, text] of Object.entries(sources.flags)) {
    const leaf = leaves.find(each => each.flag === name)
    layers.set(leaf, text, { layer: 'flag', name: `--${name}` })
  }
  const { tree, faults, origin } = layers
  tree.stateDir ??= defaultStateDir(sources.env, sources.user)
  const base = absolutePath.safeParse(tree.stateDir).data ?? defaultStateDir(sources.env, sources.user)
  tree.controlSocket ??= defaultControlSocket(sources.env, base)
  const parsed = configSchema.safeParse(tree)
  if (parsed.success && faults.length === 0) return { ...parsed.data, origin }
  faults.push(...(parsed.error?.issues ?? []).flatMap(issue => layers.faultsOf(issue)))
  throw configInvalid(faults)
}
