import { type BoardMessage, type Caps, type HostMessage, messageTypes } from '../messages.ts'
import { sipHash128 } from '../siphash.ts'
import { errorCodes } from '../wire-errors.ts'
import type { BodySize } from './body-size.ts'
import { copyRuns, type HeldTable } from './delta.ts'
import { manifestBlock, type Payload, type SegmentStart } from './segment.ts'

/** ERR as the board sent it (SPEC §2.6). */
export interface Refusal {
  readonly code: number
  readonly requestType: number
  readonly detail: number
}

export type SenderFault =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'session_lost' }
  | { readonly kind: 'mute' }
  | { readonly kind: 'stalled' }
  | { readonly kind: 'digest'; readonly expected: Uint8Array; readonly got: Uint8Array }
  | { readonly kind: 'unexpected'; readonly what: string }

export type SenderOutcome =
  | {
      readonly ok: true
      readonly slot: number
      readonly digest: { readonly alg: 'sha256' | 'siphash128'; readonly value: Uint8Array }
    }
  | { readonly ok: false; readonly fault: SenderFault }

export type Phase = 'preparing' | 'transferring' | 'verifying' | 'trial' | 'confirmed'

export interface TransferPlan {
  readonly caps: Caps
  readonly payload: Payload
  readonly id: Uint8Array
  /** SHA-256 of the image. */
  readonly sha256: Uint8Array
  readonly manifestCrc: number
  readonly trialSeconds: number
  /** Copy blocks that the board already holds in other slots. */
  readonly delta: boolean
  /** 16 random bytes: key of the digest on boards without SHA-256. */
  readonly digestKey: Uint8Array
  /** On a paired board the digest is under this instead of `digestKey` (SPEC §9.8). */
  readonly pairedDigestKey?: Uint8Array | undefined
}

/** What the conversation asks of its driver; the answer comes back from `yield`. */
export type Step =
  | { readonly do: 'request'; readonly message: HostMessage }
  /** `fixed`: the board has chosen the size of the bodies. */
  | {
      readonly do: 'stream'
      readonly start: SegmentStart
      readonly firstSeq: number
      readonly fixed: boolean
    }

export type Answer =
  | { readonly got: 'reply'; readonly message: BoardMessage }
  | { readonly got: 'refusal'; readonly refusal: Refusal }
  /** `stalled`: the board answers, and takes nothing of the image. */
  | { readonly got: 'delivered' | 'resize' | 'stalled' }
  /** The board has opened a segment by itself (SPEC §5.3), which replaces the one that runs. */
  | { readonly got: 'pulled'; readonly have: Have }

/** Shared with the driver: what the conversation knows at any moment. */
export interface Notebook {
  phase: Phase
  readonly bodySize: BodySize
  /** First seq that no DATA of this session has used. */
  nextDataSeq: number
  /** Blocks that the board has told us are durable. */
  durable: number
  resentBlocks: number
  /** Bytes of the image that the board held when the running segment began. */
  heldBytes: number
  copiedBytes: number
  resumed: boolean
}

type Steps<T> = Generator<Step, T, Answer>
export type Have = Extract<BoardMessage, { type: 'HAVE' }>
/** Why a round has to start afresh, without COPY and without what the board holds. */
type Afresh = { readonly kind: 'afresh'; readonly fault: SenderFault }

const anySlot = 255
const wholeAttempts = 2
/** SPEC §5.11. */
const roundsBeforeAfresh = 2
const idleRounds = 20
const copyRunBytes = 7

/** The whole talk after the handshake: BEGIN … CONFIRM (SPEC §4–§7), as one straight story. */
export function* conversation(plan: TransferPlan, notes: Notebook): Steps<SenderOutcome> {
  let fault: SenderFault = { kind: 'unexpected', what: 'no attempt was made' }
  for (let attempt = 0; attempt < wholeAttempts; attempt++) {
    const result = yield* attemptOnce(plan, notes, attempt > 0)
    if (!('kind' in result)) return result
    fault = result.fault
  }
  return { ok: false, fault }
}

function* attemptOnce(plan: TransferPlan, notes: Notebook, fresh: boolean): Steps<SenderOutcome | Afresh> {
  notes.phase = 'preparing'
  const { payload, id } = plan
  const begun = yield* ask({
    type: 'BEGIN',
    id,
    manifestBytes: payload.manifest.length,
    manifestCrc: plan.manifestCrc,
    imageBytes: payload.image.length,
    blocks: payload.blocks.length,
    slot: anySlot,
    fresh,
  })
  if (begun.type !== 'BEGIN') return failure(begun)
  notes.resumed ||= begun.state !== 0
  if (begun.state !== 2) {
    const held = plan.delta && !fresh ? yield* heldTables(plan.caps, begun.slot) : []
    const undelivered = yield* deliver(plan, notes, held, fresh)
    if (undelivered !== undefined) return begun.state === 1 ? resumable(undelivered) : undelivered
  }
  const { slot } = begun
  notes.phase = 'verifying'
  const digest = yield* verify(plan)
  if ('kind' in digest) return digest.kind === 'afresh' ? digest : { ok: false, fault: digest }
  notes.phase = 'trial'
  const activated = yield* ask({ type: 'ACTIVATE', slot, id, trialSeconds: plan.trialSeconds })
  if (activated.type !== 'ACTIVATE') return failure(activated)
  const confirmed = yield* ask({ type: 'CONFIRM', slot, id })
  if (confirmed.type !== 'CONFIRM') return failure(confirmed)
  notes.phase = 'confirmed'
  return { ok: true, slot, digest }
}

