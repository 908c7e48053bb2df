import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { AppError, toError } from '../../kernel/errors.ts'
import { type HandshakeLimits, Handshakes } from './handshakes.ts'

/** What a TLS listener shows; PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

export interface TlsSource extends Certificate {
  /** Is told how to show another certificate to later handshakes; returns what ends that. */
  readonly watch: (show: (next: Certificate) => void) => () => void
}

export interface TcpListener {
  /** `mqtt://HOST:PORT`, or `mqtts://…`, with the port that it really has. */
  readonly url: string
  /** No new connections; those that are open stay. */
  close(): void
}

/** Connections that the kernel holds until they are taken. */
const backlog = 128
/** For a small chip that computes it in software. */
const handshakeTimeoutMs = 20_000
const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }
const oldestTls = { minVersion: 'TLSv1.2' } as const

/** Rejects with `address_in_use`, or `config_invalid` when the address cannot be one of this machine. */
export async function listenTcp(
  at: { readonly host: string; readonly port: number },
  onSocket: (socket: Socket) => void,
  secure?: { readonly tls: TlsSource; readonly limits: HandshakeLimits },
): Promise<TcpListener> {
  const server: Server =
    secure === undefined
      ? createServer(socketOptions, onSocket)
      : createTlsServer({
          ...socketOptions,
          ...oldestTls,
          cert: secure.tls.certificate,
          key: secure.tls.key,
          handshakeTimeout: handshakeTimeoutMs,
        })
  if (secure !== undefined) {
    const handshakes = new Handshakes(secure.limits)
    server.on('connection', (socket: Socket) => handshakes.began(socket))
    server.on('secureConnection', (socket: Socket) => {
      handshakes.ended(socket)
      onSocket(socket)
    })
    // The library closes what has failed.
    server.on('tlsClientError', (_error: Error, socket: Socket) => handshakes.ended(socket))
  }
  try {
    server.listen({ ...at, backlog })
    await once(server, 'listening')
  } catch (thrown) {
    throw listenError(at, thrown)
  }
  const endWatch = secure?.tls.watch(({ certificate: cert, key }) =>
    (server as TlsServer).setSecureContext({ ...oldestTls, cert, key }),
  )
  const { port } = server.address() as AddressInfo
  const host = at.host.includes(':') ? `[${at.host}]` : at.host
  return {
    url: `${secure === undefined ? 'mqtt' : 'mqtts'}://${host}:${port}`,
    close() {
      endWatch?.()
      server.close()
    },
  }
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
