import { encodeBoardMessage, encodeHostMessage } from '../../src/protocol/message-codec.ts'
import { type BoardMessage, type HostMessage, messageTypes } from '../../src/protocol/messages.ts'
import { hex } from './hex.ts'

interface Refused {
  readonly name: string
  readonly direction: 'host' | 'board'
  readonly type: number
  readonly body: string
  readonly error: 'UNSUPPORTED' | 'BAD_LENGTH' | 'BAD_ARGUMENT'
  /** `detail` of the ERR, where SPEC fixes it. */
  readonly detail?: number
}

/** Bodies of fixed length with one byte too few and one too many (SPEC §2.2). */
function wrongLengths(
  direction: 'host' | 'board',
  name: keyof typeof messageTypes,
  body: Uint8Array,
): Refused[] {
  const refused = (text: string, wrong: Uint8Array): Refused => ({
    name: `${name} with ${text}`,
    direction,
    type: messageTypes[name],
    body: hex(wrong),
    error: 'BAD_LENGTH',
    detail: body.length,
  })
  const long = refused('one byte too many', Buffer.concat([body, Uint8Array.of(0)]))
  return body.length === 0 ? [long] : [refused('one byte too few', body.subarray(0, -1)), long]
}

const open = {
  host: ['HELLO', 'LINKTEST', 'DATA', 'COPY', 'FRAME', 'FILL', 'PAIR'],
  board: ['CAPS', 'LINKTEST', 'HAVE', 'VERIFY', 'BLOCKS', 'LIST', 'LOG', 'PAIR'],
}

/** Bodies that are no message, made from one sound message of each type and by hand. */
export function refusedMessages(
  fromHost: readonly HostMessage[],
  fromBoard: readonly BoardMessage[],
): Refused[] {
  const vectors: Refused[] = []
  const seen = new Set<string>()
  const once = (direction: 'host' | 'board', name: keyof typeof messageTypes, body: Uint8Array) => {
    if (seen.has(direction + name) || open[direction].includes(name)) return
    seen.add(direction + name)
    vectors.push(...wrongLengths(direction, name, body))
  }
  for (const message of fromHost) once('host', message.type, encodeHostMessage(message))
  for (const message of fromBoard) once('board', message.type, encodeBoardMessage(message))
  const { HELLO, COPY, FRAME, FILL, PAIR, TIME, TEST, CAPS, HAVE, VERIFY, BLOCKS, LIST } = messageTypes
  const bad = (
    direction: 'host' | 'board',
    name: string,
    type: number,
    body: string,
    error: Refused['error'],
    detail?: number,
  ) =>
    vectors.push({
      name,
      direction,
      type,
      body: body.replaceAll(' ', ''),
      error,
      ...(detail === undefined ? {} : { detail }),
    })
  bad('host', 'HELLO with one byte too few', HELLO, '01 01 0010', 'BAD_LENGTH', 5)
  bad('host', 'HELLO with a TLV without its length', HELLO, '01 01 0010 00 07', 'BAD_LENGTH', 5)
  bad(
    'host',
    'HELLO with a TLV that runs past the end',
    HELLO,
    '01 01 0010 00 07 00 c8 02 01',
    'BAD_LENGTH',
    5,
  )
  bad('host', 'COPY without a run', COPY, '', 'BAD_LENGTH')
  bad('host', 'COPY with a cut run', COPY, '00 0000 0000 0100 01', 'BAD_LENGTH')
  bad('host', 'FRAME without its fixed part', FRAME, '0000 0000', 'BAD_LENGTH', 5)
  bad('host', 'FILL with fewer values than channels', FILL, '0000 03 0102', 'BAD_LENGTH', 6)
  bad('host', 'FILL with more values than channels', FILL, '0000 03 01020304', 'BAD_LENGTH', 6)
  bad('host', 'PAIR without an operation', PAIR, '', 'BAD_LENGTH', 1)
  bad('host', 'PAIR with an unknown operation', PAIR, '04', 'BAD_ARGUMENT', 0)
  for (const [op, size] of [18, 17, 33, 17].entries()) {
    const body = `0${op}${'01'.repeat(size - 1)}`
    bad('host', `PAIR of operation ${op} with one byte too few`, PAIR, body.slice(0, -2), 'BAD_LENGTH', size)
    bad('host', `PAIR of operation ${op} with one byte too many`, PAIR, `${body}00`, 'BAD_LENGTH', size)
  }
  bad('board', 'PAIR with a cut answer to CHALLENGE', PAIR, `00${'01'.repeat(36)}`, 'BAD_LENGTH', 38)
  bad('board', 'PAIR with more than the operation', PAIR, '0100', 'BAD_LENGTH', 1)
  bad('board', 'PAIR with an unknown operation', PAIR, '09', 'BAD_ARGUMENT', 0)
  for (const type of [0x00, 0x09, 0x1c, 0x32, 0x3f])
    bad('host', `type 0x${type.toString(16)}, which nobody knows`, type, '', 'UNSUPPORTED')
  for (const [name, type] of Object.entries({ TIME, TEST }))
    bad('host', `${name}, which is reserved`, type, '00', 'UNSUPPORTED')
  for (const name of ['CAPS', 'BUSY', 'ECHO', 'HAVE', 'ACK', 'LOG'] as const)
    bad('host', `${name}, which a board sends`, messageTypes[name], '00', 'UNSUPPORTED')
  bad('board', 'CAPS without its fixed part', CAPS, '00', 'BAD_LENGTH', 2)
  bad('board', 'HAVE without its fixed part', HAVE, '00'.repeat(12), 'BAD_LENGTH', 13)
  bad(
    'board',
    'VERIFY with a SHA-256 that is too short',
    VERIFY,
    `00${'11'.repeat(8 + 31)}`,
    'BAD_LENGTH',
    41,
  )
  bad('board', 'VERIFY with a SipHash that is too long', VERIFY, `01${'11'.repeat(8 + 32)}`, 'BAD_LENGTH', 25)
  bad('board', 'VERIFY with an unknown algorithm', VERIFY, `02${'11'.repeat(8 + 32)}`, 'BAD_ARGUMENT', 0)
  bad('board', 'BLOCKS with a cut entry', BLOCKS, '00 0000 0100 11223344 0500 02', 'BAD_LENGTH')
  bad('board', 'LIST with a cut name', LIST, `${'00'.repeat(32)} 02 41`, 'BAD_LENGTH', 35)
  bad('board', 'DATA, which the host sends', messageTypes.DATA, '00', 'UNSUPPORTED')
  return vectors
}
