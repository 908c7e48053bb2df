import { once } from 'node:events'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Server as TlsServer } from 'node:tls'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { httpServer } from './http-server.ts'
import type { Tls } from './tls/load-tls.ts'

export interface LanServerOptions {
  readonly config: { readonly host: string; readonly port: number }
  readonly listener: RequestListener
  /** Takes the socket of a WebSocket upgrade over; none: upgrades are ignored, as HTTP allows. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** undefined: plain HTTP. */
  readonly tls: Tls | undefined
  /** Twice a day the certificate is asked for again, so that one that runs out while the gateway runs is replaced. */
  readonly renewal?: {
    readonly clock: Clock
    readonly log: Log
    readonly load: () => Promise<Tls | undefined>
  }
}

const renewEveryMs = 12 * 3_600_000

export interface LanServer {
  readonly server: Server
  /** `https://127.0.0.1:8443`; an address that stands for all interfaces is shown as 127.0.0.1. */
  readonly url: string
  /** Ends every connection; may be called again. */
  close(): Promise<void>
}

/** Rejects with `address_in_use`, or with `daemon_failed` when this machine does not let it listen there. */
export async function startLanServer(options: LanServerOptions): Promise<LanServer> {
  const { config, listener, upgrade, tls } = options
  const server = httpServer(listener, tls && { cert: tls.certificate, key: tls.key })
  if (upgrade !== undefined) server.on('upgrade', upgrade)
  try {
    server.listen({ host: config.host, port: config.port })
    await once(server, 'listening')
  } catch (thrown) {
    throw listenRefusal(config, thrown)
  }
  const stopRenewal =
    tls === undefined ? () => undefined : keepRenewed(server as unknown as TlsServer, tls, options)
  let closing: Promise<void> | undefined
  const close = () =>
    new Promise<void>(resolve => {
      stopRenewal()
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    server,
    url: urlOf(tls === undefined ? 'http' : 'https', server.address() as AddressInfo),
    close: () => (closing ??= close()),
  }
}

/** Later handshakes get the new certificate; connections stay. Returns what ends it. */
function keepRenewed(server: TlsServer, tls: Tls, { renewal }: LanServerOptions): () => void {
  if (renewal === undefined) return () => undefined
  const { clock, log, load } = renewal
  let shown = tls.certificate
  let timer = clock.setTimer(renewEveryMs, renew)
  function renew(): void {
    timer = clock.setTimer(renewEveryMs, renew)
    load().then(
      fresh => {
        if (fresh === undefined || fresh.certificate === shown) return
        shown = fresh.certificate
        server.setSecureContext({ cert: fresh.certificate, key: fresh.key })
        log.info({ fingerprint: fresh.fingerprint }, 'the certificate was renewed')
      },
      thrown => log.warn({ reason: toError(thrown).message }, 'the certificate could not be renewed'),
    )
  }
  return () => timer.cancel()
}

function urlOf(scheme: string, { address, port }: AddressInfo): string {
  const shown = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address
  return `${scheme}://${shown.includes(':') ? `[${shown}]` : shown}:${port}`
}

const reasons: Readonly<Record<string, (at: string) => AppError>> = {
  EADDRINUSE: at =>
    new AppError(
      'address_in_use',
      `${at} is taken: end the program that listens there, or set another http.port`,
    ),
  EACCES: at =>
    new AppError(
      'address_in_use',
      `this user may not listen on ${at}: set an http.port of 1024 or above, or give the service CAP_NET_BIND_SERVICE`,
    ),
  EADDRNOTAVAIL: at =>
    new AppError(
      'daemon_failed',
      `this machine has no address for ${at}: correct http.host, or set 0.0.0.0 for all`,
    ),
  ENOTFOUND: at => new AppError('daemon_failed', `the name in ${at} is not known: correct http.host`),
}

/** What kept a server from listening, as an AppError that names the address and what to do. */
export function listenRefusal({ host, port }: LanServerOptions['config'], thrown: unknown): AppError {
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const known = reasons[String((thrown as NodeJS.ErrnoException).code)]
  return (
    known?.(at) ??
    new AppError('daemon_failed', `cannot listen on ${at}: ${toError(thrown).message}`, { cause: thrown })
  )
}