/** Sends what the board lacks until it lacks nothing. */
function* deliver(
  plan: TransferPlan,
  notes: Notebook,
  held: readonly HeldTable[],
  fresh: boolean,
): Steps<SenderOutcome | Afresh | undefined> {
  let toCopy = held
  let unchanged = 0
  let lastPlace = ''
  let brokenRounds = 0
  let manifestSent = false
  let pulled: Have | undefined
  for (;;) {
    const have = yield* askHave(plan, notes, pulled)
    pulled = undefined
    if (!('isMissing' in have)) return failure(have)
    if (have.missing === 0 && have.block !== manifestBlock) return undefined
    // The manifest counts as a block: it was delivered whole and is wanted again, so its CRC was wrong. Where that goes on afresh, it ends as a stall.
    const isSpoilt = !fresh && manifestSent && have.block === manifestBlock
    if (isSpoilt && ++brokenRounds >= roundsBeforeAfresh) return broken(manifestBlock)
    const place = `${have.block}/${have.offset}/${have.missing}`
    unchanged = place === lastPlace ? unchanged + 1 : 0
    lastPlace = place
    if (unchanged > idleRounds) return stalled(have.block)
    if (have.block !== manifestBlock) {
      notes.phase = 'transferring'
      if (toCopy.length > 0) {
        const runs = copyRuns(plan.payload.blocks, have.isMissing, toCopy)
        toCopy = []
        if (runs.length > 0) {
          const refused = yield* copy(plan, notes, runs)
          if (refused !== undefined) return failure(refused)
          continue
        }
      }
    }
    const end = yield { do: 'stream', start: have, firstSeq: have.firstSeq, fixed: have.fixed }
    if (end.got === 'pulled') pulled = end.have
    if (end.got === 'refusal') return failure({ type: 'REFUSED', refusal: end.refusal })
    if (end.got === 'stalled') return stalled(have.block)
    if (end.got === 'resize') notes.bodySize.change(notes.bodySize.best())
    manifestSent = end.got === 'delivered' && have.block === manifestBlock
    // A segment that was delivered whole and still leaves blocks missing means blocks failed their CRC (SPEC §5.11).
    const isBroken =
      end.got === 'delivered' && have.block !== manifestBlock && notes.durable < plan.payload.blocks.length
    if (isBroken && ++brokenRounds >= roundsBeforeAfresh) return broken(0)
  }
}

/** With a manifest in its storage that has rotted, a board takes no frame of the image, as it expects others. */
const stalled = (block: number): SenderOutcome | Afresh =>
  block === manifestBlock
    ? { ok: false, fault: { kind: 'stalled' } }
    : { kind: 'afresh', fault: { kind: 'stalled' } }

/** A manifest that the board took in an earlier session and refuses now has rotted since (SPEC §4.5). */
function resumable(undelivered: SenderOutcome | Afresh): SenderOutcome | Afresh {
  if ('kind' in undelivered || undelivered.ok || undelivered.fault.kind !== 'refused') return undelivered
  const { fault } = undelivered
  return fault.refusal.requestType === messageTypes.BEGIN ? { kind: 'afresh', fault } : undelivered
}

const broken = (block: number): Afresh => ({
  kind: 'afresh',
  fault: {
    kind: 'refused',
    refusal: { code: errorCodes.BLOCK_CRC, requestType: messageTypes.DATA, detail: block },
  },
})

interface Holding {
  readonly block: number
  readonly offset: number
  readonly missing: number
  readonly isMissing: (block: number) => boolean
  readonly firstSeq: number
  readonly bodyBytes: number
  /** The board has opened the segment by itself, and chosen the size of its bodies. */
  readonly fixed: boolean
}

