import type { BridgeSettings } from './bridge/bridge-settings.ts'
import type { SerialBridges } from './bridge/serial-bridges.ts'
import { rootTopic } from './broker/topics/topics.ts'
import { bridgeName } from './config/bridge-schema.ts'
import type { Config } from './config/resolve-config.ts'
import type { Clock } from './kernel/clock.ts'
import type { Log } from './kernel/log.ts'
import type { Link } from './link/link.ts'
import { type LinkSettings, linkName } from './link/link-settings.ts'

type ConfiguredLink = Config['links'][number]
type BridgedLink = Extract<ConfiguredLink, { readonly mode: 'bridge' }>
type BoardLink = Exclude<ConfiguredLink, { readonly mode: 'bridge' }>

export interface BridgeParts {
  readonly clock: Clock
  readonly log: Log
  readonly open: (settings: LinkSettings) => Promise<Link>
}

const isBridged = (link: ConfiguredLink): link is BridgedLink => link.mode === 'bridge'

export const boardLinks = ({ links }: Config): readonly BoardLink[] =>
  links.filter((link): link is BoardLink => !isBridged(link))

/** Paths of serial ports that are bridged. */
export const bridgedPaths = ({ links }: Config): readonly string[] =>
  links.flatMap(link => (isBridged(link) && link.kind === 'serial' ? [link.path] : []))

/** Those that the configuration names; others are below `pixelgate/GATEWAY/serial`. */
export const bridgedTopics = ({ links }: Config): readonly string[] =>
  links.flatMap(link => (isBridged(link) && link.topic !== undefined ? [link.topic] : []))

/** The bridged lines of the configuration; undefined: there is none, and nothing is loaded. */
export async function createBridges(
  { links }: Config,
  gatewayId: string,
  { clock, log, open }: BridgeParts,
): Promise<SerialBridges | undefined> {
  const bridged = links.filter(isBridged)
  if (bridged.length === 0) return undefined
  const { SerialBridges } = await import('./bridge/serial-bridges.ts')
  const lines = bridged.map(link => ({ settings: settingsOf(link, gatewayId), open: () => open(link) }))
  return new SerialBridges({ lines, clock, log })
}

function settingsOf(link: BridgedLink, gatewayId: string): BridgeSettings {
  const name = bridgeName(link)
  return {
    ...link,
    name,
    topic: link.topic ?? `${rootTopic}/${gatewayId}/serial/${name}`,
    address: linkName(link),
    baudRate: link.kind === 'serial' ? link.baudRate : null,
  }
}
