import { isSecretKey } from './secret-key.ts'

export const redacted = '[redacted]'

/**
 * Takes the nine kinds of secrets out of a text: passwords, API tokens, bearer and basic credentials, JWTs, credentials
 * in URLs, cookies and sessions, private keys, Wi-Fi and MQTT secrets, e-mail addresses. Each expression looks at a
 * bounded stretch from a start that is rare, so the time grows with the length of the text and no faster.
 */
export function redactText(text: string): string {
  if (!suspicious.test(text)) return text
  let out = text
  if (out.includes('PRIVATE')) out = out.replace(privateKey, redacted)
  if (out.includes('@'))
    out = out.replace(urlCredentials, `$1${redacted}@`).replace(sloppyUrl, `$1${redacted}@`)
  out = out.replace(scheme, redactScheme)
  if (separator.test(out)) out = redactAssignments(out)
  out = out.replace(listed, redactListed).replace(option, redactOption).replace(spoken, `$1${redacted}`)
  out = out.replace(jwt, redacted).replace(knownTokens, redacted).replace(bareToken, redactBareToken)
  if (out.includes('kty')) out = out.replace(webKey, `$1${redacted}`)
  if (/wifi|wpa|nmcli|mosquitto/i.test(out)) {
    for (const tool of tools) out = out.replace(tool, `$1${redacted}`)
  }
  if (out.includes('@') || out.includes('%40')) out = out.replace(email, redacted)
  return out
}

/** Most texts have nothing of all this in them. Every expression below needs one of these. */
const suspicious =
  /[:=@]|%40|%3d|-[a-z]|private|bearer|basic|digest|negotiate|pass|pwd|secret|token|key|psk|cookie|session|auth|cred|jwt|sid|otp|scrypt|mosquitto|wifi|wpa|nmcli|[A-Za-z0-9_-]{20}/i

const separator = /[:=]|%3[dD]/

