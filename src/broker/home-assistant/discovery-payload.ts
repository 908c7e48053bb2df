/**
 * What Home Assistant is told of one device: `PREFIX/device/ID/config`, retained. Field names are those of Home Assistant's MQTT
 * integration (home-assistant.io/integrations/mqtt): `dev`, `o`, `cmps` and `p` are its short forms of device, origin, components and
 * platform. Topics are written out; what `~` stands for within components differs between versions.
 */
export interface DiscoveryPayload {
  readonly dev: DiscoveredDevice
  readonly o: { readonly name: string; readonly sw: string; readonly url?: string }
  readonly cmps: Readonly<Record<string, Component>>
  readonly availability?: readonly Availability[]
  readonly availability_mode?: 'all'
  readonly qos: 1
}

export interface DiscoveredDevice {
  readonly ids: readonly [string]
  readonly name: string
  readonly mf: string
  readonly mdl: string
  readonly sw?: string
  readonly sn: string
  readonly cu?: string
  readonly via_device?: string
}

export interface Availability {
  readonly topic: string
}

type Platform = 'light' | 'update' | 'button' | 'sensor' | 'binary_sensor'

/** `p` alone takes the component away. */
export interface Component {
  readonly p: Platform
  readonly [option: string]: unknown
}

/** What every device has in common. */
export interface GatewayFacts {
  readonly gatewayId: string
  readonly version: string
  /** Of the panel; undefined: it has no address that others can use. */
  readonly url: string | undefined
}

/** Of the gateway, or of a board behind it. A board that moves to another gateway is another device there. */
export const deviceId = (gatewayId: string, boardId?: string): string =>
  boardId === undefined ? `pixelgate_${gatewayId}` : `pixelgate_${gatewayId}_${boardId}`

export const configTopic = (prefix: string, id: string): string => `${prefix}/device/${id}/config`

export const origin = ({ version, url }: GatewayFacts): DiscoveryPayload['o'] => ({
  name: 'pixelgate',
  sw: version,
  ...(url !== undefined && { url }),
})

/** Of an entity that belongs to a device: ids that outlast names, and a first entity id that a person can type. */
export function named(
  device: { readonly id: string; readonly slug: string },
  key: string,
  component: Component,
): Component {
  const objectId = key === 'light' ? device.slug : `${device.slug}_${key}`
  return {
    ...component,
    unique_id: `${device.id}_${key}`,
    default_entity_id: `${component.p}.${objectId}`,
  }
}

/** Of the letters that an entity id may have. */
export function slugOf(name: string, otherwise: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  const slug = plain.replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '')
  return slug.slice(0, 48) || otherwise
}
