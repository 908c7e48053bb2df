import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { decodeBlock } from '../../src/protocol/block/block.ts'
import { crc32 } from '../../src/protocol/crc32.ts'
import { divide, frameHashes } from '../../src/protocol/grouping.ts'
import {
  type BuiltImage,
  buildImage,
  buildOpaqueImage,
  type ImageLimits,
  type ImagePattern,
} from '../../src/protocol/image.ts'
import { decodeManifest, transferId } from '../../src/protocol/manifest.ts'
import { decodePxg, encodePxg } from '../../src/protocol/pxg.ts'
import { patternKinds, seededRandom, syntheticPattern } from '../support/synthetic-patterns.ts'

const limits: ImageLimits = { codecs: 0b1111, decodeBytes: 16_384, blockBytes: 16_448 }

function built(pattern: ImagePattern, board: ImageLimits = limits): BuiltImage {
  const image = buildImage(pattern, board, 1)
  if (!image.ok) throw new Error(JSON.stringify(image.fault))
  return image.value
}

/** Plays an image the way a board does: from manifest and stored bytes alone. */
function play({ manifest, image }: BuiltImage): { delayMs: number; pixels: string }[] {
  const fields = decodeManifest(manifest)
  if (!fields.ok) throw new Error(JSON.stringify(fields.fault))
  const { leds, channels, blocks } = fields.value
  let at = 0
  return blocks.flatMap(entry => {
    const stored = image.subarray(at, at + entry.storedBytes)
    at += entry.storedBytes
    if (crc32(stored) !== entry.crc32) throw new Error('a CRC of the block table is wrong')
    const block = decodeBlock(entry.codec, stored, entry.frames, leds, channels)
    if (!block.ok) throw new Error(block.fault)
    const size = leds * channels
    return block.value.delaysMs.map((delayMs, frame) => ({
      delayMs,
      pixels: Buffer.from(block.value.pixels.subarray(frame * size, (frame + 1) * size)).toString('hex'),
    }))
  })
}

const drawn = ({ frames }: ImagePattern) =>
  frames.map(({ delayMs, pixels }) => ({ delayMs, pixels: Buffer.from(pixels).toString('hex') }))

const blockKeys = ({ blocks }: BuiltImage) =>
  blocks.map(({ crc32: crc, storedBytes, codec, frames }) => `${crc}/${storedBytes}/${codec}/${frames}`)

t.test('an image plays the pattern it was built from, on boards of any limits', async () => {
  const cases = fc.record({
    kind: fc.constantFrom(...patternKinds),
    width: fc.integer({ min: 1, max: 12 }),
    height: fc.integer({ min: 1, max: 12 }),
    frames: fc.integer({ min: 1, max: 40 }),
    channels: fc.constantFrom(3 as const, 4 as const),
    seed: fc.nat(1000),
    codecs: fc.integer({ min: 0, max: 15 }),
    decodeBytes: fc.constantFrom(0, 64, 200, 1024, 16_384),
    extraBytes: fc.constantFrom(20, 300, 60_000),
  })
  fc.assert(
    fc.property(cases, ({ kind, codecs, decodeBytes, extraBytes, ...options }) => {
      const pattern = syntheticPattern(kind, options)
      const blockBytes = pattern.leds * pattern.channels + extraBytes
      const image = built(pattern, { codecs, decodeBytes, blockBytes })
      const fields = decodeManifest(image.manifest)
      return (
        JSON.stringify(play(image)) === JSON.stringify(drawn(pattern)) &&
        fields.ok &&
        fields.value.decodeBytes <= decodeBytes &&
        image.blocks.every(
          entry => entry.storedBytes <= blockBytes && (entry.codec === 0 || (codecs >> entry.codec) & 1),
        )
      )
    }),
    { numRuns: 150 },
  )
})

t.test('the manifest describes the image, and the same pattern gives the same bytes', async t => {
  const pattern = {
    ...syntheticPattern('sprites', { frames: 60 }),
    colorOrder: 2,
    loopCount: 3,
    peakMa: 700,
    name: 'Geister',
  }
  const image = built(pattern)
  const fields = decodeManifest(image.manifest)
  t.match(fields, {
    ok: true,
    value: {
      kind: 1,
      frames: 60,
      leds: 256,
      width: 16,
      height: 16,
      channels: 3,
      colorOrder: 2,
      loopCount: 3,
      generation: 1,
      peakMa: 700,
      name: 'Geister',
      imageBytes: image.image.length,
      decodedBytes: 60 * 768,
      macType: 0,
    },
  })
  t.strictSame(Buffer.from(image.sha256), createHash('sha256').update(image.image).digest())
  t.strictSame(image.id, transferId(image.manifest))
  t.same(built(pattern), image)
})

