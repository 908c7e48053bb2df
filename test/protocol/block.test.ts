import fc from 'fast-check'
import t from 'tap'
import { codecs, decodeBlock, encodeBlock, hasCodec } from '../../src/protocol/block/block.ts'
import { decodeDelays, encodeDelays } from '../../src/protocol/block/delays.ts'
import { decodeLz } from '../../src/protocol/block/lz-decode.ts'
import { encodeLz } from '../../src/protocol/block/lz-encode.ts'
import { indexPixels, pixelsOfIndices } from '../../src/protocol/block/palette.ts'
import { decodeRle, encodeRle } from '../../src/protocol/block/rle.ts'
import { pushVarint, readVarint, varintBytes } from '../../src/protocol/block/varint.ts'
import { patternKinds, seededRandom, syntheticPattern } from '../support/synthetic-patterns.ts'

const allCodecs = 0b1111
const channels = fc.constantFrom(3, 4)
const u32 = fc.integer({ min: 0, max: 0xffffffff })

/** Bytes with runs, repeats at a distance, and noise, in random turns: all that the codecs look for. */
const texture = (maxBytes: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 1, max: maxBytes }))
    .map(([seed, size]) => {
      const random = seededRandom(seed)
      const values = 1 + Math.floor(random() ** 3 * 256)
      const bytes: number[] = []
      while (bytes.length < size) {
        const length = 1 + Math.floor(random() ** 4 * 400)
        const distance = 1 + Math.floor(random() * bytes.length)
        const how = random()
        for (let count = 0; count < length; count++) {
          const repeated = bytes[bytes.length - distance] ?? 0
          bytes.push(how < 0.3 ? Math.floor(random() * values) : how < 0.6 ? (bytes.at(-1) ?? 0) : repeated)
        }
      }
      return Uint8Array.from(bytes.slice(0, size))
    })

/** A block of random shape filled from a texture. */
const blocks = fc
  .record({
    texture: texture(6000),
    leds: fc.integer({ min: 1, max: 70 }),
    channels,
    delaysMs: fc.array(fc.oneof(fc.constantFrom(20, 40), u32), { minLength: 1, maxLength: 12 }),
  })
  .map(({ texture: bytes, ...shape }) => {
    const size = shape.leds * shape.channels * shape.delaysMs.length
    return { ...shape, pixels: Uint8Array.from({ length: size }, (_, at) => bytes[at % bytes.length] ?? 0) }
  })

const cursorOf = (bytes: Uint8Array) => ({ bytes, at: 0 })

t.test('varints hold every number below 2³² in as many bytes as announced', async t => {
  fc.assert(
    fc.property(fc.oneof(u32, fc.integer({ min: 0, max: 300 })), value => {
      const bytes: number[] = []
      pushVarint(bytes, value)
      const cursor = cursorOf(Uint8Array.from(bytes))
      return readVarint(cursor) === value && cursor.at === bytes.length && varintBytes(value) === bytes.length
    }),
  )
  for (const value of [
    0, 0x7f, 0x80, 0x3fff, 0x4000, 0x1fffff, 0x200000, 0xfffffff, 0x10000000, 0xffffffff,
  ]) {
    const bytes: number[] = []
    pushVarint(bytes, value)
    t.equal(readVarint(cursorOf(Uint8Array.from(bytes))), value)
    t.equal(varintBytes(value), bytes.length)
  }
})

t.test('delays come back, and equal ones share a run', async t => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(0, 40), u32), { minLength: 1, maxLength: 255 }),
      delaysMs => {
        const back = decodeDelays(cursorOf(encodeDelays(delaysMs)), delaysMs.length)
        return back.ok && back.value.every((delayMs, frame) => delayMs === delaysMs[frame])
      },
    ),
  )
  t.equal(encodeDelays(new Array<number>(100).fill(40)).length, 2)
})

