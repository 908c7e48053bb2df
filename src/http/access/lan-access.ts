import type { IncomingMessage } from 'node:http'
import type { Accounts } from '../../account/accounts.ts'
import { guestPrincipal, type Principal } from '../../account/principal.ts'
import { AppError } from '../../kernel/errors.ts'
import type { AllowedHosts } from './allowed-hosts.ts'
import { type Authority, isSameOrigin, parseAuthority } from './authority.ts'
import { rememberOrigin, schemeOf } from './caller.ts'
import { sessionOf } from './session-cookie.ts'
import { TrustedProxies } from './trusted-proxies.ts'

export interface LanRules {
  /** Origins of other sites whose scripts may use the API with a token, `https://lamps.example`. */
  readonly corsOrigins?: readonly string[]
  readonly proxies?: TrustedProxies
  /** view: strangers are guests. */
  readonly guest?: 'off' | 'view'
}

/** What the doors found out about a request. */
export interface Door {
  readonly authority: Authority
  /** Another site that may read the answer; undefined: the request is of our own pages, or of a program. */
  readonly corsOrigin: string | undefined
}

/** Who may come in over the network, for requests and for upgrades alike. */
export class LanAccess {
  readonly #accounts: Pick<Accounts, 'authenticate'>
  readonly #hosts: Pick<AllowedHosts, 'has'>
  readonly #corsOrigins: ReadonlySet<string>
  readonly #proxies: TrustedProxies
  readonly #stranger: Principal | undefined

  constructor(
    accounts: Pick<Accounts, 'authenticate'>,
    hosts: Pick<AllowedHosts, 'has'>,
    { corsOrigins = [], proxies = new TrustedProxies([]), guest = 'off' }: LanRules = {},
  ) {
    this.#stranger = guest === 'view' ? guestPrincipal : undefined
    this.#accounts = accounts
    this.#hosts = hosts
    this.#corsOrigins = new Set(corsOrigins)
    this.#proxies = proxies
  }

  /**
   * Host first, then who has sent the browser here: Origin, and Sec-Fetch-Site for requests that have no Origin. Throws
   * `wrong_host` or `forbidden`.
   */
  checkOrigin(request: IncomingMessage): Door {
    const authority = this.#checkHost(request)
    const { origin } = request.headers
    if (origin !== undefined && !isSameOrigin(origin, schemeOf(request), authority)) {
      if (this.#corsOrigins.has(origin)) return { authority, corsOrigin: origin }
      throw new AppError(
        'forbidden',
        'This request comes from another site. Use the gateway from its own panel, or add the site to http.corsOrigins.',
      )
    }
    const site = request.headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isNavigation(request))
      throw new AppError('forbidden', 'Another site makes this request. Use the gateway from its own panel.')
    return { authority, corsOrigin: undefined }
  }

  #checkHost(request: IncomingMessage): Authority {
    const said = checkedHost(request, this.#hosts)
    const origin = this.#proxies.originOf(request)
    if (origin === undefined) return said
    rememberOrigin(request, origin)
    const { forwardedHost, hasForwardedHost } = origin
    // The host of the connection was looked at as well: a proxy may pass on a header that a page has made up.
    if (!hasForwardedHost) return said
    if (forwardedHost !== undefined && this.#hosts.has(forwardedHost.host)) return forwardedHost
    throw wrongHost()
  }

  /**
   * The one whose token the request shows. An Authorization header that fits nobody is refused with `unauthenticated`; a
   * cookie may simply be old, and is not looked at when another site has the browser ask.
   */
  async identify(request: IncomingMessage): Promise<Principal | undefined> {
    const { authorization, origin } = request.headers
    if (authorization === undefined && origin !== undefined && this.#corsOrigins.has(origin)) {
      if (this.checkOrigin(request).corsOrigin !== undefined) return undefined
    }
    const token = tokenOf(request)
    const principal = token === undefined ? undefined : await this.#accounts.authenticate(token)
    if (principal === undefined && authorization !== undefined)
      throw new AppError('unauthenticated', 'The token is not valid any more. Sign in again.')
    return principal ?? this.#stranger
  }
}

const wrongHost = () =>
  new AppError(
    'wrong_host',
    'The gateway is not called so. Use its address, or add the name to http.hosts in its configuration.',
  )

/** The one authority that a request names, if it is among `hosts`; throws `wrong_host`. */
export function checkedHost(
  { rawHeaders, headers, url }: Pick<IncomingMessage, 'rawHeaders' | 'headers' | 'url'>,
  hosts: Pick<AllowedHosts, 'has'>,
): Authority {
  let said = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') said += 1
  }
  const authority = parseAuthority(headers.host ?? '')
  // A target in absolute form would name a host of its own (RFC 9112 §3.2.2); only proxies need it. `*` is the server's.
  const isOurs = url?.startsWith('/') === true || url === '*'
  if (said === 1 && isOurs && authority !== undefined && hosts.has(authority.host)) return authority
  throw wrongHost()
}

/** The token that a request shows: of its Authorization header, or else of its cookie. */
export function tokenOf({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const { authorization, cookie } = headers
  return authorization === undefined ? sessionOf(cookie) : /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
}

/** Following a link to the panel is no request of the other site's scripts. */
const isNavigation = ({ method, headers }: IncomingMessage): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  headers['sec-fetch-mode'] === 'navigate' &&
  headers['sec-fetch-dest'] === 'document'
