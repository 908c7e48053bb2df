import fc from 'fast-check'
import t from 'tap'
import { decodeManifest, encodeManifest, type Manifest, refuseManifest } from '../../src/protocol/manifest.ts'

const u8 = fc.integer({ min: 0, max: 0xff })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const entry = (codec: fc.Arbitrary<number>, frames: fc.Arbitrary<number>) =>
  fc.record({ crc32: u32, storedBytes: fc.integer({ min: 1, max: 0xffff }), codec, frames })

/** Manifests that hold together: the sums are those of the blocks. */
const patterns: fc.Arbitrary<Manifest> = fc
  .record({
    blocks: fc.array(entry(fc.nat(3), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 20 }),
    leds: fc.integer({ min: 1, max: 1000 }),
    channels: fc.constantFrom(3, 4),
    rest: fc.record({
      width: u16,
      height: u16,
      colorOrder: u8,
      loopCount: u16,
      macType: u8,
      generation: u32,
      decodeBytes: u32,
      peakMa: u16,
      sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      mac: fc.uint8Array({ maxLength: 64 }),
      name: fc.string({ unit: 'grapheme-ascii', maxLength: 32 }),
    }),
  })
  .map(({ blocks, leds, channels, rest }) => {
    const frames = blocks.reduce((sum, block) => sum + block.frames, 0)
    const imageBytes = blocks.reduce((sum, block) => sum + block.storedBytes, 0)
    return {
      kind: 1,
      blocks,
      leds,
      channels,
      frames,
      imageBytes,
      decodedBytes: frames * leds * channels,
      ...rest,
    }
  })

const limits = { leds: 1000, codecs: 0xffff, decodeBytes: 0xffffffff, blockBytes: 0xffff }
const plain = (manifest: Manifest) =>
  JSON.stringify(
    Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)),
    (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value),
  )

t.test('a manifest comes back as it was written', async () => {
  fc.assert(
    fc.property(patterns, manifest => {
      const back = decodeManifest(encodeManifest(manifest))
      return (
        back.ok && plain(back.value) === plain(manifest) && refuseManifest(back.value, limits) === undefined
      )
    }),
  )
})

t.test('arbitrary bytes give a manifest or a fault, never an exception', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), bytes => void decodeManifest(bytes)))
})

t.test('a manifest with any byte changed is refused or has its sums in order', async () => {
  fc.assert(
    fc.property(patterns, fc.nat(), u8, (manifest, where, value) => {
      const bytes = Uint8Array.from(encodeManifest(manifest))
      bytes[where % bytes.length] = value
      const back = decodeManifest(bytes)
      if (!back.ok) return back.fault.error === 'BAD_MANIFEST'
      const { blocks, frames, imageBytes, kind } = back.value
      return (
        blocks.reduce((sum, block) => sum + block.storedBytes, 0) === imageBytes &&
        (kind === 0 || blocks.reduce((sum, block) => sum + block.frames, 0) === frames)
      )
    }),
    { numRuns: 1000 },
  )
})

t.test('an opaque manifest has raw blocks and decodes to itself', async t => {
  const opaque: Manifest = {
    kind: 0,
    blocks: [{ crc32: 1, storedBytes: 10, codec: 0, frames: 0 }],
    leds: 0,
    channels: 0,
    frames: 0,
    imageBytes: 10,
    decodedBytes: 10,
    width: 0,
    height: 0,
    colorOrder: 0,
    loopCount: 0,
    macType: 0,
    generation: 1,
    decodeBytes: 0,
    peakMa: 0,
    sha256: new Uint8Array(32),
    mac: new Uint8Array(0),
    name: 'x',
  }
  const offset = (changes: Partial<Manifest>) => {
    const back = decodeManifest(encodeManifest({ ...opaque, ...changes }))
    return back.ok || back.fault.error !== 'BAD_MANIFEST' ? 'accepted' : back.fault.offset
  }
  t.equal(offset({}), 'accepted')
  t.equal(offset({ decodedBytes: 11 }), 8)
  t.equal(offset({ imageBytes: 11, decodedBytes: 11 }), 4)
  t.equal(offset({ blocks: [{ crc32: 1, storedBytes: 10, codec: 2, frames: 0 }] }), 110)
})