t.test('patterns shrink as promised, in straight and in serpentine rows', async t => {
  const atLeast = {
    text: 30,
    sprites: 10,
    fade: 100,
    chase: 50,
    'fire-37': 3,
    'fire-256': 2,
    plasma: 1.1,
    noise: 0.99,
  }
  for (const kind of patternKinds)
    for (const serpentine of [false, true]) {
      const pattern = syntheticPattern(kind, { frames: 100, serpentine })
      const image = built(pattern)
      const ratio = image.decodedBytes / (image.image.length + (kind === 'noise' ? image.manifest.length : 0))
      t.ok(ratio >= atLeast[kind], `${kind}${serpentine ? ', serpentine' : ''}: ${ratio.toFixed(2)} : 1`)
    }
})

t.test('inserting one frame into 300 changes at most two blocks, wherever and whatever it is', async () => {
  const patterns = patternKinds.map(kind =>
    syntheticPattern(kind, { width: 8, height: 8, frames: 300, seed: 4 }),
  )
  const before = patterns.map(pattern => new Set(blockKeys(built(pattern))))
  fc.assert(
    fc.property(
      fc.nat(patternKinds.length - 1),
      fc.nat(300),
      fc.nat(),
      fc.constantFrom(40, 41, 1000),
      (kind, at, seed, delayMs) => {
        const pattern = patterns[kind] as ImagePattern
        const random = seededRandom(seed)
        const frame = {
          delayMs,
          pixels: pattern.frames[0]?.pixels.map(() => random() * 256) ?? new Uint8Array(0),
        }
        const after = built({ ...pattern, frames: pattern.frames.toSpliced(at, 0, frame) })
        return blockKeys(after).filter(key => !before[kind]?.has(key)).length <= 2
      },
    ),
    { numRuns: 60 },
  )
})

t.test(
  'a boundary depends on content alone: an insertion adds at most two new groups at every place',
  async t => {
    const groups = (hashes: Uint32Array) => {
      const spans: string[] = []
      divide(hashes, ({ from, to }) => to - from <= 21 && spans.push(hashes.subarray(from, to).join()) > 0)
      return spans
    }
    const random = seededRandom(11)
    const word = () => Math.floor(random() * 2 ** 32)
    let removedAboveTwo = 0
    for (let round = 0; round < 4; round++) {
      const hashes = Array.from({ length: 300 }, word)
      const before = new Set(groups(Uint32Array.from(hashes)))
      const changed = (frames: number[]) =>
        groups(Uint32Array.from(frames)).filter(group => !before.has(group)).length
      for (let at = 0; at <= 300; at++) {
        const inserted = changed(hashes.toSpliced(at, 0, word()))
        if (inserted > 2) t.fail(`${inserted} groups changed by an insertion at ${at}`)
        if (changed(hashes.toSpliced(at, 1)) > 2) removedAboveTwo++
      }
    }
    t.ok(removedAboveTwo / 1204 < 0.06, `a removal rarely changes more than two: ${removedAboveTwo} of 1204`)
  },
)

t.test('groups cover all frames in order, whatever the hashes', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(1, 2, 3, 0xffffffff), { maxLength: 400 }),
      fc.integer({ min: 1, max: 50 }),
      (hashes, capacity) => {
        let next = 0
        divide(Uint32Array.from(hashes), ({ from, to }) => {
          if (to - from > capacity) return false
          if (from !== next || to <= from) throw new Error('a gap between groups')
          next = to
          return true
        })
        return next === hashes.length
      },
    ),
  )
})

t.test('equal frames fall into equal groups, without going through them again and again', async t => {
  const sizes: number[] = []
  divide(new Uint32Array(300), ({ from, to }) => to - from <= 21 && sizes.push(to - from) > 0)
  t.ok(Math.min(...sizes) >= 18 && Math.max(...sizes) <= 19, sizes.join(' '))
  let visits = 0
  divide(new Uint32Array(60_000), ({ from, to }) => {
    visits += to - from
    return to - from <= 1
  })
  t.ok(visits < 60_000 * 18, `${visits} frames visited`)
})

t.test('a hash covers pixels and delay', async t => {
  const pixels = new Uint8Array(12)
  const other = Uint8Array.from(pixels).fill(1, 11)
  const hashes = frameHashes([
    { delayMs: 40, pixels },
    { delayMs: 41, pixels },
    { delayMs: 40, pixels: other },
    { delayMs: 40, pixels },
  ])
  t.equal(new Set(hashes).size, 3)
  t.equal(hashes[0], hashes[3])
})

