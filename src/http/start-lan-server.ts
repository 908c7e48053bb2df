import { once } from 'node:events'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Server as TlsServer } from 'node:tls'
import { AppError, toError } from '../kernel/errors.ts'
import type { ConnectionLimits } from './access/connection-guard.ts'
import { httpServer } from './http-server.ts'
import type { Tls } from './tls/load-tls.ts'

export interface LanServerOptions {
  readonly config: { readonly host: string; readonly port: number }
  /** Of the configuration, for what is said when its port cannot be had; `http.port` when left out. */
  readonly key?: string
  readonly listener: RequestListener
  /** Takes the socket of a WebSocket upgrade over; none: upgrades are ignored, as HTTP allows. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** undefined: plain HTTP. */
  readonly tls: Pick<Tls, 'certificate' | 'key'> | undefined
  /** The browser comes over TLS only from now on: for a certificate that the world vouches for, and no other. */
  readonly strictTransport?: boolean
  /** Is told how to show another certificate to later handshakes; returns what ends that. */
  readonly renew?: (show: (tls: Pick<Tls, 'certificate' | 'key'>) => void) => () => void
  readonly connections?: ConnectionLimits
  /** Addresses that no limit for one address is for. */
  readonly isExempt?: (address: string) => boolean
}

export interface LanServer {
  readonly server: Server
  /** `https://127.0.0.1:8443`; an address that stands for all interfaces is shown as 127.0.0.1. */
  readonly url: string
  /** Ends every connection; may be called again. */
  close(): Promise<void>
}

/** Rejects with `address_in_use`, or with `daemon_failed` when this machine does not let it listen there. */
export async function startLanServer(options: LanServerOptions): Promise<LanServer> {
  const { config, upgrade, tls, connections, isExempt } = options
  const server = httpServer(
    options.strictTransport === true ? strictly(options.listener) : options.listener,
    {
      tls: tls && { cert: tls.certificate, key: tls.key },
      upgrade,
      ...(connections && { connections }),
      ...(isExempt && { isExempt }),
    },
  )
  try {
    server.listen({ host: config.host, port: config.port })
    await once(server, 'listening')
  } catch (thrown) {
    throw listenRefusal(config, thrown, options.key)
  }
  const stopRenewal = tls === undefined ? undefined : options.renew?.(showLater(server as TlsServer & Server))
  let closing: Promise<void> | undefined
  const close = () =>
    new Promise<void>(resolve => {
      stopRenewal?.()
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    server,
    url: urlOf(tls === undefined ? 'http' : 'https', server.address() as AddressInfo),
    close: () => (closing ??= close()),
  }
}

/** Later handshakes get the new certificate; connections stay. */
const showLater =
  (server: TlsServer) =>
  ({ certificate: cert, key }: Pick<Tls, 'certificate' | 'key'>): void =>
    server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' })

/** RFC 6797 §6.1; without includeSubDomains, for other programs may live below the same name. */
const strictly =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    response.setHeader('Strict-Transport-Security', 'max-age=15552000')
    listener(request, response)
  }

function urlOf(scheme: string, { address, port }: AddressInfo): string {
  const shown = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address
  return `${scheme}://${shown.includes(':') ? `[${shown}]` : shown}:${port}`
}

const reasons: Readonly<Record<string, (at: string, key: string) => AppError>> = {
  EADDRINUSE: (at, key) =>
    new AppError(
      'address_in_use',
      `${at} is taken: end the program that listens there, or set another ${key}`,
    ),
  EACCES: (at, key) =>
    new AppError(
      'address_in_use',
      `this user may not listen on ${at}: set ${key} to 1024 or above, or give the service CAP_NET_BIND_SERVICE`,
    ),
  EADDRNOTAVAIL: at =>
    new AppError(
      'daemon_failed',
      `this machine has no address for ${at}: correct http.host, or set 0.0.0.0 for all`,
    ),
  ENOTFOUND: at => new AppError('daemon_failed', `the name in ${at} is not known: correct http.host`),
}

/** What kept a server from listening, as an AppError that names the address and what to do. */
export function listenRefusal(
  { host, port }: LanServerOptions['config'],
  thrown: unknown,
  key = 'http.port',
): AppError {
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const known = reasons[String((thrown as NodeJS.ErrnoException).code)]
  return (
    known?.(at, key) ??
    new AppError('daemon_failed', `cannot listen on ${at}: ${toError(thrown).message}`, { cause: thrown })
  )
}
