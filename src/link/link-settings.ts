import type { Clock } from '../kernel/clock.ts'
import type { Link } from './link.ts'
import { openSerial, type SerialFormat } from './serial-link.ts'
import { openTcp } from './tcp-link.ts'

/** One try must leave room for the pauses of KeepOpen within 5 s. */
const openTimeoutMs = 3000

/** Where a board is reached. */
export type LinkSettings =
  | ({
      readonly kind: 'serial'
      readonly path: string
      readonly baudRate: number
      /** Rate to go to after the greeting (SPEC §3.6); null: stay. */
      readonly maxBaudRate?: number | null
    } & SerialFormat)
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

/** Opens the link; rejects with an AppError that says what to do. */
export function openLink(settings: LinkSettings, clock: Clock): Promise<Link> {
  return settings.kind === 'serial'
    ? openSerial(settings.path, { ...formatOf(settings), baudRate: settings.baudRate, clock, openTimeoutMs })
    : openTcp(settings.host, settings.port, { connectTimeoutMs: openTimeoutMs, clock })
}

const formatOf = ({ dataBits, parity, stopBits }: SerialFormat): SerialFormat => ({
  dataBits,
  parity,
  stopBits,
})

/** The name under which people and logs know the link. */
export const linkName = (settings: LinkSettings): string =>
  settings.kind === 'serial' ? settings.path : `tcp://${settings.host}:${settings.port}`
