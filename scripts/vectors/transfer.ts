import { crc32 } from '../../src/protocol/crc32.ts'
import { type BuiltImage, buildImage, type ImagePattern } from '../../src/protocol/image.ts'
import { encodeManifest, transferId } from '../../src/protocol/manifest.ts'
import { type AckState, messageTypes } from '../../src/protocol/messages.ts'
import { sipHash128 } from '../../src/protocol/siphash.ts'
import { errorCodes } from '../../src/protocol/wire-errors.ts'
import { greet } from './handshake.ts'
import { counting } from './hex.ts'
import { Recorder, recordedBoard } from './recorder.ts'

const bodyBytes = 32
const manifestBlock = 0xffff
const noKey = new Uint8Array(16)
const key = counting(16, 0x40)

/** Marks that wander over 8 × 8 pixels, a frame for each number. */
function wandering(marks: readonly number[]): ImagePattern {
  const frames = marks.map(mark => {
    const pixels = new Uint8Array(64 * 3)
    for (let at = 0; at < 5; at++)
      pixels.fill(40 * (at + 1), ((mark * 7 + at * at * 3) % 64) * 3, ((mark * 7 + at * at * 3) % 64) * 3 + 2)
    return { delayMs: 100, pixels }
  })
  return {
    leds: 64,
    width: 8,
    height: 8,
    channels: 3,
    colorOrder: 0,
    loopCount: 0,
    name: 'wandering',
    frames,
  }
}

function built(marks: readonly number[], generation: number): BuiltImage {
  const image = buildImage(wandering(marks), recordedBoard, generation)
  if (!image.ok) throw new Error(image.fault.kind)
  return image.value
}

const first = built([1, 2, 3, 4, 5, 6, 7, 8], 1)
const second = built([1, 2, 3, 4, 9, 5, 6, 7, 8], 2)

/** The host's part of a transfer, as far as a recording needs one. */
class Upload {
  readonly recorder: Recorder
  readonly image: BuiltImage
  #seq = 1000

  constructor(recorder: Recorder, image: BuiltImage) {
    this.recorder = recorder
    this.image = image
  }

  get begin() {
    const { manifest, image, id, blocks } = this.image
    return {
      type: 'BEGIN',
      id,
      manifestBytes: manifest.length,
      manifestCrc: crc32(manifest),
      imageBytes: image.length,
      blocks: blocks.length,
      slot: 255,
      fresh: false,
    } as const
  }

  /** The frames of the manifest, or of one block. */
  parts(block: number): Uint8Array[] {
    const { manifest, image, blocks } = this.image
    const from = blocks.slice(0, block).reduce((sum, entry) => sum + entry.storedBytes, 0)
    const bytes =
      block === manifestBlock ? manifest : image.subarray(from, from + (blocks[block]?.storedBytes ?? 0))
    const count = Math.ceil(bytes.length / bodyBytes)
    return Array.from({ length: count }, (_, at) => bytes.subarray(at * bodyBytes, (at + 1) * bodyBytes))
  }

  /** Opens a segment, which must begin at `block` with `missing` blocks. Returns its first seq. */
  open(block: number, missing: number): number {
    this.#seq += 100
    const firstSeq = this.#seq
    const have = { start: true, firstSeq, bodyBytes, from: 0 }
    this.recorder.ask({ type: 'HAVEQ', ...have }, { type: 'HAVE', ...have, block, offset: 0, missing })
    return firstSeq
  }

  send(seq: number, bytes: Uint8Array): void {
    this.recorder.send({ type: 'DATA', bytes }, seq)
  }

  /** Waits for the ACK of a single frame if need be; the last ACK must say this. */
  acknowledged(expected: Partial<AckState>): void {
    this.recorder.advance(5)
    const heard = this.recorder.heard()
    const last = heard.at(-1)
    const fits = last?.type === 'ACK' && heard.every(message => message.type === 'ACK')
    for (const [name, value] of Object.entries(expected))
      if (!fits || last[name as keyof AckState] !== value)
        throw new Error(`expected ${name} ${value}, heard ${JSON.stringify(heard)}`)
  }

  /** Sends the manifest, then all blocks of `missing`, and is told that all of them are durable. */
  deliver(missing: readonly number[]): void {
    this.manifest(this.image.blocks.length)
    this.blocks(missing)
  }

