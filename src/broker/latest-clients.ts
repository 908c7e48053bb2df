import type { Aedes } from 'aedes'

interface Registry {
  readonly clients: Readonly<Record<string, unknown>>
  unregisterClient(client: { readonly id: string }): void
}

/**
 * aedes forgets a client by its id when its connection has been wound up. By then another one may have that id, which would be
 * forgotten in its place, and closed by none that comes after it [MQTT-3.1.4-2].
 */
export function keepLatestClients(aedes: Aedes): void {
  const registry = aedes as unknown as Registry
  const unregister = registry.unregisterClient
  registry.unregisterClient = client => {
    if (registry.clients[client.id] === client) unregister.call(registry, client)
  }
}
