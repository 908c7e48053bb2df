import t from 'tap'
import { crc32 } from '../../../src/protocol/crc32.ts'
import { type BuiltImage, buildOpaqueImage } from '../../../src/protocol/image.ts'
import { decodeHostMessage } from '../../../src/protocol/message-codec.ts'
import {
  type BoardMessage,
  type Caps,
  type HostMessage,
  messageTypes,
} from '../../../src/protocol/messages.ts'
import { BodySize } from '../../../src/protocol/sender/body-size.ts'
import { conversation, type Notebook } from '../../../src/protocol/sender/conversation.ts'
import { manifestBlock } from '../../../src/protocol/sender/segment.ts'
import { Sender, type SenderOptions } from '../../../src/protocol/sender/sender.ts'
import { sipHash128 } from '../../../src/protocol/siphash.ts'
import { errorCodes } from '../../../src/protocol/wire-errors.ts'

const caps: Caps = {
  version: 1,
  paired: false,
  transferOpen: false,
  trialRunning: false,
  uuid: new Uint8Array(16),
  bootId: 1,
  maxBody: 64,
  rxBuffer: 512,
  lineRateBaud: 1_000_000,
  window: 60_000,
  codecs: 1,
  digests: 1,
  macs: 0,
  slots: 3,
  slotsFree: 3,
  slotBytes: 1_000_000,
  decodeBytes: 0,
  leds: 1,
  width: 0,
  height: 0,
  blockBytes: 8,
  maxBaud: 0,
  maxPowerMa: 0,
  firmwareName: '',
  firmwareVersion: '',
  boardName: '',
}

/** An image of 8-byte blocks, no two alike. */
function image(blocks: number): BuiltImage {
  const bytes = Uint8Array.from(
    { length: blocks * 8 },
    (_, i) => (i % 8 < 4 ? (i >> 3) >> (8 * (i % 4)) : i) & 0xff,
  )
  const built = buildOpaqueImage(bytes, 'x', { codecs: 1, decodeBytes: 0, blockBytes: 8 }, 1)
  if (!built.ok) throw new Error(built.fault.kind)
  return built.value
}

interface Request {
  readonly seq: number
  readonly message: HostMessage
}

type Reply = BoardMessage | undefined

/** A board made by hand: keeps what DATA brings, and answers as the rules say unless a script says otherwise. */
class HandBoard {
  readonly sent: HostMessage[] = []
  readonly built: BuiltImage
  readonly sender: Sender
  readonly missing: Set<number>
  manifestMissing = true
  nowMs = 0
  /** Answers in the place of the board; undefined: the board answers by itself. 'silence': nobody does. */
  script: (request: Request) => Reply | 'silence' = () => undefined
  /** Told after each DATA frame. */
  onData: (seq: number) => void = () => undefined
  pageBits = 64
  #seq = 0
  #next = 0
  #place = 0

  constructor(
    built: BuiltImage,
    options: Partial<SenderOptions> & { delta?: boolean } = {},
    ownCaps: Partial<Caps> = {},
  ) {
    const { delta = false } = options
    this.built = built
    this.missing = new Set(built.blocks.keys())
    this.sender = new Sender({
      plan: {
        caps: { ...caps, ...ownCaps },
        payload: built,
        id: built.id,
        sha256: built.sha256,
        manifestCrc: crc32(built.manifest),
        trialSeconds: 10,
        digestKey: new Uint8Array(16).fill(4),
        delta,
      },
      baudRate: undefined,
      maxBody: 64,
      adaptBody: false,
      durableBefore: 0,
      firstDataSeq: 0,
      takeSeq: () => ++this.#seq,
      nowMs: 0,
      ...options,
    })
  }

  count(type: HostMessage['type']): number {
    return this.sent.filter(message => message.type === type).length
  }

  receive(seq: number, message: BoardMessage): void {
    this.sender.receive(seq, message, this.nowMs)
  }

  refuse(
    request: Request,
    code: number,
    requestType: HostMessage['type'] = request.message.type,
  ): BoardMessage {
    return { type: 'ERR', code, requestType: messageTypes[requestType], detail: 0 }
  }