  manifest(missing: number): void {
    const seq = this.open(manifestBlock, missing)
    const parts = this.parts(manifestBlock)
    for (const [at, part] of parts.entries()) this.send(seq + at, part)
    this.acknowledged({ next: seq + parts.length, bitmap: 0 })
  }

  blocks(missing: readonly number[]): void {
    const total = this.image.blocks.length
    const seq = this.open(missing[0] ?? total, missing.length)
    const parts = missing.flatMap(block => this.parts(block))
    for (const [at, part] of parts.entries()) this.send(seq + at, part)
    if (parts.length > 0) this.acknowledged({ next: seq + parts.length, bitmap: 0, durable: total })
  }

  verify(): void {
    const { manifest, image, sha256 } = this.image
    const reply = { alg: 0, manifestCrc: crc32(manifest), imageBytes: image.length, digest: sha256 }
    this.recorder.ask({ type: 'VERIFY', alg: 0, key: noKey, expected: noKey }, { type: 'VERIFY', ...reply })
  }

  activate(slot: number, trialSeconds: number): void {
    const fields = { slot, id: this.image.id, trialSeconds }
    this.recorder.ask({ type: 'ACTIVATE', ...fields }, { type: 'ACTIVATE', ...fields })
  }

  confirm(slot: number): void {
    const fields = { slot, id: this.image.id }
    this.recorder.ask({ type: 'CONFIRM', ...fields }, { type: 'CONFIRM', ...fields })
  }
}

const all = ({ blocks }: BuiltImage) => blocks.map((_, block) => block)
const refused = (name: keyof typeof errorCodes, request: keyof typeof messageTypes, detail?: number) => ({
  type: 'ERR' as const,
  code: errorCodes[name],
  requestType: messageTypes[request],
  ...(detail === undefined ? {} : { detail }),
})

function opened(name: string, image: BuiltImage, config = recordedBoard): Upload {
  const recorder = new Recorder(name, config)
  greet(recorder)
  const upload = new Upload(recorder, image)
  recorder.ask(upload.begin, { type: 'BEGIN', slot: 0, state: 0 })
  return upload
}

function whole() {
  const upload = opened('a whole transfer, its trial and its confirmation', first)
  const { recorder, image } = upload
  upload.deliver(all(first))
  upload.verify()
  recorder.ask(
    { type: 'LIST', slot: 0 },
    {
      type: 'LIST',
      state: 2,
      active: false,
      trial: false,
      id: image.id,
      imageBytes: image.image.length,
      frames: 8,
      leds: 64,
      blocks: image.blocks.length,
      name: 'wandering',
    },
  )
  recorder.ask(upload.begin, { type: 'BEGIN', slot: 0, state: 2 })
  upload.activate(0, 60)
  recorder.ask({ type: 'STATUS' }, { type: 'STATUS', mode: 2, slot: 0, id: image.id, transferOpen: false })
  upload.confirm(0)
  upload.confirm(0)
  recorder.ask({ type: 'STATUS' }, { type: 'STATUS', mode: 1, slot: 0, trialSecondsLeft: 0 })
  const slot = { slot: 0, id: image.id }
  recorder.ask({ type: 'DELETE', ...slot }, refused('BAD_STATE', 'DELETE'))
  recorder.ask({ type: 'STOP' }, { type: 'STOP', slot: 0, playing: false })
  recorder.ask({ type: 'PLAY' }, { type: 'PLAY', slot: 0, playing: true })
  return recorder.finish()
}

function losses() {
  const upload = opened(
    'a gap, a late frame, a duplicate, a frame of another length and one beyond the window',
    first,
  )
  const seq = upload.open(manifestBlock, first.blocks.length)
  const parts = upload.parts(manifestBlock)
  const part = (at: number) => parts[at] ?? new Uint8Array(0)
  upload.send(seq, part(0))
  upload.send(seq + 2, part(2))
  upload.acknowledged({ next: seq + 1, bitmap: 0b1 })
  upload.send(seq + 3, part(3))
  upload.acknowledged({ next: seq + 1, bitmap: 0b11 })
  upload.send(seq + 1, part(1).subarray(1))
  upload.recorder.advance(5)
  upload.recorder.heard()
  upload.recorder.ask({ type: 'PROBE' }, { type: 'ECHO', next: seq + 1, bitmap: 0b11, durable: 0 })
  upload.send(seq + 1, part(1))
  upload.acknowledged({ next: seq + 4, bitmap: 0 })
  upload.send(seq + 2, part(2))
  upload.acknowledged({ next: seq + 4, bitmap: 0 })
  upload.send(seq + 4 + 33, part(4))
  upload.acknowledged({ next: seq + 4, bitmap: 0 })
  for (let at = 4; at < parts.length; at++) upload.send(seq + at, part(at))
  upload.acknowledged({ next: seq + parts.length })
  return upload.recorder.finish()
}

