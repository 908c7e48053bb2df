import type { Result } from '../kernel/result.ts'
import { cobsDecode } from './cobs.ts'
import type { MessageFault } from './fields.ts'
import { decodeContent, type FrameFault, maxBodyBytes } from './frame.ts'
import { decodeBoardMessage, decodeCaps, decodeHostMessage } from './message-codec.ts'
import { messageName } from './message-name.ts'
import type { BoardMessage, Caps, HostMessage } from './messages.ts'
import { describeError } from './wire-errors.ts'

/** What a body means when it comes from one side. */
export interface Reading {
  readonly direction: 'host → board' | 'board → host' | 'either way'
  readonly message: HostMessage | BoardMessage
  /** An ERR in plain words. */
  readonly note?: string
  /** The capability record, where one CAPS holds all of it. */
  readonly caps?: Caps
}

/** One stretch of wire bytes, explained. Sound when `problems` is empty. */
export interface FrameExplanation {
  /** Where it begins in the bytes that were given, and how long it is there, delimiter included. */
  readonly offset: number
  readonly sizeBytes: number
  /** `cobs`: as on serial and TCP; `plain`: as on MQTT. */
  readonly encoding: 'cobs' | 'plain'
  /** Absent when there are too few bytes for one. Not to be trusted when the CRC is wrong. */
  readonly header?: {
    readonly version: number
    readonly type: number
    readonly name: string
    readonly session: number
    readonly seq: number
    readonly bodyBytes: number
  }
  /** The body under each direction that can have sent it; both where they differ. */
  readonly readings: readonly Reading[]
  /** What is wrong, each in one sentence. */
  readonly problems: readonly string[]
}

/**
 * Explains raw bytes of the wire: one or several frames with COBS and delimiters, or one frame without (SPEC §1).
 * Never fails; what cannot be read is said in `problems`.
 */
export function explainFrame(bytes: Uint8Array): FrameExplanation[] {
  if (decodeContent(bytes).ok) return [explainContent(bytes, 0, bytes.length, 'plain', [])]
  const explanations: FrameExplanation[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const delimiterAt = bytes.indexOf(0, offset)
    const end = delimiterAt < 0 ? bytes.length : delimiterAt
    const next = Math.min(bytes.length, end + 1)
    if (end > offset) explanations.push(explainCobs(bytes.subarray(offset, end), offset, next - offset))
    offset = next
  }
  const nothingFits = explanations.every(explanation => explanation.header === undefined)
  return nothingFits && looksPlain(bytes)
    ? [explainContent(bytes, 0, bytes.length, 'plain', [])]
    : explanations
}

/** A damaged frame from MQTT still begins with the version and a type. */
const looksPlain = (bytes: Uint8Array): boolean => {
  const first = bytes[0] ?? 0
  return bytes.length >= 8 && first >>> 6 === 1 && messageName(first & 0x3f) !== undefined
}

function explainCobs(code: Uint8Array, offset: number, sizeBytes: number): FrameExplanation {
  const problems =
    sizeBytes === code.length ? ['No 0x00 ends the frame; a receiver is still waiting for it.'] : []
  const content = cobsDecode(code)
  if (content.ok) return explainContent(content.value, offset, sizeBytes, 'cobs', problems)
  const torn = 'The COBS code points past the end: bytes are missing, or this is noise.'
  return { offset, sizeBytes, encoding: 'cobs', readings: [], problems: [torn, ...problems] }
}

function explainContent(
  content: Uint8Array,
  offset: number,
  sizeBytes: number,
  encoding: 'cobs' | 'plain',
  earlier: readonly string[],
): FrameExplanation {
  const decoded = decodeContent(content)
  const problems = [...(decoded.ok ? [] : [frameProblem(decoded.fault)]), ...earlier]
  const place = { offset, sizeBytes, encoding }
  const [first, session, low, high] = content
  if (
    first === undefined ||
    session === undefined ||
    low === undefined ||
    high === undefined ||
    content.length < 8
  )
    return { ...place, readings: [], problems }
  const type = first & 0x3f
  const body = content.subarray(4, content.length - 4)
  const header = {
    version: first >>> 6,
    type,
    name: messageName(type) ?? 'unknown type',
    session,
    seq: low | (high << 8),
    bodyBytes: body.length,
  }
  if (!decoded.ok) return { ...place, header, readings: [], problems }
  if (header.version !== 1) problems.push(`The version is ${header.version}; this program speaks version 1.`)
  const { readings, problem } = readBody(type, body)
  if (problem !== undefined) problems.push(problem)
  return { ...place, header, readings, problems }
}

function frameProblem(fault: FrameFault): string {
  switch (fault.kind) {
    case 'too-short':
      return `A frame has 8 bytes or more; here are ${fault.sizeBytes}.`
    case 'too-long':
      return `A body has ${maxBodyBytes} bytes at most; here are ${fault.bodyBytes}.`
    case 'bad-crc':
      return `The CRC is wrong: the bytes give ${hex32(fault.computed)}, the frame says ${hex32(fault.received)}.`
  }
}

function readBody(type: number, body: Uint8Array): { readings: Reading[]; problem?: string } {
  const host = decodeHostMessage(type, body)
  const board = decodeBoardMessage(type, body)
  if (host.ok && board.ok && sameShape(host.value, board.value))
    return { readings: [{ direction: 'either way', message: host.value }] }
  const readings: Reading[] = []
  if (host.ok) readings.push({ direction: 'host → board', message: host.value })
  if (board.ok) readings.push({ direction: 'board → host', message: board.value, ...inWords(board.value) })
  return readings.length > 0 ? { readings } : { readings, problem: bodyProblem(type, body, [host, board]) }
}

function inWords(message: BoardMessage): { note?: string; caps?: Caps } {
  if (message.type === 'ERR')
    return { note: describeError(message.code, message.requestType, message.detail) }
  if (message.type !== 'CAPS' || message.pages !== 1) return {}
  const caps = decodeCaps(message.bytes)
  return caps.ok ? { caps: caps.value } : {}
}

const sameShape = (a: object, b: object) => Object.keys(a).join() === Object.keys(b).join()

function bodyProblem(
  type: number,
  body: Uint8Array,
  results: readonly Result<HostMessage | BoardMessage, MessageFault>[],
): string {
  const name = messageName(type)
  if (name === undefined) return `Type ${hex8(type)} is not in version 1 of the protocol.`
  const lengths = new Set<number>()
  let invalidAt: number | undefined
  for (const result of results) {
    if (result.ok) continue
    if (result.fault.error === 'BAD_LENGTH') lengths.add(result.fault.expectedBytes)
    if (result.fault.error === 'BAD_ARGUMENT') invalidAt = result.fault.offset
  }
  if (invalidAt !== undefined)
    return `Byte ${invalidAt} of the body of ${name} has a value that it cannot have.`
  if (lengths.size === 0) return `${name} is reserved; version 1 gives its body no form.`
  return `The body of ${name} should have ${[...lengths].join(' or ')} bytes; here are ${body.length}.`
}

const hex8 = (value: number) => `0x${value.toString(16).padStart(2, '0')}`
const hex32 = (value: number) => `0x${value.toString(16).padStart(8, '0')}`
