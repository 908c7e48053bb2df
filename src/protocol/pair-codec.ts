import { fail, ok, type Result } from '../kernel/result.ts'
import { id16, layout, type MessageFault, u8, u32 } from './fields.ts'

/** What the host says of keys and proofs (SPEC §9.4). Nonces, keys and proofs have 16 bytes. */
export type PairRequest =
  | {
      readonly type: 'PAIR'
      readonly op: 'challenge'
      /** As in SPEC §10.2. */
      readonly mac: number
      readonly nonce: Uint8Array
    }
  | { readonly type: 'PAIR'; readonly op: 'prove' | 'clear'; readonly proof: Uint8Array }
  | { readonly type: 'PAIR'; readonly op: 'set'; readonly key: Uint8Array; readonly proof: Uint8Array }

/** What the board answers. */
export type PairReply =
  | {
      readonly type: 'PAIR'
      readonly op: 'challenge'
      readonly mac: number
      /** Highest that was active under the key. */
      readonly generation: number
      readonly nonce: Uint8Array
      readonly proof: Uint8Array
    }
  | { readonly type: 'PAIR'; readonly op: 'prove' | 'set' | 'clear' }

const ops = ['challenge', 'prove', 'set', 'clear'] as const
const opOnly = layout({ op: u8 })
const challengeRequest = layout({ op: u8, mac: u8, nonce: id16 })
const proofRequest = layout({ op: u8, proof: id16 })
const setRequest = layout({ op: u8, key: id16, proof: id16 })
const challengeReply = layout({ op: u8, mac: u8, generation: u32, nonce: id16, proof: id16 })

export function encodePairRequest(message: PairRequest): Uint8Array {
  const op = ops.indexOf(message.op)
  switch (message.op) {
    case 'challenge':
      return challengeRequest.write({ ...message, op })
    case 'set':
      return setRequest.write({ ...message, op })
    default:
      return proofRequest.write({ ...message, op })
  }
}

export function decodePairRequest(body: Uint8Array): Result<PairRequest, MessageFault> {
  const op = readOp(body)
  if (!op.ok) return op
  switch (op.value) {
    case 'challenge':
      return named(challengeRequest.read(body), op.value)
    case 'set':
      return named(setRequest.read(body), op.value)
    default:
      return named(proofRequest.read(body), op.value)
  }
}

export function encodePairReply(message: PairReply): Uint8Array {
  const op = ops.indexOf(message.op)
  return message.op === 'challenge' ? challengeReply.write({ ...message, op }) : opOnly.write({ op })
}

export function decodePairReply(body: Uint8Array): Result<PairReply, MessageFault> {
  const op = readOp(body)
  if (!op.ok) return op
  return op.value === 'challenge'
    ? named(challengeReply.read(body), op.value)
    : named(opOnly.read(body), op.value)
}

function readOp(body: Uint8Array): Result<(typeof ops)[number], MessageFault> {
  const front = opOnly.readFront(body)
  if (!front.ok) return front
  const op = ops[front.value.op]
  return op === undefined ? fail({ error: 'BAD_ARGUMENT', offset: 0 }) : ok(op)
}

/** With the name of the operation in the place of its number. */
const named = <T extends { readonly op: number }, Op extends string>(
  fields: Result<T, MessageFault>,
  op: Op,
): Result<Omit<T, 'op'> & { readonly type: 'PAIR'; readonly op: Op }, MessageFault> =>
  fields.ok ? ok({ type: 'PAIR', ...fields.value, op }) : fields
