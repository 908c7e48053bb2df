/** Host and port of a Host header or an origin, as browsers write them: lower case, IPv6 in brackets and short. */
export interface Authority {
  readonly host: string
  /** undefined: the scheme's own. */
  readonly port: number | undefined
}

const shape = /^(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?(?::(\d{1,5}))?$/

/** RFC 9110 §7.2, without what no browser sends (percent signs, user names). undefined: it is none. */
export function parseAuthority(text: string): Authority | undefined {
  const match = shape.exec(text.toLowerCase())
  if (match === null) return undefined
  const [, name = '', digits] = match
  const port = digits === undefined ? undefined : Number(digits)
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined
  const host = name.startsWith('[') ? shortIpv6(name) : name
  return host === undefined ? undefined : { host, port }
}

/** `[fe80::1]` of any spelling; undefined when it is no address. */
function shortIpv6(bracketed: string): string | undefined {
  const url = `http://${bracketed}/`
  return URL.canParse(url) ? new URL(url).hostname : undefined
}

/** The authority of a host name or address as configs and `os.networkInterfaces` have them. */
export const authorityOf = (host: string): Authority | undefined =>
  parseAuthority(host.includes(':') && !host.startsWith('[') ? `[${host.replace(/%.*$/, '')}]` : host)

export type Scheme = 'http' | 'https'

const ownPort: Readonly<Record<Scheme, number>> = { http: 80, https: 443 }

/** Whether the Origin header names the same scheme, host and port as the request (RFC 6454 §5). `null` names nobody. */
export function isSameOrigin(origin: string, scheme: Scheme, { host, port }: Authority): boolean {
  const [, saidScheme, rest = ''] = /^(https?):\/\/(.*)$/.exec(origin.toLowerCase()) ?? []
  const said = parseAuthority(rest)
  return (
    saidScheme === scheme &&
    said?.host === host &&
    (said.port ?? ownPort[scheme]) === (port ?? ownPort[scheme])
  )
}
