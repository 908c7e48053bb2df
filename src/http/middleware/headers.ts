import type { Middleware } from 'koa'
import type { Authority, Scheme } from '../access/authority.ts'

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
const fixed = {
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
  ctx.set(fixed)
  return next()
}
