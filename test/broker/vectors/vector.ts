/**
 * `[clause, name, send, expected]`.
 *
 * Bytes are written in hexadecimal digits, with `'text'` for a UTF-8 string behind its length (MQTT 3.1.1 §1.5.3), `<text>`
 * for bare UTF-8, `{text:count}` within both for repetitions, `*` for the remaining length of what follows (§2.2.3), and `|`
 * between packets. `@` in a text stands for the vector's own topics, `%` for its client id; `??` in an answer for any byte.
 */
export type Vector = readonly [clause: string, name: string, send: string, expected: Expected]

/** Packets in any order, after which the connection still stands; or how it ends. */
export type Expected = string
export const closed = 'closed'
/** Messages besides. */
export const more = 'more'
/** A CONNACK with this return code, and then the end (§3.2.2.3). */
export const refused = (returnCode: number): Expected => `20 02 00 0${returnCode} | closed`
export const welcome = '20 02 00 00'

const tokens = /'([^']*)'|<([^>]*)>|([0-9a-f?]+)|(\*)/g

/** Each packet as hexadecimal digits, with `?` where any digit will do. */
export function packets(notation: string, own: Own): string[] {
  return notation
    .split('|')
    .map(part => part.trim())
    .filter(part => part !== '' && part !== closed && part !== more)
    .map(part => onePacket(part, own))
}

/** What is different in each run. */
export interface Own {
  /** Of four letters. */
  readonly clientId: string
  /** What the topics begin with. */
  readonly root: string
}

function onePacket(notation: string, own: Own): string {
  let head: string | undefined
  let hex = ''
  for (const [, counted, bare, digits, star] of notation.matchAll(tokens)) {
    if (star !== undefined) {
      head = hex
      hex = ''
    } else if (counted !== undefined) {
      const bytes = Buffer.from(expanded(counted, own))
      hex += bytes.length.toString(16).padStart(4, '0') + bytes.toString('hex')
    } else {
      hex += digits ?? Buffer.from(expanded(bare ?? '', own)).toString('hex')
    }
  }
  return head === undefined ? hex : head + lengthOf(hex.length / 2) + hex
}

const expanded = (text: string, { clientId, root }: Own): string =>
  text
    .replace('@', root)
    .replace('%', clientId)
    .replace(/\{(.+?):(\d+)\}/g, (_, part: string, count: string) => part.repeat(Number(count)))

function lengthOf(count: number): string {
  const bytes: number[] = []
  let rest = count
  do {
    bytes.push((rest & 127) | (rest > 127 ? 128 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.from(bytes).toString('hex')
}
