import type { SerialPortInfo } from './list-ports.ts'

/** known: configured and approved ports. all: every USB port too. off: configured ports alone. */
export type Discovery = 'known' | 'all' | 'off'

export type OpenReason =
  | 'bridge'
  | 'configured'
  | 'approved'
  | 'any_usb'
  | 'not_approved'
  | 'not_usb'
  | 'discovery_off'

export interface OpenDecision {
  readonly port: SerialPortInfo
  readonly open: boolean
  readonly reason: OpenReason
}

export interface OpenPolicy {
  readonly discovery: Discovery
  /** Paths from the configuration, as written: `/dev/ttyUSB0` or a link under /dev/serial. */
  readonly configured: readonly string[]
  /** Paths of lines that are bridged to MQTT: no board is looked for there. */
  readonly bridged?: readonly string[]
  /** Stable ids that a person approved; a path only for a port that has no stable id. */
  readonly approved: readonly string[]
}

/**
 * Which ports may be opened and why the others may not. Opening a stranger's port can reset a printer or take a Zigbee
 * stick from its owner, so nothing unknown is probed unless the operator asks for all, and then only USB devices. An
 * approval sticks to the device, never to a path: ttyUSB0 may be another device tomorrow.
 */
export function decideOpen(ports: readonly SerialPortInfo[], policy: OpenPolicy): OpenDecision[] {
  const decide = (port: SerialPortInfo): OpenReason => {
    const isOneOf = (paths: readonly string[]) =>
      paths.some(path => port.path === path || port.links.includes(path))
    if (isOneOf(policy.bridged ?? [])) return 'bridge'
    if (isOneOf(policy.configured)) return 'configured'
    if (policy.discovery === 'off') return 'discovery_off'
    if (policy.approved.includes(port.stableId ?? port.path)) return 'approved'
    if (policy.discovery === 'known') return 'not_approved'
    return port.vendorId === undefined ? 'not_usb' : 'any_usb'
  }
  return ports.map(port => {
    const reason = decide(port)
    return { port, reason, open: reason === 'configured' || reason === 'approved' || reason === 'any_usb' }
  })
}
