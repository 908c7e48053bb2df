/** Endings that make a name secret, whatever stands before: `wifiPassword`, `mqtt_psk`, `X-Auth-Token`, `PHPSESSID`. */
const endings =
  /(?:passwords?|passwd|passphrases?|passcode|passkey|pwd|psk|secrets?|tokens?|cookies?|apikeys?|accesskey|privatekey|secretkey|signingkey|encryptionkey|credentials?|sessid|sessionid|authorization|bearer|jwt)$/

/** Words that make a name secret when they stand alone in it: `passwordHash` and `pass`, but not `passed` or `author`. */
const words = new Set([
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'pw',
  'pass',
  'psk',
  'secret',
  'token',
  'jwt',
  'cookie',
  'cookies',
  'auth',
  'authorization',
  'authentication',
  'bearer',
  'credential',
  'credentials',
  'session',
  'ticket',
  'sid',
  'otp',
  'totp',
  'apikey',
  'userpass',
])

/** What a name ends in when it tells about a secret, not the secret. */
const about = new Set([
  'count',
  'length',
  'limit',
  'bytes',
  'ms',
  'seconds',
  'minutes',
  'age',
  'expires',
  'expiry',
  'total',
  'type',
  'kind',
  'at',
  'policy',
  'attempts',
  'failures',
  'file',
  'path',
  'rate',
  'started',
  'ended',
  'state',
])

const remembered = new Map<string, boolean>()
/** Names of fields are few; names that a client makes up are not. */
const maxRemembered = 2_000
const maxNameLength = 128

/** Whether the value under this name is not to be shown. Any spelling: camelCase, snake_case, kebab-case, a header. */
export function isSecretKey(name: string): boolean {
  if (name.length > maxNameLength) return endings.test(name.slice(-maxNameLength).toLowerCase())
  const known = remembered.get(name)
  if (known !== undefined) return known
  const secret = decide(name)
  if (remembered.size < maxRemembered) remembered.set(name, secret)
  return secret
}

function decide(name: string): boolean {
  const parts = name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter(part => part !== '')
  const last = parts.at(-1) ?? ''
  if (parts.length > 1 && about.has(last)) return false
  // What the console has to show: it is of no use to anybody once the gateway is claimed.
  if (parts.join('') === 'claimcode') return false
  return parts.some(part => words.has(part)) || endings.test(parts.join(''))
}
