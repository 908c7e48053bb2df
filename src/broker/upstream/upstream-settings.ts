import type { ProtocolLevel } from './connection-machine.ts'
import type { TopicPrefix } from './topic-map.ts'

/** One broker above, as the configuration names it (`mqtt.upstream`). */
export interface UpstreamSettings {
  readonly name: string
  readonly url: string
  /** Of the same cluster; they are tried in turn. */
  readonly otherUrls: readonly string[]
  readonly protocol: 'auto' | ProtocolLevel
  /** null: `pixelgate-GW-NAME`. */
  readonly clientId: string | null
  readonly user: string | null
  readonly passwordFile: string | null
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
  /** `pixelgate/…` here is `sites/SITE/pixelgate/…` there; null: the same topics. */
  readonly site: string | null
  readonly map: readonly TopicPrefix[]
  /** Filters of what goes up, by the topics here; null: everything of this gateway. */
  readonly out: readonly string[] | null
  /** Filters of what comes down besides commands, by the topics here. */
  readonly in: readonly string[]
  /** Whether those above may command the boards. */
  readonly commands: boolean
  readonly escapeTopics: boolean
  readonly maxOutboxBytes: number
  readonly maxAgeHours: number
}
