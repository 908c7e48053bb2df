import t from 'tap'
import {
  type BuiltImage,
  buildImage,
  buildOpaqueImage,
  type ImagePattern,
} from '../../../src/protocol/image.ts'
import { BoardRig, type RigOptions } from '../../support/board-rig.ts'

const limits = { codecs: 0b1111, decodeBytes: 16_384, blockBytes: 65_535 }

/** Bytes that do not compress, the same for each seed. */
function noise(sizeBytes: number, seed = 1): Uint8Array {
  let state = seed >>> 0
  return Uint8Array.from({ length: sizeBytes }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}

function opaque(sizeBytes: number, seed = 1, generation = 1): BuiltImage {
  const built = buildOpaqueImage(noise(sizeBytes, seed), 'noise', limits, generation)
  if (!built.ok) throw new Error(built.fault.kind)
  return built.value
}

function pattern(frames: readonly Uint8Array[], generation = 1): BuiltImage {
  const parts: ImagePattern = {
    leds: 256,
    width: 16,
    height: 16,
    channels: 3,
    colorOrder: 0,
    loopCount: 0,
    name: 'test',
    frames: frames.map(pixels => ({ delayMs: 20, pixels })),
  }
  const built = buildImage(parts, limits, generation)
  if (!built.ok) throw new Error(built.fault.kind)
  return built.value
}

const distinctFrames = (count: number, seed = 1) =>
  Array.from({ length: count }, (_, i) => noise(768, seed * 1000 + i))

async function share(options: RigOptions, maxBody: number, adaptBody: boolean, sizeBytes = 300_000) {
  const rig = new BoardRig(options)
  const session = await rig.greet()
  const sender = await rig.transfer(session, opaque(sizeBytes), { maxBody, adaptBody })
  const progress = sender.progress()
  const lineShare = (progress.payloadBytes * 10) / (((options.baudRate ?? 0) * progress.streamMs) / 1000)
  return { lineShare, outcome: sender.outcome, progress }
}

t.test('a clean line is filled: 98 % with 1 KB bodies, 92 % with 128 B, at every rate', async t => {
  for (const baudRate of [115_200, 500_000, 2_000_000]) {
    for (const [maxBody, least] of [
      [1024, 0.98],
      [128, 0.92],
    ] as const) {
      const { lineShare, outcome, progress } = await share({ baudRate, latencyMs: 1 }, maxBody, false)
      t.ok(outcome?.ok, `${baudRate} Bd`)
      t.ok(
        lineShare >= least && lineShare <= 1,
        `${baudRate} Bd, ${maxBody} B: ${(lineShare * 100).toFixed(2)} %`,
      )
      t.equal(progress.retransmittedBytes, 0)
    }
  }
})

t.test('at a bit error rate of 1e-5 a 256-byte body still gives 93 % of the line', async t => {
  const shares: number[] = []
  for (const seed of [1, 2, 3, 4, 5]) {
    const { lineShare } = await share({ baudRate: 115_200, noise: { bitErrorRate: 1e-5, seed } }, 256, false)
    shares.push(lineShare)
  }
  shares.sort((a, b) => a - b)
  t.ok((shares[2] ?? 0) >= 0.93, shares.map(value => (value * 100).toFixed(2)).join(' '))
})

t.test(
  'transfers complete at bit error rates of 1e-4 and 1e-3, and what is active is what was sent',
  async t => {
    for (const bitErrorRate of [1e-4, 1e-3]) {
      for (const seed of [1, 2, 3]) {
        const rig = new BoardRig({
          baudRate: 115_200,
          noise: { bitErrorRate, seed, dropRate: bitErrorRate / 10, insertRate: bitErrorRate / 10 },
        })
        const session = await rig.greet()
        const image = opaque(60_000, seed)
        const { outcome } = await rig.transfer(session, image, {})
        t.ok(outcome?.ok, `${bitErrorRate}, seed ${seed}`)
        if (outcome?.ok === true) t.same(Buffer.from(outcome.digest.value), Buffer.from(image.sha256))
      }
    }
  },
)

t.test(
  'a cable cut at any of many places, then a new link: the transfer goes on where it stopped',
  async t => {
    const image = opaque(40_000)
    for (const direction of ['toBoard', 'toHost'] as const) {
      for (const at of [
        1,
        30,
        200,
        700,
        direction === 'toBoard' ? 21_000 : 400,
        direction === 'toBoard' ? 39_000 : 900,
      ]) {
        const rig = new BoardRig({ baudRate: 500_000 })
        const line = rig.plug({ [direction]: at })
        const first = await rig.greet(line).catch(() => undefined)
        const cut = first === undefined ? undefined : await rig.transfer(first, image)
        const session = await rig.greet(rig.plug())
        const sender = await rig.transfer(session, image, {
          durableBefore: cut?.progress().durableBlocks ?? 0,
        })
        t.ok(sender.outcome?.ok, `${direction} ${at}`)
        t.equal(sender.progress().resentBlocks, 0, 'nothing durable is sent again')
        const twice = (cut?.progress().doneBytes ?? 0) + sender.progress().payloadBytes
        t.ok(twice <= image.image.length + 33 * 1024, 'at most a window is repeated')
      }
    }
  },
)

t.test(
  'a board that loses its power at many flash operations resumes with at most its open block lost',
  async t => {
    const image = opaque(100_000)
    for (const operation of [3, 20, 70, 100, 140, 180]) {
      const rig = new BoardRig({ baudRate: 500_000, faults: { powerCutAt: [operation] } })
      const line = rig.plug()
      let durableBefore = 0
      let outcome: unknown
      for (let tries = 0; tries < 6; tries++) {
        const session = await rig.greet(line).catch(() => undefined)
        if (session === undefined) continue
        const sender = await rig.transfer(session, image, { durableBefore })
        session.end()
        const progress = sender.progress()
        t.ok(progress.resentBlocks <= 1, `operation ${operation}`)
        durableBefore = progress.durableBlocks
        outcome = sender.outcome
        if (sender.outcome?.ok === true) break
      }
      t.match(outcome, { ok: true }, `operation ${operation}`)
      t.equal(rig.flash.unerasedBits, 0, 'nothing was programmed over what was not erased')
    }
  },
)

t.test('one frame put into three hundred costs two blocks; the rest is copied on the board', async t => {
  const frames = distinctFrames(300)
  const before = pattern(frames, 1)
  const after = pattern([...frames.slice(0, 150), noise(768, 77), ...frames.slice(150)], 2)
  const rig = new BoardRig({ baudRate: 500_000 })
  const session = await rig.greet()
  t.ok((await rig.transfer(session, before)).outcome?.ok)
  const sender = await rig.transfer(session, after)
  t.ok(sender.outcome?.ok)
  const { payloadBytes, copiedBytes } = sender.progress()
  const sent = after.blocks.filter(block => !before.blocks.some(old => old.crc32 === block.crc32))
  t.ok(sent.length <= 2, `${sent.length} new blocks`)
  t.equal(
    payloadBytes,
    sent.reduce((sum, block) => sum + block.storedBytes, 0),
  )
  t.equal(payloadBytes + copiedBytes, after.image.length)
})

t.test('the same image again is recognised: nothing is sent, and the board still proves it', async t => {
  const rig = new BoardRig({ baudRate: 500_000 })
  const session = await rig.greet()
  const image = pattern(distinctFrames(20))
  await rig.transfer(session, image)
  const again = await rig.transfer(session, image)
  t.ok(again.outcome?.ok)
  t.equal(again.progress().payloadBytes, 0)
})

t.test('a board that lies about its hash never makes "done", and the old pattern plays on', async t => {
  const old = pattern(distinctFrames(5, 3))
  const rig = new BoardRig({ baudRate: null })
  t.ok((await rig.transfer(await rig.greet(), old)).outcome?.ok)
  const liar = new BoardRig({ baudRate: null, faults: { lieHash: true } })
  const session = await liar.greet()
  const { outcome } = await liar.transfer(session, pattern(distinctFrames(5, 4)))
  t.match(outcome, { ok: false, fault: { kind: 'digest' } })
  t.equal(liar.shown.filter(({ id }) => id !== '0'.repeat(32)).length, 0, 'nothing of it was ever shown')
})

t.test('a mute board is noticed within six seconds', async t => {
  const rig = new BoardRig({ baudRate: 115_200, faults: { muteAfterBytes: 9000 } })
  const session = await rig.greet()
  const startedMs = rig.clock.now()
  const sender = await rig.transfer(session, opaque(60_000))
  t.not(sender.outcome?.ok, true)
  t.ok(rig.clock.now() - startedMs < 9000, `${rig.clock.now() - startedMs} ms`)
})

t.test('a board without SHA-256 proves itself by a keyed digest', async t => {
  const rig = new BoardRig({ baudRate: null, config: { digests: 0b10 } })
  const { outcome } = await rig.transfer(await rig.greet(), opaque(10_000))
  t.match(outcome, { ok: true, digest: { alg: 'siphash128' } })
})

t.test('an image that the board must refuse ends with its reason, not with a time-out', async t => {
  const small = new BoardRig({ baudRate: null, config: { storageBytes: 64 * 1024 } })
  const tooLarge = await small.transfer(await small.greet(), opaque(60_000))
  t.match(tooLarge.outcome, { ok: false, fault: { kind: 'refused', refusal: { code: 7 } } })

  const short = new BoardRig({ baudRate: null, config: { leds: 100, width: 10, height: 10 } })
  const tooManyLeds = await short.transfer(await short.greet(), pattern(distinctFrames(3)))
  t.match(tooManyLeds.outcome, { ok: false, fault: { kind: 'refused', refusal: { code: 8 } } })

  const plain = new BoardRig({ baudRate: null, config: { codecs: 1 } })
  const flat = pattern([new Uint8Array(768), new Uint8Array(768).fill(3)])
  const unknownCodec = await plain.transfer(await plain.greet(), flat)
  t.match(unknownCodec.outcome, { ok: false, fault: { kind: 'refused', refusal: { code: 9 } } })
})

t.test('a board slower than its line gets no more than it can hold', async t => {
  const rig = new BoardRig({
    baudRate: 1_000_000,
    config: { lineRateBaud: 115_200, rxBuffer: 512, window: 512, maxBody: 128 },
    faults: { slowFlashMs: 2 },
  })
  const sender = await rig.transfer(await rig.greet(), opaque(8000))
  t.ok(sender.outcome?.ok)
  t.equal(rig.board.lostBytes, 0, 'not a byte was lost to an overrun')
})

t.test('what is played is what was compiled, frame by frame, in time', async t => {
  const frames = distinctFrames(30)
  const rig = new BoardRig({ baudRate: 500_000 })
  const session = await rig.greet()
  const image = pattern(frames)
  const sender = await rig.transfer(session, image)
  t.ok(sender.outcome?.ok)
  rig.clock.advance(1500)
  session.end()
  const id = Buffer.from(image.id).toString('hex')
  const played = rig.shown.filter(shown => shown.id === id)
  t.ok(played.length >= 60, 'twice through')
  for (const { frame, pixels } of played)
    if (!Buffer.from(pixels).equals(frames[frame] ?? Buffer.alloc(0))) t.fail(`frame ${frame}`)
  const gaps = played.slice(1).map((shown, i) => shown.atMs - (played[i]?.atMs ?? 0))
  t.ok(
    gaps.every(gap => Math.abs(gap - 20) <= 1),
    `gaps of ${Math.min(...gaps)} to ${Math.max(...gaps)} ms`,
  )
})