/** Opens a segment, unless the board has done so by itself (`pulled`), and reads the whole bitmap, page by page. */
function* askHave(plan: TransferPlan, notes: Notebook, pulled?: Have): Steps<Holding | Failed> {
  const blocks = plan.payload.blocks
  const bitmap = new Uint8Array(Math.ceil(blocks.length / 8))
  const wanted = { firstSeq: notes.nextDataSeq, bodyBytes: notes.bodySize.current }
  let own = pulled
  let first = own
  if (first === undefined) {
    const answer = yield { do: 'request', message: { type: 'HAVEQ', ...wanted, start: true, from: 0 } }
    if (answer.got === 'pulled') own = answer.have
    const reply = own ?? replyOf(answer)
    if (reply.type !== 'HAVE') return reply
    first = reply
  }
  const { firstSeq, bodyBytes } = own ?? wanted
  if (bodyBytes !== notes.bodySize.current) notes.bodySize.change(bodyBytes)
  const request = { type: 'HAVEQ', firstSeq, bodyBytes } as const
  let page: Have = first
  for (let covered = 0; first.block !== manifestBlock; ) {
    if (page.bitmap.length === 0 || page.from !== covered) break
    bitmap.set(page.bitmap.subarray(0, bitmap.length - covered / 8), covered / 8)
    covered += page.bitmap.length * 8
    if (covered >= blocks.length) break
    const next: Failed = yield* ask({ ...request, start: false, from: covered })
    if (next.type !== 'HAVE') return next
    page = next
  }
  const isMissing = (block: number) => (((bitmap[block >> 3] ?? 0) >> (block & 7)) & 1) === 1
  const { block, offset, missing } = first
  const durable = block === manifestBlock ? 0 : blocks.length - missing
  notes.resentBlocks += Math.max(0, notes.durable - durable)
  notes.durable = durable
  notes.heldBytes = blocks.reduce(
    (sum, entry, index) => (block === manifestBlock || isMissing(index) ? sum : sum + entry.storedBytes),
    0,
  )
  if (block !== manifestBlock) notes.heldBytes += offset
  return { block, offset, missing, isMissing, firstSeq, bodyBytes, fixed: own !== undefined }
}

function* copy(
  plan: TransferPlan,
  notes: Notebook,
  runs: readonly { slot: number; oldBlock: number; newBlock: number; count: number }[],
): Steps<Failed | undefined> {
  const perFrame = Math.max(1, Math.floor(plan.caps.maxBody / copyRunBytes))
  for (let at = 0; at < runs.length; at += perFrame) {
    const part = runs.slice(at, at + perFrame)
    const reply = yield* ask({ type: 'COPY', runs: part })
    if (reply.type !== 'COPY') return reply
    if (reply.failed > 0) continue
    for (const { newBlock, count } of part) {
      for (let block = newBlock; block < newBlock + count; block++)
        notes.copiedBytes += plan.payload.blocks[block]?.storedBytes ?? 0
    }
  }
  return undefined
}

/** Block tables of the other patterns on the board; a board that cannot tell just gets everything sent. */
function* heldTables(caps: Caps, target: number): Steps<readonly HeldTable[]> {
  const tables: HeldTable[] = []
  for (let slot = 0; slot < caps.slots; slot++) {
    if (slot === target) continue
    const listed = yield* ask({ type: 'LIST', slot })
    if (listed.type !== 'LIST' || listed.state !== 2) continue
    const blocks = []
    for (let total = listed.blocks; blocks.length < total; ) {
      const page: Failed = yield* ask({ type: 'BLOCKS', slot, from: blocks.length })
      if (page.type !== 'BLOCKS' || page.entries.length === 0) break
      total = Math.min(total, page.total)
      blocks.push(...page.entries)
    }
    tables.push({ slot, blocks })
  }
  return tables
}

function* verify(
  plan: TransferPlan,
): Steps<{ alg: 'sha256' | 'siphash128'; value: Uint8Array } | SenderFault | Afresh> {
  const withSha = (plan.caps.digests & 1) !== 0
  const zero = new Uint8Array(16)
  const expected = withSha
    ? plan.sha256
    : sipHash128(plan.pairedDigestKey ?? plan.digestKey, plan.payload.image)
  const reply = yield* ask({
    type: 'VERIFY',
    alg: withSha ? 0 : 1,
    key: withSha ? zero : plan.digestKey,
    expected: withSha ? zero : expected,
  })
  if (reply.type === 'REFUSED') {
    const fault: SenderFault = { kind: 'refused', refusal: reply.refusal }
    // A wrong digest closes the transfer (SPEC §7.1); when that answer was lost, the repeated request finds none.
    const differs = reply.refusal.code === errorCodes.DIGEST || reply.refusal.code === errorCodes.NO_TRANSFER
    return differs ? { kind: 'afresh', fault } : fault
  }
  if (reply.type !== 'VERIFY') return { kind: 'unexpected', what: reply.type }
  const same = Buffer.compare(reply.digest, expected) === 0 && reply.manifestCrc === plan.manifestCrc
  if (!same) return { kind: 'afresh', fault: { kind: 'digest', expected, got: reply.digest } }
  return { alg: withSha ? 'sha256' : 'siphash128', value: reply.digest }
}

type Failed = { readonly type: 'REFUSED'; readonly refusal: Refusal } | BoardMessage

function* ask(message: HostMessage): Steps<Failed> {
  return replyOf(yield { do: 'request', message })
}

function replyOf(answer: Answer): Failed {
  if (answer.got === 'reply') return answer.message
  if (answer.got === 'refusal') return { type: 'REFUSED', refusal: answer.refusal }
  throw new Error(`a request was answered by ${answer.got}`)
}

function failure(reply: Failed): SenderOutcome {
  if (reply.type === 'REFUSED') return { ok: false, fault: { kind: 'refused', refusal: reply.refusal } }
  return { ok: false, fault: { kind: 'unexpected', what: reply.type } }
}