t.test('what cannot become an image is refused with the place and the sizes', async t => {
  const pattern = syntheticPattern('noise', { width: 4, height: 4, frames: 3 })
  const refused = (changes: Partial<ImagePattern>, board = limits) =>
    buildImage({ ...pattern, ...changes }, board, 1)
  t.match(refused({ frames: [] }), { fault: { kind: 'empty' } })
  t.match(refused({ leds: 0 }), { fault: { kind: 'bad-geometry', leds: 0 } })
  t.match(refused({ leds: 65_536 }), { fault: { kind: 'bad-geometry' } })
  t.match(refused({ channels: 5 }), { fault: { kind: 'bad-geometry', channels: 5 } })
  t.match(refused({ leds: 17 }), { fault: { kind: 'bad-pixels', frame: 0, expectedBytes: 51, gotBytes: 48 } })
  t.match(refused({ frames: pattern.frames.map((frame, at) => ({ ...frame, delayMs: at - 1 })) }), {
    fault: { kind: 'bad-delay', frame: 0, delayMs: -1 },
  })
  t.match(refused({}, { ...limits, blockBytes: 49 }), {
    fault: { kind: 'does-not-fit', frame: 0, storedBytes: 50, blockBytes: 49 },
  })
  const black = { delayMs: 40, pixels: new Uint8Array(48) }
  t.match(refused({ frames: [black, ...pattern.frames] }, { ...limits, blockBytes: 20 }), {
    fault: { kind: 'does-not-fit', frame: 1 },
  })
  const many = Array.from({ length: 65_001 }, (_, at) => ({
    delayMs: at,
    pixels: Uint8Array.of(at, at >> 8, 0),
  }))
  t.match(
    buildImage({ ...pattern, leds: 1, frames: many }, { ...limits, codecs: 0, blockBytes: 5 }, 1).ok,
    false,
  )
})

t.test('a frame larger than the memory for decoding is stored with a codec that needs none', async t => {
  const pattern = syntheticPattern('text', { frames: 10 })
  const image = built(pattern, { codecs: 0b1111, decodeBytes: 255, blockBytes: 4096 })
  t.ok(image.blocks.every(entry => entry.codec === 1))
  t.same(play(image), drawn(pattern))
})

t.test('a board with small blocks gets them, split where the content says', async t => {
  const pattern = syntheticPattern('noise', { frames: 30 })
  const image = built(pattern, { ...limits, blockBytes: 2000 })
  t.ok(image.blocks.every(entry => entry.storedBytes <= 2000))
  t.same(play(image), drawn(pattern))
})

t.test('any bytes become an opaque image in blocks of the asked size', async t => {
  const bytes = Uint8Array.from({ length: 10_000 }, (_, at) => at * 31)
  const opaque = (blockBytes: number, asked?: number) => {
    const image = buildOpaqueImage(bytes, 'firmware.bin', { ...limits, blockBytes }, 9, asked)
    if (!image.ok) throw new Error(image.fault.kind)
    return image.value
  }
  const image = opaque(9000)
  t.strictSame(
    image.blocks.map(entry => entry.storedBytes),
    [8192, 1808],
  )
  t.same(Buffer.compare(image.image, bytes), 0)
  t.match(decodeManifest(image.manifest), {
    value: { kind: 0, frames: 0, leds: 0, decodedBytes: 10_000, generation: 9, name: 'firmware.bin' },
  })
  t.equal(opaque(512).blocks.length, 20, 'a board with smaller blocks gets those')
  t.equal(opaque(9000, 1000).blocks.length, 10)
  t.match(buildOpaqueImage(new Uint8Array(0), '', limits, 1), { fault: { kind: 'empty' } })
  t.match(buildOpaqueImage(new Uint8Array(65_001), '', limits, 1, 1), {
    fault: { kind: 'too-many-blocks', blocks: 65_001 },
  })
})

t.test('a .pxg file holds manifest and image, and says what is wrong with another', async t => {
  const image = built(syntheticPattern('chase', { frames: 12 }))
  const file = encodePxg(image)
  const back = decodePxg(file)
  t.ok(back.ok && Buffer.compare(back.value.manifest, image.manifest) === 0)
  t.ok(back.ok && Buffer.compare(back.value.image, image.image) === 0)
  t.match(back, { value: { fields: { frames: 12 } } })
  t.match(decodePxg(new TextEncoder().encode('PXG2')), { fault: { kind: 'not-pxg' } })
  t.match(decodePxg(Buffer.concat([file, Uint8Array.of(0)])), { fault: { kind: 'leftover', extraBytes: 1 } })
  for (let size = 4; size < file.length; size += 7)
    t.match(decodePxg(file.subarray(0, size)), { fault: { kind: 'truncated' } })
  const broken = Uint8Array.from(file)
  broken[4] = 9
  t.match(decodePxg(broken), { fault: { kind: 'bad-manifest', fault: { error: 'BAD_MANIFEST', offset: 0 } } })
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void decodePxg(bytes)))
})
