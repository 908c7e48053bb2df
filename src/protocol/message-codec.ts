import { fail, ok, type Result } from '../kernel/result.ts'
import type { Layout, MessageFault } from './fields.ts'
import * as layouts from './message-layouts.ts'
import { messageName } from './message-name.ts'
import type { BoardMessage, Caps, HostMessage, MessageName } from './messages.ts'
import { decodePairReply, decodePairRequest, encodePairReply, encodePairRequest } from './pair-codec.ts'
import { decodeTlvs, encodeTlvs } from './tlv.ts'
import { decodeText, encodeName, encodeText } from './utf8.ts'

/** Why bytes are no capability record. */
export type CapsFault =
  | { readonly kind: 'too-short'; readonly expectedBytes: number; readonly gotBytes: number }
  | { readonly kind: 'bad-tlv' }

/** A layout whose field types no longer matter. */
interface FixedLayout {
  read(body: Uint8Array): Result<object, MessageFault>
  write(value: never): Uint8Array
}
type FixedLayouts = Readonly<Partial<Record<MessageName, FixedLayout>>>

/** Bodies with the same fixed form in both directions (SPEC §1.10). */
const mirrored = {
  SETBAUD: layouts.baudOnly,
  ACTIVATE: layouts.activate,
  CONFIRM: layouts.slotAndId,
  DELETE: layouts.slotAndId,
  SELECT: layouts.slotAndId,
  ABORT: layouts.idOnly,
  BRIGHTNESS: layouts.levelOnly,
  IDENTIFY: layouts.msOnly,
  SETID: layouts.uuidOnly,
  REBOOT: layouts.empty,
}

const fixedFromHost: FixedLayouts = {
  ...mirrored,
  PROBE: layouts.empty,
  ROLLBACK: layouts.empty,
  PLAY: layouts.empty,
  STOP: layouts.empty,
  NEXT: layouts.empty,
  PREVIOUS: layouts.empty,
  STATUS: layouts.empty,
  BEGIN: layouts.beginRequest,
  HAVEQ: layouts.haveRequest,
  VERIFY: layouts.verifyRequest,
  BLOCKS: layouts.blocksRequest,
  LIST: layouts.slotOnly,
}

const fixedFromBoard: FixedLayouts = {
  ...mirrored,
  ERR: layouts.err,
  BUSY: layouts.busy,
  ACK: layouts.ackState,
  ECHO: layouts.ackState,
  BEGIN: layouts.beginReply,
  COPY: layouts.copyReply,
  ROLLBACK: layouts.slotOnly,
  PLAY: layouts.playing,
  STOP: layouts.playing,
  NEXT: layouts.playing,
  PREVIOUS: layouts.playing,
  STATUS: layouts.status,
  FRAME: layouts.empty,
  FILL: layouts.empty,
}

const listFlags = { active: 1, trial: 2 } as const
const capsFlags = { paired: 1, transferOpen: 2, trialRunning: 4 } as const
const nameTags = { firmwareName: 1, firmwareVersion: 2, boardName: 3 } as const
/** Bytes of a digest by its `alg` (SPEC §7.1). */
const digestBytes: readonly number[] = [32, 16]

/** The body of a message from the host (SPEC §3 – §8). A field that does not fit its width throws a RangeError. */
export function encodeHostMessage(message: HostMessage): Uint8Array {
  switch (message.type) {
    case 'DATA':
    case 'LINKTEST':
      return message.bytes
    case 'HELLO':
      return layouts.hello.write(message)
    case 'COPY':
      return Buffer.concat(message.runs.map(run => layouts.run.write(run)))
    case 'FRAME':
      return layouts.liveFrame.write(message, message.bytes)
    case 'FILL':
      return layouts.fill.write({ holdMs: message.holdMs, channels: message.value.length }, message.value)
    case 'PAIR':
      return encodePairRequest(message)
    default:
      return writeFixed(fixedFromHost, message)
  }
}

