import t from 'tap'
import { Prng } from '../../src/link/prng.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { decodeBoardMessage, decodeCaps, encodeHostMessage } from '../../src/protocol/message-codec.ts'
import { type BoardMessage, type HostMessage, messageTypes } from '../../src/protocol/messages.ts'
import { type MacType, type Proofs, proofsOf } from '../../src/protocol/pairing.ts'
import { errorCodes } from '../../src/protocol/wire-errors.ts'
import { defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { Flash } from '../../src/virtual/flash.ts'
import { createWasmBoard } from '../../src/virtual/wasm-board.ts'
import { ForgedBoards, forgeries } from './forged-boards.ts'

const forged = 10_000
/** Any seed gives other keys, nonces and forgeries; `PIXELGATE_SEED` repeats one. */
const seed = Number(process.env['PIXELGATE_SEED'] ?? 20_261_121)

t.test(`of ${forged} forged boards ${forged} are refused, and learn nothing (seed ${seed})`, async t => {
  const campaign = new ForgedBoards(seed)
  for (let i = 0; i < 50; i++) {
    const { admitted, toldProof } = await campaign.genuine()
    if (!admitted || !toldProof) t.fail('the real board is not let in, so a refusal says nothing')
  }
  t.same(campaign.refusals, [])
  const wrong: string[] = []
  let refused = 0
  for (let i = 0; i < forged; i++) {
    const { forgery, admitted, toldProof } = await campaign.forged(i)
    if (admitted || toldProof) wrong.push(`${i}: ${forgery}`)
    else refused++
    if (i % 500 === 0 && !(await campaign.genuine()).admitted) wrong.push(`${i}: the real board`)
  }
  t.same(wrong.slice(0, 5), [])
  t.equal(refused, forged)
  t.ok(forgeries.length >= 20, `${forgeries.length} kinds of forgery`)
  t.ok(campaign.refusals.length > forged * 0.8, `${campaign.refusals.length} were told to the operator`)
})

/** A host at the real board library, without a line between. */
class Stranger {
  readonly #heard: BoardMessage[] = []
  readonly #board
  #seq = 0
  session = 0

  constructor(storage: Flash) {
    const decoder = new FrameDecoder(4096)
    this.#board = createWasmBoard({
      config: { ...defaultBoardConfig, uuid: new Uint8Array(16).fill(9), storageBytes: 65_536 },
      storage,
      now: () => 0,
      onSend: bytes =>
        decoder.push(bytes, frame => {
          const message = decodeBoardMessage(frame.type, frame.body)
          if (message.ok) this.#heard.push(message.value)
        }),
    })
  }

  ask(message: HostMessage): BoardMessage | undefined {
    this.#heard.length = 0
    const seq = ++this.#seq & 0xffff
    this.#board.sink(encodeFrame(messageTypes[message.type], this.session, seq, encodeHostMessage(message)))
    return this.#heard.find(({ type }) => type !== 'BUSY')
  }

  hello(session: number) {
    this.session = session
    const said = this.ask({ type: 'HELLO', minVersion: 1, maxVersion: 1, hostMaxBody: 4096, page: 0 })
    const caps = decodeCaps(said?.type === 'CAPS' ? said.bytes : new Uint8Array(0))
    if (!caps.ok) throw new Error('no CAPS')
    return caps.value
  }

  challenge(session: number, mac: MacType, key: Uint8Array, hostNonce: Uint8Array): Proofs {
    const caps = this.hello(session)
    const said = this.ask({ type: 'PAIR', op: 'challenge', mac, nonce: hostNonce })
    if (said?.type !== 'PAIR' || said.op !== 'challenge') throw new Error('no challenge')
    const { nonce: boardNonce, generation, proof } = said
    const proofs = proofsOf(key, { mac, session, hostNonce, boardNonce, generation, caps })
    return { ...proofs, board: proof }
  }
}

t.test(`of ${forged} strangers at a paired board none may change anything (seed ${seed})`, async t => {
  const prng = new Prng(seed)
  const pick = (below: number) => Math.floor(prng.real() * below)
  const bytes = () => Uint8Array.from({ length: 16 }, () => pick(256))
  const flash = new Flash({ sizeBytes: 65_536, eraseUnit: 4096 })
  const host = new Stranger(flash)
  const key = bytes()
  host.hello(1)
  t.match(host.ask({ type: 'PAIR', op: 'set', key, proof: new Uint8Array(16) }), { type: 'PAIR', op: 'set' })
  const seen: Uint8Array[] = []
  const nonces: Uint8Array[] = []
  for (let i = 0; i < 20; i++) {
    const nonce = bytes()
    const { host: proof } = host.challenge(1 + i, i % 2 ? 1 : 2, key, nonce)
    t.match(host.ask({ type: 'PAIR', op: 'prove', proof }), { type: 'PAIR', op: 'prove' })
    seen.push(proof)
    nonces.push(nonce)
  }
  const flipped = (tag: Uint8Array) => {
    const bit = pick(128)
    return tag.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
  }
  const commands: readonly HostMessage[] = [
    { type: 'BRIGHTNESS', level: 9 },
    { type: 'STOP' },
    { type: 'PAIR', op: 'set', key: bytes(), proof: bytes() },
    { type: 'PAIR', op: 'clear', proof: bytes() },
    { type: 'ABORT', id: bytes() },
  ]
  const before = flash.operations
  let refused = 0
  for (let i = 0; i < forged; i++) {
    const at = pick(seen.length)
    // Whoever repeats a session repeats all of it: number, nonce and proof.
    const repeats = i % 6 === 0
    const session = repeats ? 1 + at : 1 + pick(255)
    const mac = (repeats ? (at % 2 ? 1 : 2) : 1 + pick(2)) as MacType
    const right = host.challenge(session, mac, key, repeats ? (nonces[at] ?? bytes()) : bytes())
    const attempts = [seen[at], bytes(), flipped(right.host), right.board, new Uint8Array(16), undefined]
    const proof = attempts[i % 6]
    if (proof !== undefined) {
      const answer = host.ask({ type: 'PAIR', op: 'prove', proof })
      if (answer?.type !== 'ERR' || answer.code !== errorCodes.UNAUTHORIZED)
        t.fail(`${i}: a proof was believed`)
    }
    const answer = host.ask(commands[i % commands.length] ?? { type: 'STOP' })
    if (answer?.type === 'ERR' && answer.code === errorCodes.UNAUTHORIZED) refused++
  }
  t.equal(refused, forged)
  t.equal(flash.operations, before, 'and nothing was written')
  const { host: proof } = host.challenge(77, 2, key, bytes())
  t.match(host.ask({ type: 'PAIR', op: 'prove', proof }), { op: 'prove' }, 'the gateway still comes in')
})