  ack(type: 'ACK' | 'ECHO' = 'ACK'): BoardMessage {
    return {
      type,
      next: this.#next,
      bitmap: 0,
      credit: 60_000,
      durable: this.built.blocks.length - this.missing.size,
    }
  }

  /** Opens a segment by itself (SPEC §5.3). */
  pull(firstSeq: number, bodyBytes: number): BoardMessage {
    const message = { type: 'HAVEQ', start: true, firstSeq, bodyBytes, from: 0 } as const
    const have = this.#answer({ seq: 0, message })
    if (have === undefined) throw new Error('nothing to say')
    this.receive(0, have)
    return have
  }

  /** Runs to the outcome; time passes only when nothing is to be sent. */
  run(maxSteps = 200_000): Sender['outcome'] {
    for (let steps = 0; this.sender.outcome === undefined; steps++) {
      if (steps > maxSteps) throw new Error(`no outcome: ${this.sent.at(-1)?.type}`)
      const out = this.sender.poll(this.nowMs)
      if (out === undefined) {
        if (this.sender.outcome === undefined) this.nowMs = Math.max(this.nowMs + 1, this.sender.deadlineMs())
        continue
      }
      const decoded = decodeHostMessage(out.type, out.body)
      if (!decoded.ok) throw new Error('a malformed request')
      this.sent.push(decoded.value)
      this.nowMs++
      const request = { seq: out.seq, message: decoded.value }
      const said = this.script(request)
      if (said === 'silence') continue
      const answer = said ?? this.#answer(request)
      if (answer !== undefined) this.receive(out.seq, answer)
    }
    return this.sender.outcome
  }