/** The message in a body from the host. Bytes of open length are views of `body`, identifiers are copies. */
export function decodeHostMessage(type: number, body: Uint8Array): Result<HostMessage, MessageFault> {
  const name = messageName(type)
  switch (name) {
    case 'DATA':
    case 'LINKTEST':
      return ok({ type: name, bytes: body })
    case 'HELLO':
      return withTail(layouts.hello, body, (fixed, tail) =>
        decodeTlvs(tail).ok ? ok({ type: name, ...fixed }) : badLength(layouts.hello.sizeBytes, body),
      )
    case 'COPY':
      return table(layouts.run, body, Math.max(1, Math.ceil(body.length / layouts.run.sizeBytes)), runs =>
        ok({ type: name, runs }),
      )
    case 'FRAME':
      return withTail(layouts.liveFrame, body, (fixed, bytes) => ok({ type: name, ...fixed, bytes }))
    case 'FILL':
      return withTail(layouts.fill, body, ({ holdMs, channels }, value) =>
        value.length === channels
          ? ok({ type: name, holdMs, value })
          : badLength(layouts.fill.sizeBytes + channels, body),
      )
    case 'PAIR':
      return decodePairRequest(body)
    default:
      return readFixed<HostMessage>(fixedFromHost, name, type, body)
  }
}

/** The body of a message from the board (SPEC §3 – §8). A field that does not fit its width throws a RangeError. */
export function encodeBoardMessage(message: BoardMessage): Uint8Array {
  switch (message.type) {
    case 'LINKTEST':
      return message.bytes
    case 'CAPS':
      return layouts.capsPage.write(message, message.bytes)
    case 'HAVE':
      return layouts.have.write(message, message.bitmap)
    case 'VERIFY':
      return layouts.verifyReply.write(message, message.digest)
    case 'BLOCKS':
      return layouts.blocksReply.write(
        message,
        Buffer.concat(message.entries.map(entry => layouts.blockEntry.write(entry))),
      )
    case 'LIST': {
      const name = encodeName(message.name)
      return layouts.listReply.write(
        { ...message, flags: bits(listFlags, message), nameBytes: name.length },
        name,
      )
    }
    case 'LOG':
      return encodeText(message.text)
    case 'PAIR':
      return encodePairReply(message)
    default:
      return writeFixed(fixedFromBoard, message)
  }
}

/** The message in a body from the board. Bytes of open length are views of `body`, identifiers are copies. */
export function decodeBoardMessage(type: number, body: Uint8Array): Result<BoardMessage, MessageFault> {
  const name = messageName(type)
  switch (name) {
    case 'LINKTEST':
      return ok({ type: name, bytes: body })
    case 'CAPS':
      return withTail(layouts.capsPage, body, (fixed, bytes) => ok({ type: name, ...fixed, bytes }))
    case 'HAVE':
      return withTail(layouts.have, body, (fixed, bitmap) => ok({ type: name, ...fixed, bitmap }))
    case 'VERIFY':
      return withTail(layouts.verifyReply, body, (fixed, digest) => {
        const expectedBytes = digestBytes[fixed.alg]
        if (expectedBytes === undefined) return fail({ error: 'BAD_ARGUMENT', offset: 0 })
        if (digest.length !== expectedBytes)
          return badLength(layouts.verifyReply.sizeBytes + expectedBytes, body)
        return ok({ type: name, ...fixed, digest })
      })
    case 'BLOCKS':
      return withTail(layouts.blocksReply, body, (fixed, tail) =>
        table(layouts.blockEntry, tail, Math.ceil(tail.length / layouts.blockEntry.sizeBytes), entries =>
          ok({ type: name, ...fixed, entries }),
        ),
      )
    case 'LIST':
      return withTail(layouts.listReply, body, ({ flags, nameBytes, ...rest }, tail) =>
        tail.length === nameBytes
          ? ok({ type: name, ...rest, ...unbits(listFlags, flags), name: decodeText(tail) })
          : badLength(layouts.listReply.sizeBytes + nameBytes, body),
      )
    case 'LOG':
      return ok({ type: name, text: decodeText(body) })
    case 'PAIR':
      return decodePairReply(body)
    default:
      return readFixed<BoardMessage>(fixedFromBoard, name, type, body)
  }
}

