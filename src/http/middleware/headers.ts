import type { IncomingMessage } from 'node:http'
import type { Middleware } from 'koa'
import type { Authority, Scheme } from '../access/authority.ts'
import { schemeOf } from '../access/caller.ts'

/** 'self' covers WebSockets in today's browsers; for older ones our own address is named too. */
export function contentSecurityPolicy(live?: { scheme: Scheme; authority: Authority }): string {
  const socket =
    live === undefined ? '' : ` ${live.scheme === 'https' ? 'wss' : 'ws'}://${text(live.authority)}`
  return [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    `connect-src 'self'${socket}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

const text = ({ host, port }: Authority): string => (port === undefined ? host : `${host}:${port}`)

/**
 * The headers of every answer. Written by hand: ready-made sets send upgrade-insecure-requests and HSTS, which lock people
 * out of a gateway on plain HTTP or with a certificate of its own making.
 */
export const fixedHeaders: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy':
    'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Content-Security-Policy': contentSecurityPolicy(),
  // Answers of the API are data about now: nobody stores them.
  'Cache-Control': 'no-store',
}

export const headers: Middleware = (ctx, next) => {
  ctx.set(fixedHeaders)
  return next()
}

const constant = Object.entries(fixedHeaders)
  .filter(([name]) => name !== 'Cache-Control' && name !== 'Content-Security-Policy')
  .flat()
const known = new Map<string, readonly string[]>()
const maxKnown = 100

/**
 * The same for an answer that is written without Koa, as names and values in turn; Cache-Control is left to it. The same array for
 * the same host.
 */
export function lanHeaders(request: IncomingMessage, authority: Authority): readonly string[] {
  const scheme = schemeOf(request)
  const key = `${scheme} ${authority.host} ${authority.port ?? ''}`
  const remembered = known.get(key)
  if (remembered !== undefined) return remembered
  const made = [...constant, 'Content-Security-Policy', contentSecurityPolicy({ scheme, authority })]
  if (known.size >= maxKnown) known.clear()
  known.set(key, made)
  return made
}
