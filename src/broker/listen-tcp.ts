import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { AppError, toError } from '../kernel/errors.ts'

export interface TcpListener {
  /** `mqtt://HOST:PORT` with the port that it really has. */
  readonly url: string
  /** No new connections; those that are open stay. */
  close(): void
}

/** Connections that the kernel holds until they are taken. */
const backlog = 128

/** Rejects with `address_in_use`, or `config_invalid` when the address cannot be one of this machine. */
export async function listenTcp(
  at: { readonly host: string; readonly port: number },
  onSocket: (socket: Socket) => void,
): Promise<TcpListener> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, onSocket)
  try {
    server.listen({ ...at, backlog })
    await once(server, 'listening')
  } catch (thrown) {
    throw listenError(at, thrown)
  }
  const { port } = server.address() as AddressInfo
  const host = at.host.includes(':') ? `[${at.host}]` : at.host
  return { url: `mqtt://${host}:${port}`, close: () => void server.close() }
}

function listenError({ host, port }: { host: string; port: number }, thrown: unknown): AppError {
  const { code } = thrown as NodeJS.ErrnoException
  const place = `${host}, port ${port}`
  if (code === 'EADDRINUSE') {
    const message = `The MQTT address ${place} is taken. Stop what listens there (mosquitto, perhaps), or choose another one in mqtt.listeners.`
    return new AppError('address_in_use', message, { cause: thrown, detail: { host, port } })
  }
  const reasons: Readonly<Record<string, string>> = {
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'there is no host of this name',
    EACCES: 'ports below 1024 need the right to use them; choose a higher one',
  }
  const reason = reasons[code ?? ''] ?? toError(thrown).message
  return new AppError(
    'config_invalid',
    `Cannot listen for MQTT on ${place}: ${reason}. See mqtt.listeners.`,
    {
      cause: thrown,
    },
  )
}