/** The capability record, all pages joined (SPEC §3.2). Names are cut at 32 bytes; an empty name is left out. */
export function encodeCaps(caps: Caps): Uint8Array {
  const names = (['firmwareName', 'firmwareVersion', 'boardName'] as const)
    .filter(name => caps[name] !== '')
    .map(name => [nameTags[name], encodeName(caps[name])] as const)
  return Buffer.concat([encodeCapsRecord(caps), encodeTlvs(names)])
}

/** Its fixed part alone. */
export const encodeCapsRecord = (caps: Caps): Uint8Array =>
  layouts.capsRecord.write({ ...caps, flags: bits(capsFlags, caps), zero: 0 })

export function decodeCaps(record: Uint8Array): Result<Caps, CapsFault> {
  const expectedBytes = layouts.capsRecord.sizeBytes
  const front = layouts.capsRecord.readFront(record)
  if (!front.ok) return fail({ kind: 'too-short', expectedBytes, gotBytes: record.length })
  const tlvs = decodeTlvs(record.subarray(expectedBytes))
  if (!tlvs.ok) return fail({ kind: 'bad-tlv' })
  const { flags, zero: _, ...rest } = front.value
  const name = (tag: number) => decodeText(tlvs.value.get(tag) ?? new Uint8Array(0))
  return ok({
    ...rest,
    ...unbits(capsFlags, flags),
    firmwareName: name(nameTags.firmwareName),
    firmwareVersion: name(nameTags.firmwareVersion),
    boardName: name(nameTags.boardName),
  })
}

const badLength = (expectedBytes: number, body: Uint8Array) =>
  fail({ error: 'BAD_LENGTH' as const, expectedBytes, gotBytes: body.length })

type FlagBits = Readonly<Record<string, number>>

function bits<F extends FlagBits>(table: F, flags: { readonly [K in keyof F]: boolean }): number {
  return Object.entries(table).reduce((byte, [name, bit]) => byte | (flags[name] ? bit : 0), 0)
}

function unbits<F extends FlagBits>(table: F, byte: number): { readonly [K in keyof F]: boolean } {
  const entries = Object.entries(table).map(([name, bit]) => [name, (byte & bit) !== 0])
  return Object.fromEntries(entries)
}

/** The tables of layouts are checked against the message types by their round trips in the tests. */
const writeFixed = (table: FixedLayouts, message: { readonly type: MessageName }): Uint8Array =>
  (table[message.type] ?? layouts.empty).write(message as never)

function readFixed<M>(
  table: FixedLayouts,
  name: MessageName | undefined,
  type: number,
  body: Uint8Array,
): Result<M, MessageFault> {
  const fields = name === undefined ? undefined : table[name]?.read(body)
  if (fields === undefined) return fail({ error: 'UNSUPPORTED', type })
  return fields.ok ? ok({ type: name, ...fields.value } as M) : fields
}

function withTail<T, M>(
  fixed: Layout<T>,
  body: Uint8Array,
  build: (value: T, tail: Uint8Array) => Result<M, MessageFault>,
): Result<M, MessageFault> {
  const front = fixed.readFront(body)
  return front.ok ? build(front.value, body.subarray(fixed.sizeBytes)) : front
}

function table<T, M>(
  row: Layout<T>,
  bytes: Uint8Array,
  count: number,
  build: (rows: T[]) => Result<M, MessageFault>,
): Result<M, MessageFault> {
  if (bytes.length !== count * row.sizeBytes) return badLength(count * row.sizeBytes, bytes)
  const rows: T[] = []
  for (let at = 0; at < bytes.length; at += row.sizeBytes) {
    const read = row.readFront(bytes.subarray(at))
    if (!read.ok) return read
    rows.push(read.value)
  }
  return build(rows)
}