t.test('RLE gives back any pixels and costs at most a byte in 128 pixels more', async () => {
  fc.assert(
    fc.property(texture(3000), channels, (bytes, channelCount) => {
      const count = Math.max(1, Math.floor(bytes.length / channelCount))
      const pixels = Uint8Array.from({ length: count * channelCount }, (_, at) => bytes[at] ?? 0)
      const stored = encodeRle(pixels, channelCount)
      const back = decodeRle(cursorOf(stored), pixels.length, channelCount)
      const bound = pixels.length + Math.ceil(count / 128)
      return back.ok && Buffer.compare(back.value, pixels) === 0 && stored.length <= bound
    }),
  )
})

t.test('LZ gives back any bytes and costs hardly more than they are', async () => {
  const hints = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 3 })
  fc.assert(
    fc.property(texture(6000), hints, fc.integer({ min: 0, max: 32 }), (bytes, distances, depth) => {
      const stored = encodeLz(bytes, distances, depth)
      const cursor = cursorOf(stored)
      const back = decodeLz(cursor, bytes.length)
      // All literals would be a byte in 128; the parser keeps one way to each position, so it can miss that by a little.
      const bound = bytes.length + Math.ceil(bytes.length / 64) + 1
      return (
        back.ok &&
        Buffer.compare(back.value, bytes) === 0 &&
        cursor.at === stored.length &&
        stored.length <= bound
      )
    }),
    { numRuns: 300 },
  )
})

t.test('LZ pays one byte for a repeated distance, and for two that take turns', async t => {
  const random = seededRandom(3)
  const letters = Uint8Array.from({ length: 64 }, () => random() * 256)
  const once = encodeLz(letters, [], 32).length
  // A row from 255 back, then one from 257 back, and so on: what scrolling makes of a serpentine strip.
  const frame = Uint8Array.from({ length: 257 }, () => random() * 256)
  const scrolled = [...frame]
  for (let row = 0; row < 40; row++)
    for (let pixel = 0; pixel < 16; pixel++) scrolled.push(scrolled.at(row % 2 === 0 ? -255 : -257) ?? 0)
  const alone = encodeLz(frame, [], 32).length
  const extra = encodeLz(Uint8Array.from(scrolled), [], 32).length - alone
  t.ok(extra <= 40 + 5, `40 rows took ${extra} bytes`)
  t.equal(
    encodeLz(Uint8Array.from([...letters, ...letters]), [], 32).length,
    once + 2,
    'a copy of 64: token and distance',
  )
})

t.test('a palette holds 256 colours and not one more', async t => {
  const colours = (count: number) =>
    Uint8Array.from({ length: count * 3 }, (_, at) => (at % 3 === 0 ? at / 3 : at % 3 === 1 ? at / 768 : 0))
  t.equal(indexPixels(colours(256), 3)?.colours, 256)
  t.equal(indexPixels(colours(257), 3), undefined)
  fc.assert(
    fc.property(texture(900), channels, (bytes, channelCount) => {
      const pixels = bytes.subarray(0, bytes.length - (bytes.length % channelCount))
      const indexed = indexPixels(pixels, channelCount)
      if (indexed === undefined) return true
      const back = pixelsOfIndices(indexed.palette, indexed.indices, channelCount)
      return back !== undefined && Buffer.compare(back, pixels) === 0
    }),
  )
})

t.test('a block comes back under every set of codecs, and never larger than raw', async () => {
  fc.assert(
    fc.property(blocks, fc.integer({ min: 0, max: allCodecs }), ({ pixels, delaysMs, ...shape }, mask) => {
      const { codec, stored } = encodeBlock(pixels, delaysMs, { ...shape, codecs: mask, decodeBytes: 1e6 })
      const back = decodeBlock(codec, stored, delaysMs.length, shape.leds, shape.channels)
      return (
        (codec === codecs.raw || hasCodec(mask, codec)) &&
        stored.length <= pixels.length + encodeDelays(delaysMs).length &&
        back.ok &&
        Buffer.compare(back.value.pixels, pixels) === 0 &&
        back.value.delaysMs.every((delayMs, frame) => delayMs === delaysMs[frame])
      )
    }),
    { numRuns: 300 },
  )
})