function resumed() {
  const upload = opened('a transfer goes on in another session with what is missing', first)
  const { recorder } = upload
  upload.manifest(first.blocks.length)
  const seq = upload.open(0, first.blocks.length)
  const parts = upload.parts(0)
  for (const [at, part] of parts.entries()) upload.send(seq + at, part)
  upload.acknowledged({ next: seq + parts.length, durable: 1 })
  recorder.session = 2
  recorder.advance(50)
  greet(recorder)
  recorder.ask({ type: 'STATUS' }, { type: 'STATUS', transferOpen: true })
  recorder.ask(upload.begin, { type: 'BEGIN', slot: 0, state: 1 })
  upload.blocks(all(first).slice(1))
  upload.verify()
  return recorder.finish()
}

/** Runs of blocks of `second` that `first` holds too, and the blocks that it does not hold. */
function delta() {
  const place = new Map(first.blocks.map((entry, block) => [`${entry.crc32}/${entry.storedBytes}`, block]))
  const runs: { slot: number; oldBlock: number; newBlock: number; count: number }[] = []
  const missing: number[] = []
  for (const [newBlock, entry] of second.blocks.entries()) {
    const oldBlock = place.get(`${entry.crc32}/${entry.storedBytes}`)
    if (oldBlock === undefined) missing.push(newBlock)
    else runs.push({ slot: 0, oldBlock, newBlock, count: 1 })
  }
  return { runs, missing }
}

function copied() {
  const upload = opened(
    'a second transfer copies what the first has, is verified with SipHash, and its trial runs out',
    first,
  )
  const { recorder } = upload
  upload.deliver(all(first))
  upload.verify()
  upload.activate(0, 60)
  upload.confirm(0)
  const next = new Upload(recorder, second)
  recorder.ask(next.begin, { type: 'BEGIN', slot: 1, state: 0 })
  const entries = first.blocks
  recorder.ask(
    { type: 'BLOCKS', slot: 0, from: 0 },
    { type: 'BLOCKS', slot: 0, from: 0, total: entries.length, entries },
  )
  recorder.session = 2
  greet(recorder)
  next.manifest(second.blocks.length)
  const { runs, missing } = delta()
  recorder.ask({ type: 'COPY', runs }, { type: 'COPY', copied: runs.length, failed: 0 })
  recorder.ask(
    { type: 'COPY', runs: [{ slot: 0, oldBlock: 0, newBlock: missing[0] ?? 0, count: 1 }] },
    { type: 'COPY', copied: 0, failed: 1 },
  )
  next.blocks(missing)
  const expected = sipHash128(key, second.image)
  recorder.ask(
    { type: 'VERIFY', alg: 1, key, expected },
    { type: 'VERIFY', alg: 1, imageBytes: second.image.length, digest: expected },
  )
  next.activate(1, 1)
  recorder.ask({ type: 'STATUS' }, { type: 'STATUS', mode: 2, slot: 1 })
  recorder.advance(1000)
  recorder.ask({ type: 'STATUS' }, { type: 'STATUS', mode: 1, slot: 0 })
  recorder.ask({ type: 'CONFIRM', slot: 1, id: second.id }, refused('BAD_STATE', 'CONFIRM'))
  next.activate(1, 60)
  recorder.ask({ type: 'ROLLBACK' }, { type: 'ROLLBACK', slot: 0 })
  recorder.ask({ type: 'NEXT' }, { type: 'NEXT', slot: 1, playing: true })
  recorder.ask({ type: 'PREVIOUS' }, { type: 'PREVIOUS', slot: 0, playing: true })
  const stored = { slot: 1, id: second.id }
  recorder.ask({ type: 'DELETE', ...stored }, { type: 'DELETE', ...stored })
  recorder.ask({ type: 'SELECT', ...stored }, { type: 'ERR' })
  return recorder.finish()
}