  #answer({ seq, message }: Request): Reply {
    const { built } = this
    switch (message.type) {
      case 'BEGIN':
        if (message.fresh) for (const block of built.blocks.keys()) this.missing.add(block)
        if (message.fresh) this.manifestMissing = true
        return { type: 'BEGIN', slot: 0, state: 0 }
      case 'HAVEQ': {
        if (message.start) {
          this.#next = message.firstSeq
          this.#place = 0
        }
        const first = this.manifestMissing ? manifestBlock : Math.min(...this.missing, built.blocks.length)
        const bitmap = new Uint8Array(this.manifestMissing ? 0 : this.pageBits / 8)
        for (let bit = 0; bit < bitmap.length * 8; bit++)
          if (this.missing.has(message.from + bit))
            bitmap[bit >> 3] = (bitmap[bit >> 3] ?? 0) | (1 << (bit & 7))
        return { ...message, type: 'HAVE', block: first, offset: 0, missing: this.missing.size, bitmap }
      }
      case 'DATA': {
        if (seq !== this.#next) return this.ack()
        this.#next = (this.#next + 1) & 0xffff
        if (this.manifestMissing) {
          this.#place += message.bytes.length
          if (this.#place >= built.manifest.length) this.manifestMissing = false
        } else this.missing.delete(Math.min(...this.missing))
        this.onData(seq)
        return this.ack()
      }
      case 'PROBE':
        return this.ack('ECHO')
      case 'VERIFY':
        return {
          type: 'VERIFY',
          alg: message.alg,
          manifestCrc: crc32(built.manifest),
          imageBytes: built.image.length,
          digest: message.alg === 0 ? built.sha256 : sipHash128(message.key, built.image),
        }
      case 'ACTIVATE':
      case 'CONFIRM':
        return message
      default:
        return {
          type: 'ERR',
          code: errorCodes.UNSUPPORTED,
          requestType: messageTypes[message.type],
          detail: 0,
        }
    }
  }
}

const fill = (digest: BoardMessage, value: number): BoardMessage =>
  digest.type === 'VERIFY' ? { ...digest, digest: new Uint8Array(32).fill(value) } : digest

t.test('from BEGIN to CONFIRM, in order, and the hash of the board is what is told', async t => {
  for (const digests of [1, 2]) {
    const board = new HandBoard(image(3), {}, { digests })
    t.match(board.run(), { ok: true, slot: 0, digest: { alg: digests === 1 ? 'sha256' : 'siphash128' } })
    const order = board.sent
      .map(({ type }) => type)
      .filter((type, i, all) => type !== all[i - 1] && type !== 'PROBE' && type !== 'DATA')
    t.same(order, ['BEGIN', 'HAVEQ', 'HAVEQ', 'HAVEQ', 'VERIFY', 'ACTIVATE', 'CONFIRM'])
    t.match(board.sender.progress(), {
      phase: 'confirmed',
      doneBytes: 24,
      payloadBytes: 24,
      durableBlocks: 3,
      blocks: 3,
      resentBlocks: 0,
    })
    t.equal(board.sender.poll(board.nowMs), undefined)
    t.equal(board.sender.deadlineMs(), Number.POSITIVE_INFINITY)
    board.receive(1, board.ack())
  }
})

t.test('the bitmap of a large image is read page by page', async t => {
  const board = new HandBoard(image(1300))
  board.manifestMissing = false
  board.missing.clear()
  for (const block of [3, 511, 512, 1299]) board.missing.add(block)
  board.pageBits = 512
  const asked: number[] = []
  board.script = ({ message }) => {
    if (message.type === 'HAVEQ') asked.push(message.from)
    return undefined
  }
  t.ok(board.run()?.ok)
  t.same(asked.slice(0, 3), [0, 512, 1024])
  t.equal(board.sender.progress().payloadBytes, 4 * 8)
})

t.test('a page that is empty, out of place or refused does not hang the sender', async t => {
  const broken = (
    page: (message: Extract<HostMessage, { type: 'HAVEQ' }>, request: Request, board: HandBoard) => Reply,
  ) => {
    const board = new HandBoard(image(200))
    board.manifestMissing = false
    board.script = request =>
      request.message.type === 'HAVEQ' && !request.message.start
        ? page(request.message, request, board)
        : undefined
    return board
  }
  const empty = broken(message => ({
    ...message,
    type: 'HAVE',
    block: 0,
    offset: 0,
    missing: 200,
    bitmap: new Uint8Array(0),
  }))
  t.match(empty.run(), { ok: false })
  const misplaced = broken(message => ({
    ...message,
    type: 'HAVE',
    from: 8,
    block: 0,
    offset: 0,
    missing: 200,
    bitmap: new Uint8Array(8),
  }))
  t.match(misplaced.run(), { ok: false })
  const refused = broken((_, request, board) => board.refuse(request, errorCodes.NO_TRANSFER))
  t.match(refused.run(), { ok: false, fault: { kind: 'refused', refusal: { code: errorCodes.NO_TRANSFER } } })
})

t.test('every request can be refused, and the refusal is the outcome', async t => {
  for (const type of ['BEGIN', 'HAVEQ', 'VERIFY', 'ACTIVATE', 'CONFIRM'] as const) {
    const board = new HandBoard(image(2))
    board.script = request =>
      request.message.type === type ? board.refuse(request, errorCodes.STORAGE) : undefined
    t.match(
      board.run(),
      {
        ok: false,
        fault: { kind: 'refused', refusal: { code: errorCodes.STORAGE, requestType: messageTypes[type] } },
      },
      type,
    )
  }
})

t.test('replies of another kind, seq or time are passed over', async t => {
  const board = new HandBoard(image(2))
  board.receive(1, board.ack())
  board.receive(1, board.ack('ECHO'))
  board.receive(77, { type: 'BUSY', requestType: messageTypes.BEGIN, percent: 0, moreMs: 9000 })
  board.receive(1, { type: 'LOG', text: 'hello' })
  board.receive(77, { type: 'BEGIN', slot: 0, state: 0 })
  board.receive(77, { type: 'ERR', code: errorCodes.STORAGE, requestType: messageTypes.BEGIN, detail: 0 })
  board.receive(1, { type: 'ERR', code: errorCodes.STORAGE, requestType: messageTypes.COPY, detail: 0 })
  t.equal(board.sender.outcome, undefined)
  t.ok(board.run()?.ok)
})

t.test(
  'a digest that differs, or is refused, makes the host start afresh once, and then give up',
  async t => {
    for (const kind of ['digest', 'refused'] as const) {
      const lie = (board: HandBoard, times: number) => {
        let lies = 0
        board.script = request => {
          if (request.message.type !== 'VERIFY' || ++lies > times) return undefined
          if (kind === 'refused') return board.refuse(request, errorCodes.DIGEST)
          return fill(
            {
              type: 'VERIFY',
              alg: 0,
              manifestCrc: crc32(board.built.manifest),
              imageBytes: 16,
              digest: new Uint8Array(0),
            },
            1,
          )
        }
        return board.run()
      }
      const healed = new HandBoard(image(2))
      t.ok(lie(healed, 1)?.ok, kind)
      t.same(
        healed.sent.flatMap(message => (message.type === 'BEGIN' ? [message.fresh] : [])),
        [false, true],
      )
      const rotten = new HandBoard(image(2))
      t.match(lie(rotten, 9), { ok: false, fault: { kind } })
      t.equal(rotten.count('VERIFY'), 2)
      t.equal(rotten.count('ACTIVATE'), 0)
    }
    const wrongManifest = new HandBoard(image(2))
    wrongManifest.script = ({ message }) =>
      message.type === 'VERIFY'
        ? { type: 'VERIFY', alg: 0, manifestCrc: 1, imageBytes: 16, digest: wrongManifest.built.sha256 }
        : undefined
    t.match(wrongManifest.run(), { ok: false, fault: { kind: 'digest' } }, 'the manifest counts as well')
  },
)

t.test('a block that fails its CRC twice makes the host start afresh, once', async t => {
  const damaged = (times: number) => {
    const board = new HandBoard(image(2))
    let failures = 0
    board.onData = () => {
      if (board.missing.size > 0 || failures >= times || board.manifestMissing) return
      failures++
      board.missing.add(1)
      board.receive(0, { type: 'ERR', code: errorCodes.BLOCK_CRC, requestType: messageTypes.DATA, detail: 1 })
    }
    return board
  }
  const once = damaged(1)
  t.ok(once.run()?.ok)
  t.equal(once.count('BEGIN'), 1, 'a single failure costs its block')
  const twice = damaged(2)
  t.ok(twice.run()?.ok)
  t.same(
    twice.sent.flatMap(message => (message.type === 'BEGIN' ? [message.fresh] : [])),
    [false, true],
  )
  const always = damaged(99)
  t.match(always.run(), { ok: false, fault: { kind: 'refused', refusal: { code: errorCodes.BLOCK_CRC } } })
  t.equal(always.count('BEGIN'), 2)
})

t.test('a manifest whose CRC is wrong twice makes the host start afresh, once', async t => {
  const rotten = (times: number) => {
    const board = new HandBoard(image(40))
    let failures = 0
    board.onData = () => {
      if (board.manifestMissing || failures >= times || board.missing.size < 40) return
      failures++
      board.manifestMissing = true
      board.receive(0, {
        type: 'ERR',
        code: errorCodes.BLOCK_CRC,
        requestType: messageTypes.DATA,
        detail: manifestBlock,
      })
    }
    return board
  }
  const begins = (board: HandBoard) =>
    board.sent.flatMap(message => (message.type === 'BEGIN' ? [message.fresh] : []))
  const once = rotten(1)
  t.ok(once.run()?.ok)
  t.same(begins(once), [false], 'a single failure costs the manifest')
  const twice = rotten(2)
  t.ok(twice.run()?.ok)
  t.same(begins(twice), [false, true])
  const always = rotten(99)
  t.match(always.run(), { ok: false, fault: { kind: 'stalled' } })
  t.same(begins(always), [false, true])
})

t.test(
  'a board that takes nothing of the image, or refuses a manifest it once took, is begun afresh',
  async t => {
    const begins = (board: HandBoard) =>
      board.sent.flatMap(message => (message.type === 'BEGIN' ? [message.fresh] : []))
    const isFresh = (board: HandBoard) => begins(board).at(-1) === true
    const idle = new HandBoard(image(2))
    idle.script = ({ message }) =>
      message.type === 'DATA' && !idle.manifestMissing && !isFresh(idle) ? idle.ack() : undefined
    t.ok(idle.run()?.ok)
    t.same(begins(idle), [false, true])
    t.ok(idle.nowMs >= 30_000 && idle.nowMs < 32_000, `${idle.nowMs} ms`)
    const never = new HandBoard(image(2))
    never.script = ({ message }) =>
      message.type === 'DATA' && !never.manifestMissing ? never.ack() : undefined
    t.match(never.run(), { ok: false, fault: { kind: 'stalled' } })
    t.same(begins(never), [false, true])

    const rotten = (resumes: boolean, forEver: boolean) => {
      const board = new HandBoard(image(2))
      board.script = request => {
        const { type } = request.message
        if (type === 'BEGIN' && resumes && !isFresh(board)) return { type: 'BEGIN', slot: 0, state: 1 }
        return type === 'HAVEQ' && (forEver || !isFresh(board))
          ? board.refuse(request, errorCodes.BAD_MANIFEST, 'BEGIN')
          : undefined
      }
      return board
    }
    t.ok(rotten(true, false).run()?.ok)
    for (const resumes of [true, false])
      t.match(rotten(resumes, true).run(), { fault: { refusal: { code: errorCodes.BAD_MANIFEST } } })
    const fresh = rotten(false, false)
    t.notOk(fresh.run()?.ok)
    t.same(begins(fresh), [false], 'one that has just come is refused for what it is')
  },
)

t.test('a refusal of the digest that was lost is known by the transfer that is gone', async t => {
  const gone = (times: number) => {
    const board = new HandBoard(image(2))
    let refusals = 0
    board.script = request =>
      request.message.type === 'VERIFY' && refusals++ < times
        ? board.refuse(request, errorCodes.NO_TRANSFER)
        : undefined
    return board
  }
  const once = gone(1)
  t.ok(once.run()?.ok)
  t.same(
    once.sent.flatMap(message => (message.type === 'BEGIN' ? [message.fresh] : [])),
    [false, true],
  )
  t.match(gone(9).run(), { ok: false, fault: { refusal: { code: errorCodes.NO_TRANSFER } } })
})

t.test('a manifest that the board refuses unasked ends the upload with the board’s reason', async t => {
  const board = new HandBoard(image(20), {})
  board.onData = () =>
    board.receive(0, {
      type: 'ERR',
      code: errorCodes.BAD_GEOMETRY,
      requestType: messageTypes.BEGIN,
      detail: 100,
    })
  t.match(board.run(), {
    ok: false,
    fault: { kind: 'refused', refusal: { code: errorCodes.BAD_GEOMETRY, detail: 100 } },
  })
})

t.test('a refusal of the manifest that was lost is heard from the next HAVEQ, at once', async t => {
  const board = new HandBoard(image(2))
  board.script = request =>
    request.message.type === 'HAVEQ' && !board.manifestMissing
      ? board.refuse(request, errorCodes.BAD_GEOMETRY, 'BEGIN')
      : undefined
  t.match(board.run(), { ok: false, fault: { kind: 'refused', refusal: { code: errorCodes.BAD_GEOMETRY } } })
  t.ok(board.nowMs < 1000, `${board.nowMs} ms`)
})

t.test('a board that takes no data, answers without end or is silent is given up in its time', async t => {
  const idle = new HandBoard(image(2))
  idle.script = ({ message }) => (message.type === 'DATA' ? 'silence' : undefined)
  t.match(idle.run(), { ok: false, fault: { kind: 'stalled' } })
  t.ok(idle.nowMs >= 30_000 && idle.nowMs < 32_000, `${idle.nowMs} ms`)

  const busy = new HandBoard(image(2))
  busy.script = ({ message }) =>
    message.type === 'BEGIN'
      ? { type: 'BUSY', requestType: messageTypes.BEGIN, percent: 255, moreMs: 200 }
      : undefined
  t.match(busy.run(), { ok: false, fault: { kind: 'stalled' } })
  t.ok(busy.nowMs >= 300_000 && busy.nowMs < 302_000, `${busy.nowMs} ms`)

  const mute = new HandBoard(image(2))
  mute.script = () => 'silence'
  t.match(mute.run(), { ok: false, fault: { kind: 'mute' } })
  t.ok(mute.nowMs >= 5000 && mute.nowMs < 6000, `${mute.nowMs} ms`)

  const circling = new HandBoard(image(2))
  circling.onData = () => {
    circling.manifestMissing = true
  }
  t.match(circling.run(), { ok: false, fault: { kind: 'stalled' } }, 'the same place again and again')
})

t.test('a board that has restarted ends the transfer at once', async t => {
  const board = new HandBoard(image(2))
  board.script = request =>
    request.message.type === 'VERIFY' ? board.refuse(request, errorCodes.NO_SESSION, 'STATUS') : undefined
  t.match(board.run(), { ok: false, fault: { kind: 'session_lost' } })
})

t.test('ERR BUSY is patience, not a refusal', async t => {
  const board = new HandBoard(image(2))
  let times = 0
  board.script = ({ message }) =>
    message.type === 'VERIFY' && ++times < 4
      ? { type: 'ERR', code: errorCodes.BUSY, requestType: messageTypes.VERIFY, detail: 300 }
      : undefined
  t.ok(board.run()?.ok)
  t.equal(board.count('VERIFY'), 4)
  t.ok(board.nowMs >= 900, `${board.nowMs} ms`)
})

const listed = (slot: number, state: number, blocks: number): BoardMessage => ({
  type: 'LIST',
  slots: 3,
  slot,
  state,
  active: false,
  trial: false,
  id: new Uint8Array(16),
  imageBytes: 0,
  frames: 0,
  leds: 0,
  blocks,
  name: '',
})

t.test('what lies in other slots is copied; what fails to copy is sent', async t => {
  for (const failed of [0, 2]) {
    const built = image(40)
    const board = new HandBoard(built, { delta: true })
    const copies: HostMessage[] = []
    board.script = request => {
      const { message } = request
      if (message.type === 'LIST') return listed(message.slot, message.slot === 2 ? 2 : 0, 30)
      if (message.type === 'BLOCKS')
        return {
          type: 'BLOCKS',
          slot: 2,
          from: message.from,
          total: 30,
          entries: built.blocks.slice(message.from, Math.min(30, message.from + 7)),
        }
      if (message.type !== 'COPY') return undefined
      copies.push(message)
      const blocks = message.runs.flatMap(run =>
        Array.from({ length: run.count }, (_, i) => run.newBlock + i),
      )
      for (const block of blocks.slice(failed)) board.missing.delete(block)
      return { type: 'COPY', copied: blocks.length - failed, failed }
    }
    t.ok(board.run()?.ok)
    t.equal(copies.length, 1)
    t.same(
      board.sent.flatMap(message => (message.type === 'LIST' ? [message.slot] : [])),
      [1, 2],
      'its own slot is not asked',
    )
    const { copiedBytes, payloadBytes } = board.sender.progress()
    t.equal(copiedBytes, failed === 0 ? 240 : 0)
    t.equal(payloadBytes, (10 + failed) * 8)
  }
})

t.test('a board that cannot tell or copy just gets everything sent, or says why not', async t => {
  const mute = new HandBoard(image(5), { delta: true })
  t.ok(mute.run()?.ok, 'LIST refused')
  t.equal(mute.count('BLOCKS'), 0)

  for (const entries of ['refused', 'empty'] as const) {
    const board = new HandBoard(image(5), { delta: true })
    board.script = request => {
      if (request.message.type === 'LIST') return listed(request.message.slot, 2, 9)
      if (request.message.type !== 'BLOCKS') return undefined
      return entries === 'refused'
        ? board.refuse(request, errorCodes.NOT_FOUND)
        : { type: 'BLOCKS', slot: 1, from: 0, total: 9, entries: [] }
    }
    t.ok(board.run()?.ok, entries)
    t.equal(board.sender.progress().payloadBytes, 40)
  }

  const broken = new HandBoard(image(5), { delta: true })
  broken.script = request => {
    if (request.message.type === 'LIST') return listed(request.message.slot, 2, 5)
    if (request.message.type === 'BLOCKS')
      return { type: 'BLOCKS', slot: 1, from: 0, total: 5, entries: broken.built.blocks }
    return request.message.type === 'COPY' ? broken.refuse(request, errorCodes.STORAGE) : undefined
  }
  t.match(broken.run(), { ok: false, fault: { kind: 'refused', refusal: { code: errorCodes.STORAGE } } })
})

t.test('blocks that were durable and are no more are counted as sent again', async t => {
  const board = new HandBoard(image(8), { durableBefore: 6 })
  board.manifestMissing = false
  for (const block of [0, 1, 2, 3]) board.missing.delete(block)
  t.equal(board.sender.progress().durableBlocks, 6)
  t.ok(board.run()?.ok)
  t.equal(board.sender.progress().resentBlocks, 2)
})

t.test('a second transfer of one session uses seqs that the first has not used', async t => {
  const board = new HandBoard(image(8), { firstDataSeq: 65_534 })
  const first: number[] = []
  board.script = ({ message }) => {
    if (message.type === 'HAVEQ') first.push(message.firstSeq)
    return undefined
  }
  t.ok(board.run()?.ok)
  t.equal(first[0], 65_534)
  const frames = board.count('DATA')
  t.equal(board.sender.nextDataSeq, (65_534 + frames) & 0xffff)
})

t.test('the talk itself names a reply that fits no request', async t => {
  const built = image(1)
  const talk = () => {
    const notes: Notebook = {
      phase: 'preparing',
      bodySize: new BodySize(64, false),
      nextDataSeq: 0,
      durable: 0,
      resentBlocks: 0,
      heldBytes: 0,
      copiedBytes: 0,
      resumed: false,
    }
    const plan = {
      caps,
      payload: built,
      id: built.id,
      sha256: built.sha256,
      manifestCrc: 1,
      trialSeconds: 1,
      delta: false,
      digestKey: new Uint8Array(16),
    }
    const steps = conversation(plan, notes)
    steps.next()
    return steps
  }
  const log = { got: 'reply', message: { type: 'LOG', text: '' } } as const
  const begun = { got: 'reply', message: { type: 'BEGIN', slot: 0, state: 2 } } as const
  t.match(talk().next(log).value, { ok: false, fault: { kind: 'unexpected', what: 'LOG' } })
  const verifying = talk()
  verifying.next(begun)
  t.match(verifying.next(log).value, { ok: false, fault: { kind: 'unexpected', what: 'LOG' } })
  t.throws(() => talk().next({ got: 'delivered' }), /answered by delivered/)
})

t.test(
  'a board that pulls opens its segments itself, and is sent what it asks for in the size it asks for',
  async t => {
    const board = new HandBoard(image(40))
    let firstSeq = 5
    const sizes = new Set<number>()
    board.script = ({ message }) => {
      if (message.type === 'DATA' && board.manifestMissing) sizes.add(message.bytes.length)
      if (message.type !== 'HAVEQ' || !message.start || (board.missing.size === 0 && !board.manifestMissing))
        return undefined
      firstSeq += 100
      board.pull(firstSeq, 48)
      return 'silence'
    }
    t.match(board.run(), { ok: true })
    t.ok(firstSeq >= 205, 'one segment for the manifest, one for the image')
    t.equal(Math.max(...sizes), 48)
    const { manifest } = board.built
    t.equal(board.count('DATA'), Math.ceil(manifest.length / 48) + 40, 'each piece once')
    t.match(board.sender.progress(), { bodyBytes: 48, retransmittedBytes: 0, resentBlocks: 0 })
  },
)

t.test('a board may begin anew in the middle; what comes late or twice means nothing', async t => {
  const board = new HandBoard(image(60))
  const pulls: BoardMessage[] = []
  board.onData = seq => {
    for (const pull of pulls) board.receive(0, pull)
    if (board.missing.size === 40 && pulls.length === 0) pulls.push(board.pull(seq + 200, 32))
    if (board.missing.size === 20 && pulls.length === 1) pulls.push(board.pull(seq + 200, 64))
  }
  t.match(board.run(), { ok: true })
  t.equal(pulls.length, 2)
  t.match(board.sender.progress(), { resentBlocks: 0, durableBlocks: 60 })
  t.equal(board.count('DATA'), Math.ceil(board.built.manifest.length / 64) + 60, 'each piece once')
})

t.test('a segment that cannot be is not opened', async t => {
  const board = new HandBoard(image(3))
  let tries = 0
  board.script = ({ message }) => {
    if (message.type !== 'HAVEQ' || !message.start) return undefined
    for (const bodyBytes of [0, 31, 65, 65_535]) board.pull(1000 + ++tries, bodyBytes)
    return undefined
  }
  t.match(board.run(), { ok: true })
  t.equal(tries, 12)
  t.ok(board.sent.every(message => message.type !== 'HAVEQ' || message.firstSeq < 1000))
})
