import { X509Certificate } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { uuidV7 } from '../../kernel/ids.ts'
import type { AllowedHosts } from '../access/allowed-hosts.ts'
import type { Authority } from '../access/authority.ts'
import { checkedHost } from '../access/lan-access.ts'
import { fixedHeaders } from '../middleware/headers.ts'
import { HttpFault, problemHeaders, toProblem } from '../problem.ts'
import type { Tls } from '../tls/load-tls.ts'
import { landingPage, styleHash } from './landing-page.ts'
import { mobileConfig } from './mobile-config.ts'

export interface LandingParts {
  readonly hosts: Pick<AllowedHosts, 'has'>
  /** The certificate that the panel is shown with now. */
  readonly tls: () => Tls | undefined
  /** Of the panel. */
  readonly port: number
}

interface Page {
  readonly type: string
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

const contentSecurityPolicy = `default-src 'none'; style-src ${styleHash}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
const certificateType = 'application/x-x509-ca-cert'

/** Plain HTTP beside the encrypted panel: it says how to trust the gateway, and does nothing else. */
export function landingListener(parts: LandingParts): RequestListener {
  return (request, response) => {
    try {
      const authority = checkedHost(request, parts.hosts)
      const path = (request.url ?? '').split('?', 1)[0] ?? ''
      const page = pageAt(path, parts, authority, request.headers['user-agent'] ?? '')
      if (page === undefined) throw new HttpFault(404, 'There is nothing here but /.')
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('Allow', 'GET, HEAD')
        throw new HttpFault(405, 'This page can only be read.')
      }
      const { type, body, headers = {} } = page
      send(request, response, 200, { type, body, headers })
    } catch (thrown) {
      const problem = toProblem(thrown, uuidV7(Date.now()))
      const headers = { ...problemHeaders(problem), 'X-Request-Id': problem.requestId }
      const type = 'application/problem+json'
      send(request, response, problem.status, { type, body: JSON.stringify(problem), headers })
    }
  }
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  status: number,
  { type, body, headers }: Required<Page>,
): void {
  response.writeHead(status, {
    ...fixedHeaders,
    'Content-Security-Policy': contentSecurityPolicy,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(method === 'HEAD' ? undefined : body)
}

function pageAt(path: string, parts: LandingParts, asked: Authority, agent: string): Page | undefined {
  if (path === '/health/live') return { type: 'application/json; charset=utf-8', body: '{"status":"live"}' }
  const tls = parts.tls()
  if (tls === undefined) return undefined
  const { fingerprint, authority } = tls
  if (path === '/') {
    const urls = urlsOf(tls, parts.port, asked)
    const facts = { urls, fingerprint, authority: authority ?? undefined, agent }
    return { type: 'text/html; charset=utf-8', body: landingPage(facts), headers: { Vary: 'User-Agent' } }
  }
  if (authority === null) return undefined
  switch (path) {
    case '/ca.pem':
      return { type: certificateType, body: authority.pem, headers: saved('pixelgate-ca.pem') }
    case '/ca.der':
      return {
        type: certificateType,
        body: new X509Certificate(authority.pem).raw,
        headers: saved('pixelgate-ca.der'),
      }
    case '/pixelgate.mobileconfig':
      return {
        type: 'application/x-apple-aspen-config',
        body: mobileConfig(authority.pem),
        headers: saved('pixelgate.mobileconfig'),
      }
    default:
      return undefined
  }
}

const saved = (name: string) => ({ 'Content-Disposition': `attachment; filename="${name}"` })

/** The name that was asked for comes first, where the certificate is for it; then names, then addresses. */
function urlsOf({ names }: Tls, port: number, { host }: Authority): readonly string[] {
  const hosts = names
    .map(name => (name.includes(':') ? `[${name}]` : name))
    .filter(name => !/^(localhost$|\[::1\]$|127\.|\*)/.test(name))
  const local = hosts.filter(name => name.endsWith('.local'))
  const first = names.includes(host.replace(/^\[|\]$/g, '')) ? [host] : []
  const all = [...new Set([...first, ...local, ...hosts])]
  return all.map(name => `https://${name}${port === 443 ? '' : `:${port}`}`)
}
