import type { Aedes, Client, ConnectPacket } from 'aedes'

/** CONNACK, accepted, no session (MQTT 3.1.1 §3.2). */
const connack = Uint8Array.of(0x20, 2, 0, 0)

interface OpenClient {
  id: string
  clean: boolean
  version: number
  connected: boolean
  connackSent: boolean
  _authorized: boolean
  _paused: boolean
  readonly broker: Aedes & {
    readonly clients: Readonly<Record<string, unknown>>
    readonly closed: boolean
    registerClient(client: unknown): void
  }
  readonly conn: { write(bytes: Uint8Array): boolean }
  emit(event: 'connected'): boolean
}

/** Whether nothing of this client has to be cleaned up, restored or closed; `knows`: something is kept of its session. */
export function mayEnterAtOnce(
  client: Client,
  { clean, will, clientId }: ConnectPacket,
  knows: (clientId: string) => boolean,
): boolean {
  const { broker } = client as unknown as OpenClient
  return (
    clean === true &&
    will === undefined &&
    !broker.closed &&
    broker.clients[clientId] === undefined &&
    !knows(clientId)
  )
}

/**
 * Lets in a client that has been authenticated, as aedes leaves it behind. Its own way there has nine steps, a stream pipeline,
 * an AbortController and three turns of the loop, all for a session that may be kept.
 */
export function enterAtOnce(given: Client, { clientId, protocolVersion }: ConnectPacket): void {
  const client = given as unknown as OpenClient
  const { broker, conn } = client
  client.id = clientId
  client.clean = true
  client.version = protocolVersion ?? 4
  client._authorized = true
  client._paused = false
  client.connected = true
  broker.registerClient(client)
  conn.write(connack)
  client.connackSent = true
  broker.emit('connackSent', { cmd: 'connack', returnCode: 0, sessionPresent: false }, given)
  broker.emit('clientReady', given)
  client.emit('connected')
}