t.test('a block that does not fit the memory for decoding uses a codec that needs none', async t => {
  const { frames, leds } = syntheticPattern('text', { frames: 4 })
  const pixels = Buffer.concat(frames.map(frame => frame.pixels))
  const codecFor = (decodeBytes: number) =>
    encodeBlock(pixels, [40, 40, 40, 40], { leds, channels: 3, codecs: allCodecs, decodeBytes }).codec
  t.equal(codecFor(1024), codecs.palette)
  t.equal(codecFor(1023), codecs.rle)
  t.equal(
    encodeBlock(pixels, [40, 40, 40, 40], { leds, channels: 3, codecs: 0b1001, decodeBytes: 3071 }).codec,
    codecs.raw,
  )
})

t.test(
  'arbitrary bytes decode to a block or a fault, never an exception, and an accepted block is whole',
  async () => {
    const shape = fc.record({
      codec: fc.integer({ min: 0, max: 5 }),
      frames: fc.integer({ min: 1, max: 3 }),
      leds: fc.integer({ min: 1, max: 40 }),
      channels,
    })
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Begins with sound delays, so that the codec is reached.
      fc.uint8Array({ maxLength: 200 }).map(tail => Uint8Array.of(1, 40, 1, 40, 1, 40, ...tail)),
      fc.uint8Array({ maxLength: 200 }).map(tail => Uint8Array.of(1, 40, ...tail)),
    )
    fc.assert(
      fc.property(shape, bytes, ({ codec, frames, leds, channels: count }, stored) => {
        const decoded = decodeBlock(codec, stored, frames, leds, count)
        if (!decoded.ok) return true
        return (
          decoded.value.pixels.length === frames * leds * count && decoded.value.delaysMs.length === frames
        )
      }),
      { numRuns: 5000 },
    )
  },
)

t.test(
  'a stored block that was changed, cut or lengthened gives a fault or a block of the right size',
  async () => {
    fc.assert(
      fc.property(
        blocks,
        fc.nat(),
        fc.nat(255),
        fc.constantFrom('change', 'cut', 'lengthen'),
        (block, where, value, how) => {
          const { pixels, delaysMs, leds, channels: count } = block
          const { codec, stored } = encodeBlock(pixels, delaysMs, {
            leds,
            channels: count,
            codecs: allCodecs,
            decodeBytes: 1e6,
          })
          const at = where % stored.length
          const broken =
            how === 'cut'
              ? stored.subarray(0, at)
              : how === 'change'
                ? Uint8Array.from(stored)
                : Buffer.concat([stored, Uint8Array.of(value)])
          if (how === 'change') broken[at] = value
          const decoded = decodeBlock(codec, broken, delaysMs.length, leds, count)
          return how === 'change' ? !decoded.ok || decoded.value.pixels.length === pixels.length : !decoded.ok
        },
      ),
      { numRuns: 500 },
    )
  },
)

t.test('what was decoded does not change with the buffer it came from', async t => {
  const stored = Buffer.from([1, 40, 1, 2, 3])
  const decoded = decodeBlock(codecs.raw, stored, 1, 1, 3)
  stored.fill(0)
  t.strictSame(decoded.ok && [...decoded.value.pixels], [1, 2, 3])
})

t.test('every synthetic pattern comes back from blocks of any length', async t => {
  for (const kind of patternKinds)
    for (const length of [1, 7, 21]) {
      const { frames, leds } = syntheticPattern(kind, { frames: length, serpentine: length === 7, seed: 9 })
      const pixels = Buffer.concat(frames.map(frame => frame.pixels))
      const delaysMs = frames.map(frame => frame.delayMs)
      const { codec, stored } = encodeBlock(pixels, delaysMs, {
        leds,
        channels: 3,
        codecs: allCodecs,
        decodeBytes: 1e6,
      })
      const back = decodeBlock(codec, stored, length, leds, 3)
      t.ok(
        back.ok && Buffer.compare(back.value.pixels, pixels) === 0,
        `${kind}, ${length} frames, codec ${codec}`,
      )
    }
})
