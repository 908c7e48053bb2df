import { BoardPairing, type PairingEvents } from '../../src/board/pairing.ts'
import type { BoardSession } from '../../src/board/session.ts'
import { Bus } from '../../src/kernel/bus.ts'
import type { BoardId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { Prng } from '../../src/link/prng.ts'
import { encodeFrame, type Frame } from '../../src/protocol/frame.ts'
import { decodeHostMessage, encodeBoardMessage } from '../../src/protocol/message-codec.ts'
import { type BoardMessage, type Caps, messageTypes } from '../../src/protocol/messages.ts'
import { type MacType, type Proofs, proofsOf, type Transcript } from '../../src/protocol/pairing.ts'
import { errorCodes } from '../../src/protocol/wire-errors.ts'
import type { BoardKeyRecord } from '../../src/store/tables/board-keys.ts'
import { type ScriptedBoard, someCaps, status, wiredSession } from './scripted-board.ts'

type Reply = Extract<BoardMessage, { type: 'PAIR'; op: 'challenge' }>

/** What a forger can lay hands on at the moment when he has to answer. */
interface Moment {
  readonly said: Transcript
  readonly key: Uint8Array
  /** The right proofs, for forgeries that miss them by little. */
  readonly right: Proofs
  /** Answers of the real board to other challenges, as somebody on the line has written them down. */
  readonly recorded: readonly Reply[]
  readonly bytes: (count: number) => Uint8Array
  readonly pick: (below: number) => number
}

interface Forgery {
  readonly name: string
  readonly caps?: (caps: Caps, pick: (below: number) => number) => Caps
  /** Bytes of the body, an ERR code, or nothing at all. */
  readonly answer: (moment: Moment, honest: Reply) => Uint8Array | number | undefined
}

const reply = (honest: Reply, change: Partial<Reply>): Uint8Array =>
  encodeBoardMessage({ ...honest, ...change })

const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

/** Fields that somebody in the line might change; the proof of the real board is over what it said itself. */
const changedCaps: readonly ((caps: Caps) => Caps)[] = [
  caps => ({ ...caps, leds: caps.leds + 1 }),
  caps => ({ ...caps, bootId: caps.bootId + 1 }),
  caps => ({ ...caps, slotBytes: caps.slotBytes + 1 }),
  caps => ({ ...caps, maxPowerMa: caps.maxPowerMa + 1 }),
  caps => ({ ...caps, codecs: caps.codecs ^ 4 }),
  caps => ({ ...caps, macs: caps.macs | 4 }),
  caps => ({ ...caps, window: caps.window + 1 }),
]

export const forgeries: readonly Forgery[] = [
  {
    name: 'says that it has no key',
    caps: caps => ({ ...caps, paired: false }),
    answer: () => errorCodes.BAD_STATE,
  },
  { name: 'offers no MAC', caps: caps => ({ ...caps, macs: 0 }), answer: () => errorCodes.UNSUPPORTED },
  { name: 'refuses with any code', answer: ({ pick }) => 1 + pick(21) },
  { name: 'is silent', answer: () => undefined },
  {
    name: 'has another key',
    answer: ({ said, bytes }, honest) => reply(honest, { proof: proofsOf(bytes(16), said).board }),
  },
  {
    name: 'misses one bit of the key',
    answer: ({ said, key, pick }, honest) =>
      reply(honest, { proof: proofsOf(flip(key, pick(128)), said).board }),
  },
  { name: 'guesses a proof', answer: ({ bytes }, honest) => reply(honest, { proof: bytes(16) }) },
  {
    name: 'says zeros or ones',
    answer: ({ pick }, honest) => reply(honest, { proof: new Uint8Array(16).fill(pick(2) * 255) }),
  },
  {
    name: 'replays a proof',
    answer: ({ recorded, pick }, honest) =>
      reply(honest, { proof: recorded[pick(recorded.length)]?.proof ?? honest.nonce }),
  },
  {
    name: 'replays a whole answer',
    answer: ({ recorded, pick }, honest) => reply(honest, recorded[pick(recorded.length)] ?? {}),
  },
  {
    name: 'turns one bit of the proof',
    answer: ({ right, pick }, honest) => reply(honest, { proof: flip(right.board, pick(128)) }),
  },
  {
    name: 'proves another board',
    answer: ({ said, key, bytes }, honest) =>
      reply(honest, { proof: proofsOf(key, { ...said, caps: { ...said.caps, uuid: bytes(16) } }).board }),
  },
  {
    name: 'reflects what a host would say',
    answer: ({ right, said }, honest) =>
      reply(honest, { proof: said.session % 2 ? right.host : said.hostNonce }),
  },
  {
    name: 'proves another session',
    answer: ({ said, key, pick }, honest) =>
      reply(honest, {
        proof: proofsOf(key, { ...said, session: (said.session + 1 + pick(254)) & 255 }).board,
      }),
  },
  {
    name: 'proves with the other MAC',
    answer: ({ said, key }, honest) =>
      reply(honest, { proof: proofsOf(key, { ...said, mac: said.mac === 1 ? 2 : 1 }).board }),
  },
  {
    name: 'answers for the other MAC',
    answer: ({ said, key }, honest) => {
      const mac: MacType = said.mac === 1 ? 2 : 1
      return reply(honest, { mac, proof: proofsOf(key, { ...said, mac }).board })
    },
  },
  {
    name: 'says another generation',
    answer: ({ right, pick }, honest) =>
      reply(honest, { generation: honest.generation + 1 + pick(1000), proof: right.board }),
  },
  {
    name: 'says another nonce',
    answer: ({ right, bytes }, honest) => reply(honest, { nonce: bytes(16), proof: right.board }),
  },
  {
    name: 'stands in the line and changes what the board can',
    caps: (caps, pick) => changedCaps[pick(changedCaps.length)]?.(caps) ?? caps,
    answer: ({ said, key }, honest) =>
      reply(honest, {
        proof: proofsOf(key, { ...said, caps: { ...pairedCaps, uuid: said.caps.uuid } }).board,
      }),
  },
  {
    name: 'says too little or too much',
    answer: ({ right, pick }, honest) => {
      const whole = reply(honest, { proof: right.board })
      return pick(2)
        ? whole.subarray(0, pick(whole.length))
        : Buffer.concat([whole, new Uint8Array(1 + pick(9))])
    },
  },
  { name: 'answers something else', answer: ({ pick }) => Uint8Array.of(1 + pick(3)) },
]

export const pairedCaps: Caps = { ...someCaps, paired: true, macs: 3 }

export interface Verdict {
  readonly forgery: string
  readonly admitted: boolean
  /** The gateway gave it a proof of its own. */
  readonly toldProof: boolean
}

/** A gateway that holds the key of one board, and whatever claims to be that board. */
export class ForgedBoards {
  readonly clock = new VirtualClock()
  readonly refusals: PairingEvents['board.refused'][] = []
  readonly #prng: Prng
  readonly #pairing: BoardPairing
  readonly #key: Uint8Array
  readonly #uuid: Uint8Array
  readonly #recorded: Reply[] = []

  constructor(seed: number) {
    this.#prng = new Prng(seed)
    this.#key = this.#bytes(16)
    this.#uuid = this.#bytes(16)
    const bus = new Bus<PairingEvents>()
    bus.on('board.refused', event => void this.refusals.push(event))
    const key = this.#key
    const rows = async (boardId: BoardId): Promise<BoardKeyRecord[]> => [
      { boardId, state: 'active', sealed: key },
    ]
    // The one mock: rows that are kept open, so that ten thousand boards need neither a disk nor a cipher.
    const store = { boardKeys: { of: rows }, boards: { raiseGeneration: async () => undefined } }
    const vault = { open: (_owner: string, sealed: Uint8Array) => sealed, seal: () => key }
    this.#pairing = new BoardPairing({
      store: store as never,
      vault: vault as never,
      clock: this.clock,
      log: silentLog,
      bus,
    })
  }

  /** The real board; what it says is written down for those who replay it. */
  genuine(): Promise<Verdict> {
    return this.#meet('the real board', pairedCaps, ({ right }, honest) => {
      const said = { ...honest, proof: right.board }
      this.#recorded.push(said)
      return encodeBoardMessage(said)
    })
  }

  forged(number: number): Promise<Verdict> {
    const forgery = forgeries[number % forgeries.length]
    if (forgery === undefined) throw new Error('there are no forgeries')
    const caps = forgery.caps?.(pairedCaps, below => this.#pick(below)) ?? pairedCaps
    return this.#meet(forgery.name, caps, forgery.answer)
  }

  async #meet(name: string, plain: Caps, answer: Forgery['answer']): Promise<Verdict> {
    const caps = { ...plain, uuid: this.#uuid, macs: plain.macs === 3 ? 1 + this.#pick(3) : plain.macs }
    let toldProof = false
    const onPair = (board: ScriptedBoard, frame: Frame) => {
      const asked = decodeHostMessage(frame.type, frame.body)
      if (!asked.ok || asked.value.type !== 'PAIR') return
      if (asked.value.op !== 'challenge') {
        toldProof = true
        return board.say(frame, { type: 'PAIR', op: 'prove' })
      }
      const { nonce: hostNonce } = asked.value
      const mac = asked.value.mac as MacType
      const nonce = this.#bytes(16)
      const generation = this.#pick(100)
      const said = { mac, session: frame.session, hostNonce, boardNonce: nonce, generation, caps }
      const right = proofsOf(this.#key, said)
      const honest = {
        type: 'PAIR',
        op: 'challenge',
        mac,
        generation,
        nonce,
        proof: new Uint8Array(16),
      } as const
      const moment = {
        said,
        key: this.#key,
        right,
        recorded: this.#recorded,
        bytes: (count: number) => this.#bytes(count),
        pick: (below: number) => this.#pick(below),
      }
      const out = answer(moment, honest)
      if (typeof out === 'number') board.refuse(frame, out)
      else if (out !== undefined)
        board.link.write(encodeFrame(messageTypes.PAIR, frame.session, frame.seq, out))
    }
    const { session } = wiredSession(
      (board, frame) => {
        if (frame.type === messageTypes.PAIR) onPair(board, frame)
        // It lives on, so that nothing but its answer decides.
        else if (frame.type === messageTypes.STATUS && name !== 'is silent') board.say(frame, status)
      },
      caps,
      this.clock,
    )
    const admitted = await this.#settle(session)
    session.end()
    await session.channel.link.close()
    return { forgery: name, admitted, toldProof }
  }

  async #settle(session: BoardSession): Promise<boolean> {
    let verdict: boolean | undefined
    this.#pairing.admit(session).then(
      admitted => {
        verdict = admitted
      },
      () => {
        verdict = false
      },
    )
    const endMs = this.clock.now() + 7000
    for (;;) {
      for (let i = 0; i < 12 && verdict === undefined; i++) await Promise.resolve()
      // Who never gives a sound answer is still outside after seven seconds.
      if (verdict !== undefined || this.clock.now() > endMs || !this.clock.step()) return verdict === true
    }
  }

  #pick(below: number): number {
    return Math.floor(this.#prng.real() * below)
  }

  #bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#pick(256))
  }
}
