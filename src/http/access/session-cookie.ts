/** Of the panel; scripts cannot read them, and other sites cannot make a browser send them. */
const access = { name: 'pixelgate_session', path: '/' }
/** Sent to nothing but the routes that take it. */
const refresh = { name: 'pixelgate_refresh', path: '/api/v1/auth' }

/** Value of a cookie among those of a Cookie header (RFC 6265 §4.2). */
function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const [key, ...value] = pair.split('=')
    if (key?.trim() === name) return value.join('=').trim()
  }
  return undefined
}

/** The access token. */
export const sessionOf = (header: string | undefined): string | undefined => cookieOf(header, access.name)

export const refreshTokenOf = (header: string | undefined): string | undefined =>
  cookieOf(header, refresh.name)

interface Lifetimes {
  readonly token: string
  readonly maxAgeSeconds: number
  readonly refreshToken: string
  readonly refreshMaxAgeSeconds: number
}

/** Values of Set-Cookie. Over plain HTTP `Secure` would make browsers drop them. */
export const setSession = (tokens: Lifetimes, secure: boolean): readonly string[] => [
  setCookie(access, tokens.token, tokens.maxAgeSeconds, secure),
  setCookie(refresh, tokens.refreshToken, tokens.refreshMaxAgeSeconds, secure),
]

export const endSession = (secure: boolean): readonly string[] =>
  [access, refresh].map(cookie => setCookie(cookie, '', 0, secure))

function setCookie(
  { name, path }: { readonly name: string; readonly path: string },
  value: string,
  maxAgeSeconds: number,
  secure: boolean,
): string {
  const attributes = `Path=${path}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
  return `${name}=${value}; Max-Age=${maxAgeSeconds}; ${attributes}`
}