function damaged() {
  const image = { ...first, image: Uint8Array.from(first.image) }
  image.image[3] = (image.image[3] ?? 0) ^ 1
  const upload = opened('a block that differs from its CRC stays missing', image)
  upload.manifest(first.blocks.length)
  const seq = upload.open(0, first.blocks.length)
  const parts = upload.parts(0)
  for (const [at, part] of parts.entries()) upload.send(seq + at, part)
  upload.recorder.advance(5)
  const refusals = upload.recorder.heard().filter(message => message.type !== 'ACK')
  const [refusal] = refusals
  if (
    refusals.length !== 1 ||
    refusal?.type !== 'ERR' ||
    refusal.code !== errorCodes.BLOCK_CRC ||
    refusal.detail !== 0
  )
    throw new Error(`no BLOCK_CRC but ${JSON.stringify(refusals)}`)
  const sound = new Upload(upload.recorder, first)
  const verify = { type: 'VERIFY', alg: 0, key: noKey, expected: noKey } as const
  upload.recorder.ask(verify, refused('BAD_STATE', 'VERIFY'))
  const again = upload.open(0, first.blocks.length)
  for (const [at, part] of sound.parts(0).entries()) sound.send(again + at, part)
  sound.acknowledged({ durable: 1 })
  return upload.recorder.finish()
}

function wrongDigest() {
  const upload = opened('a digest that differs clears the journal', first)
  upload.deliver(all(first))
  const verify = { type: 'VERIFY', alg: 1, key, expected: noKey } as const
  upload.recorder.ask(verify, refused('DIGEST', 'VERIFY'))
  upload.recorder.ask(
    { type: 'ACTIVATE', slot: 0, id: first.id, trialSeconds: 9 },
    refused('NOT_VERIFIED', 'ACTIVATE'),
  )
  upload.recorder.ask({ ...upload.begin, fresh: true }, { type: 'BEGIN', slot: 0, state: 0 })
  upload.deliver(all(first))
  upload.verify()
  return upload.recorder.finish()
}

function refusedManifest() {
  const manifest = encodeManifest({
    kind: 1,
    imageBytes: 10,
    decodedBytes: 65 * 3,
    frames: 1,
    leds: 65,
    width: 0,
    height: 0,
    channels: 3,
    colorOrder: 0,
    loopCount: 0,
    macType: 0,
    generation: 1,
    decodeBytes: 0,
    peakMa: 0,
    sha256: new Uint8Array(32),
    name: 'too wide',
    blocks: [{ crc32: 0, storedBytes: 10, codec: 1, frames: 1 }],
    mac: new Uint8Array(0),
  })
  const image = {
    ...first,
    manifest,
    image: new Uint8Array(10),
    id: transferId(manifest),
    blocks: first.blocks.slice(0, 1),
  }
  const upload = opened('a manifest with too many LEDs is refused, again and again until ABORT', image)
  const { recorder } = upload
  const seq = upload.open(manifestBlock, 1)
  const parts = upload.parts(manifestBlock)
  for (const [at, part] of parts.entries()) upload.send(seq + at, part)
  recorder.advance(5)
  const refusal = refused('BAD_GEOMETRY', 'BEGIN', 64)
  const heard = recorder.heard().filter(message => message.type === 'ERR')
  if (heard.length !== 1 || heard[0]?.type !== 'ERR' || heard[0].code !== refusal.code)
    throw new Error(JSON.stringify(heard))
  recorder.ask({ type: 'HAVEQ', start: true, firstSeq: seq + 50, bodyBytes, from: 0 }, refusal)
  recorder.ask({ type: 'ABORT', id: image.id }, { type: 'ABORT', id: image.id })
  recorder.ask({ type: 'LIST', slot: 0 }, { type: 'LIST', state: 0 })
  recorder.ask(
    { type: 'HAVEQ', start: true, firstSeq: seq + 60, bodyBytes, from: 0 },
    refused('NO_TRANSFER', 'HAVEQ'),
  )
  return recorder.finish()
}

/** firmware-protocol/vectors/transfer.json */
export const transferVectors = () => ({
  cases: [whole(), losses(), resumed(), copied(), damaged(), wrongDigest(), refusedManifest()],
})