/** PEM, PGP and OpenSSH; without its end to the end of the text, since a long text is cut. */
const privateKey =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END )[\s\S]){0,20000}(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?/g

/** RFC 3986 §3.2.1: everything between `//` and the last `@` before the path. */
const urlCredentials = /((?::|^|[\s"'(<=])\\{0,3}\/\\{0,3}\/)[^\s/?#\\"'<>]{1,512}@/g
/** A password with a slash that nobody escaped; a port is not one. */
const sloppyUrl = /(:\/\/)[^\s/@:?#]{0,128}:(?!\d{1,5}\/)[^\s@"'<>]{1,256}@/g

/** RFC 9110 §11.4: credentials after their scheme, wherever they stand. */
const scheme = /\b(bearer|basic|digest|token|negotiate)(\s{1,4}|%20|\+)([A-Za-z0-9._~+/=-]{6,8192})/gi

/** What follows these words in a sentence. */
const plainWords =
  /^(?:tokens?|auth(?:entication|orization)?|credentials?|scheme|realm|header|access|missing|expired|invalid|refused|rejected|unknown|required|expected|settings?|support|checks?|configuration|information|messages?)$/i

function redactScheme(whole: string, name: string, gap: string, value: string): string {
  if (plainWords.test(value.replace(/[.,:]+$/, ''))) return whole
  const kind = name.toLowerCase()
  // RFC 7617: a name, a colon and a password. "Basic" begins ordinary sentences too.
  if (kind === 'basic' && !Buffer.from(value, 'base64').toString('latin1').includes(':')) return whole
  if (kind !== 'bearer' && kind !== 'basic' && !/\d/.test(value)) return whole
  return `${name}${gap}${redacted}`
}

/** The name before a separator: looked for backwards from it, so that long words cost nothing. */
const assignment =
  /(?:=>|[:=]|%3[dD])(?<=([\p{L}\p{N}_.-]{1,64})(?:\\{0,3}["'`\]]){0,2}\s{0,3}(?:=>|[:=]|%3[dD]))/gu

function redactAssignments(text: string): string {
  let out = ''
  let from = 0
  assignment.lastIndex = 0
  for (let match = assignment.exec(text); match !== null; match = assignment.exec(text)) {
    const end = match.index + match[0].length
    if (match.index < from || !isSecretKey(match[1] ?? '')) continue
    const value = valueAt(text, end, match[1] ?? '', match[0])
    if (value === undefined) continue
    out += text.slice(from, value.start) + redacted
    from = value.end
    assignment.lastIndex = Math.max(end, value.end)
  }
  return out + text.slice(from)
}

const toLineEnd = /(?:authori[sz]ation|cookie|passphrase)$/i
const doubtful = /^(?:.*[^\p{L}])?(?:session|auth|authentication|pass|token|bearer)$/iu
const opening = /\s{0,3}(\[?)\s{0,3}(\\{0,3})(["'`])/y
const gap = /[^\S\r\n]{0,8}/y

/** Where the value behind a separator begins and ends; undefined: there is none, or it is a word of a sentence. */
function valueAt(
  text: string,
  at: number,
  name: string,
  sign: string,
): { start: number; end: number } | undefined {
  opening.lastIndex = at
  const quote = opening.exec(text)
  if (quote !== null) {
    const start = at + quote[0].length
    if (quote[1] === '[') return { start, end: endOf(text, start, /[\]\r\n]/g) }
    return { start, end: closingQuote(text, start, quote[2] ?? '', quote[3] ?? '"') }
  }
  gap.lastIndex = at
  const start = at + (gap.exec(text)?.[0].length ?? 0)
  const lineEnd = endOf(text, start, /[\r\n]|\\[rn]/g)
  const wordEnd = Math.min(lineEnd, endOf(text, start, sign.startsWith('%') ? /[\s"'&]|%26/g : /[\s"'`]/g))
  if (wordEnd === start) return undefined
  const prose = sign === ':' && start > at
  if (toLineEnd.test(name)) {
    // `-H 'Authorization: …' http://…`: the quote that the header stands in ends it.
    const before = at - sign.length - name.length - 1
    const quoted = text[before] === '"' || text[before] === "'"
    const slash = /\\{0,3}$/.exec(text.slice(Math.max(0, before - 3), before))?.[0] ?? ''
    return {
      start,
      end: quoted ? Math.min(lineEnd, closingQuote(text, start, slash, text[before] ?? '')) : lineEnd,
    }
  }
  const word = text.slice(start, Math.min(wordEnd, start + 256))
  if (prose && doubtful.test(name))
    return /\d/.test(word) || word.length >= 16 ? { start, end: wordEnd } : undefined
  // `password: correct horse` as YAML writes it; a token has no spaces.
  if (prose && /(?:pass|pwd|pw|psk|secret)[a-z]*$/i.test(name)) return { start, end: lineEnd }
  return { start, end: wordEnd }
}

function endOf(text: string, from: number, stop: RegExp): number {
  stop.lastIndex = from
  return stop.exec(text)?.index ?? text.length
}

/** The same quote, escaped as often as the one that opened; an escaped one inside does not close. */
function closingQuote(text: string, from: number, slash: string, quote: string): number {
  for (let at = text.indexOf(quote, from); at !== -1; at = text.indexOf(quote, at + 1)) {
    let slashes = 0
    while (slashes < 8 && text[at - 1 - slashes] === '\\') slashes++
    if (slashes === slash.length || (slash.length === 0 && slashes % 2 === 0)) return at - slash.length
  }
  return text.length
}

/** `--password hunter2`, `-psk hunter2` */
const option = /(^|[\s"'[,])(--?([A-Za-z][\w-]{1,48})["']?[\s,]{1,4}["']?)([^\s"']{1,512})/g

const redactOption = (whole: string, before: string, head: string, name: string): string =>
  isSecretKey(name) ? `${before}${head}${redacted}` : whole

/** `"authorization", "x"` in a list and `"name":"password","value":"x"` in an object, as JSON text, escaped or not. */
const listed =
  /(["']([A-Za-z][\w.-]{1,63})\\{0,3}["']\s{0,2},\s{0,2}(?:\\{0,3}["']value\\{0,3}["']\s{0,2}:\s{0,2})?\\{0,3}["'])([^"'\n]{1,8192})/g

const redactListed = (whole: string, head: string, name: string): string =>
  isSecretKey(name) ? `${head}${redacted}` : whole

/** `with password hunter2`, `the secret is "correct horse"`: a word with a digit in it, or one in quotes. */
const spoken =
  /\b((?:password|passwd|passphrase|psk|secret|api[ _-]?key|access[ _-]?key|pre-?shared key)\s{1,3}(?:(?:is|was|of|for \S{1,64})\s{1,3})?)(?:\\{0,3}["'][^"'\n]{1,256}|(?=[^\s\d"']{0,64}\d)(?=[^\s]{6})[^\s"']{1,256})/gi

/** RFC 7519, and JWE with its five parts. */
const jwt =
  /\beyJ[A-Za-z0-9_-]{5,512}(?:\.|%2[eE])[A-Za-z0-9_-]{0,8192}(?:(?:\.|%2[eE])[A-Za-z0-9_-]{0,8192}){0,3}/g

/** The private parts of a JSON Web Key (RFC 7518 §6). */
const webKey = /(\b(?:d|p|q|dp|dq|qi|k)\\{0,3}["']\s{0,2}:\s{0,2}\\{0,3}["'])[A-Za-z0-9_+/=-]{8,4096}/g

/** Tokens that say themselves what they are, and our own password hashes. */
const knownTokens =
  /\b(?:gh[opsur]_[A-Za-z0-9]{16,255}|github_pat_\w{20,255}|glpat-[\w-]{16,64}|sk-[\w-]{16,255}|xox[abeprs]-[\w-]{10,255}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,64}|npm_[A-Za-z0-9]{30,64}|pgt_[\w-]{16,64}|whsec_[\w+/-]{16,128}={0,2})|\bscrypt\$[\w$.+/=-]{16,512}/g

/** 256 bits as base64url, which is what this program's own tokens and secrets are: 43 characters. */
const bareToken = /(?<![\w-])[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048](?![\w-])/g

/** Random text changes between capitals, small letters and digits all the time; names of devices and files seldom. */
function redactBareToken(word: string): string {
  let changes = 0
  let before = ''
  for (const char of word) {
    const kind =
      char >= '0' && char <= '9'
        ? 'd'
        : char >= 'a' && char <= 'z'
          ? 'l'
          : char >= 'A' && char <= 'Z'
            ? 'u'
            : before
    if (kind !== before) changes++
    before = kind
  }
  return changes >= 15 ? redacted : word
}

/** Command lines and codes that carry a secret in a place of their own. */
const tools: readonly RegExp[] = [
  /(\bmosquitto_\w{2,16}\b[^\n]{0,400}?\s-P\s{0,3})[^\s]{1,256}/g,
  /(\bwpa_passphrase\s{1,3}\S{1,64}\s{1,3})[^\s]{1,256}/g,
  /(\b(?:nmcli|wifi|wpa)\b[^\n]{0,200}?\bpassword\s{1,3})[^\s]{1,256}/gi,
  /(\bWIFI:(?:[TSHRIE]:[^;\n]{0,64};){0,6}P:)(?:[^;\\\n]|\\.){1,128}/g,
]

/** RFC 5322 addr-spec as people write it. Names of systemd units (getty@tty1.service) look alike. */
const email =
  /(?:"[^"\n@]{1,64}"|[\p{L}\p{N}._%+'-]{1,64}?)(?:@|%40)(?!\S{1,64}\.(?:service|socket|timer|target|mount|device|slice)\b)(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}(?![\p{L}\p{N}])/gu
