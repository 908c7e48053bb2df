import type { IncomingMessage } from 'node:http'
import type { Accounts } from '../../account/accounts.ts'
import type { Principal } from '../../account/principal.ts'
import { AppError } from '../../kernel/errors.ts'
import type { AllowedHosts } from './allowed-hosts.ts'
import { type Authority, isSameOrigin, parseAuthority } from './authority.ts'
import { schemeOf } from './caller.ts'
import { sessionOf } from './session-cookie.ts'

/** Who may come in over the network, for requests and for upgrades alike. */
export class LanAccess {
  readonly #accounts: Pick<Accounts, 'authenticate'>
  readonly #hosts: AllowedHosts

  constructor(accounts: Pick<Accounts, 'authenticate'>, hosts: AllowedHosts) {
    this.#accounts = accounts
    this.#hosts = hosts
  }

  /**
   * Host first, then who has sent the browser here: Origin, and Sec-Fetch-Site for requests that have no Origin. Returns
   * the authority that was asked; throws `wrong_host` or `forbidden`.
   */
  checkOrigin(request: IncomingMessage): Authority {
    const authority = this.#checkHost(request)
    const { origin } = request.headers
    if (origin !== undefined && !isSameOrigin(origin, schemeOf(request), authority))
      throw new AppError(
        'forbidden',
        'This request comes from another site. Use the gateway from its own panel.',
      )
    const site = request.headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isNavigation(request))
      throw new AppError('forbidden', 'Another site makes this request. Use the gateway from its own panel.')
    return authority
  }

  #checkHost({ rawHeaders, headers, url }: IncomingMessage): Authority {
    const said = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length
    const authority = parseAuthority(headers.host ?? '')
    // A target in absolute form would name a host of its own (RFC 9112 §3.2.2); only proxies need it.
    if (said === 1 && url?.startsWith('/') && authority !== undefined && this.#hosts.has(authority.host))
      return authority
    throw new AppError(
      'wrong_host',
      'The gateway is not called so. Use its address, or add the name to http.hosts in its configuration.',
    )
  }

  /**
   * The one whose token the request shows. An Authorization header that fits nobody is refused with `unauthenticated`; a
   * cookie may simply be old.
   */
  async identify(request: IncomingMessage): Promise<Principal | undefined> {
    const token = tokenOf(request)
    const principal = token === undefined ? undefined : await this.#accounts.authenticate(token)
    if (principal === undefined && request.headers.authorization !== undefined)
      throw new AppError('unauthenticated', 'The token is not valid any more. Sign in again.')
    return principal
  }
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
