/** Of the panel; scripts cannot read it, and other sites cannot make a browser send it. */
const name = 'pixelgate_session'

/** Value of the cookie among those of a Cookie header (RFC 6265 §4.2). */
export function sessionOf(header: string | undefined): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const [key, ...value] = pair.split('=')
    if (key?.trim() === name) return value.join('=').trim()
  }
  return undefined
}

const attributes = (secure: boolean): string => `Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`

/** Value of Set-Cookie. Over plain HTTP `Secure` would make browsers drop it. */
export const setSession = (token: string, maxAgeSeconds: number, secure: boolean): string =>
  `${name}=${token}; Max-Age=${maxAgeSeconds}; ${attributes(secure)}`

export const endSession = (secure: boolean): string => `${name}=; Max-Age=0; ${attributes(secure)}`
