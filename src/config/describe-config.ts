import { describeOrigin } from './fault.ts'
import { leaves } from './leaf.ts'
import type { Config } from './resolve-config.ts'

export interface ConfigLine {
  /** `http.port` */
  readonly path: string
  readonly value: unknown
  /** `default`, `file /etc/pixelgate.json`, `variable PIXELGATE_HTTP_PORT` or `flag --http-port` */
  readonly from: string
  /** The variable and the flag that set this value. */
  readonly variable: string
  readonly flag: string
}

/** Each value and where it comes from. Only keys of the schema appear, and the schema holds no secrets. */
export function describeConfig(config: Config): ConfigLine[] {
  return leaves.map(({ path, variable, flag }) => {
    const value = path
      .split('.')
      .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], config)
    const origin = config.origin.get(path)
    return { path, value, from: origin ? describeOrigin(origin) : 'default', variable, flag: `--${flag}` }
  })
}
