import fc from 'fast-check'
import t from 'tap'
import { decodeColors, type PixelOrder, pixelOrders } from '../../../src/pattern/color-order.ts'
import { dimExporter } from '../../../src/pattern/export/bin-dim.ts'
import { rawExporter } from '../../../src/pattern/export/bin-headerless.ts'
import { ledmExporter } from '../../../src/pattern/export/bin-ledm.ts'
import { stdExporter } from '../../../src/pattern/export/bin-std.ts'
import type { Exporter, ExportOptions } from '../../../src/pattern/export/exporter.ts'
import { createPattern, type Pattern } from '../../../src/pattern/pattern.ts'
import { fromSourceWiring, wiringMap, wirings } from '../../../src/pattern/wiring.ts'
import { detect, fault, openBest, sharedSample, u16le, value, withoutSamples } from '../pattern-files.ts'

const headered = [stdExporter, dimExporter, ledmExporter]

const blank = (width: number, height: number, delays: readonly number[]): Pattern =>
  value(
    createPattern({
      name: 'blank',
      width,
      height,
      loopCount: 0,
      frames: delays.map(delayMs => ({ delayMs, pixels: new Uint8Array(width * height * 3) })),
    }),
  )

const patterns: fc.Arbitrary<Pattern> = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 7 }),
    delays: fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 1, maxLength: 6 }),
  })
  .chain(({ width, height, delays }) => {
    const sizeBytes = width * height * 3
    const pixels = fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes })
    return fc.array(pixels, { minLength: delays.length, maxLength: delays.length }).map(list => ({
      ...blank(width, height, delays),
      frames: list.map((pixels, at) => ({ delayMs: delays[at] ?? 1, pixels })),
    }))
  })

/** The reading of a format, as the bytes may fit another one as well. */
function readAs(format: string, bytes: Uint8Array, leds?: number): Pattern {
  const found = detect(bytes, { leds }).find(candidate => candidate.format === format)
  if (found === undefined) throw new Error(`not read as ${format}`)
  return value(found.open())
}

const bytesOf = (exporter: Exporter, pattern: Pattern, options: ExportOptions = {}) =>
  value(exporter.write(pattern, options)).bytes
const frameBytes = (pattern: Pattern) => pattern.frames.map(frame => [frame.delayMs, ...frame.pixels])

t.test('pixels and times come back as they were, in every wiring and order of R, G and B', async () => {
  const orders = pixelOrders.filter(order => order.length === 3)
  fc.assert(
    fc.property(
      patterns,
      fc.constantFrom(...wirings),
      fc.constantFrom(...orders),
      (pattern, wiring, order) => {
        const { width, height, leds } = pattern
        const map = wiringMap(width, height, wiring)
        for (const exporter of headered) {
          const plain = readAs(exporter.format, bytesOf(exporter, pattern))
          if (JSON.stringify(frameBytes(plain)) !== JSON.stringify(frameBytes(pattern))) return false
          if (exporter !== stdExporter && (plain.width !== width || plain.height !== height)) return false
          const wired = readAs(exporter.format, bytesOf(exporter, pattern, { map, colorOrder: order }), leds)
          const back = value(fromSourceWiring(wired, wiring, { width, height }))
          const turned = back.frames.map(frame => [frame.delayMs, ...decodeColors(frame.pixels, order)])
          if (JSON.stringify(turned) !== JSON.stringify(frameBytes(pattern))) return false
        }
        return true
      },
    ),
    { numRuns: 150 },
  )
})

t.test('raw pixels come back in every wiring and order of colours', async () => {
  fc.assert(
    fc.property(
      patterns,
      fc.constantFrom(...wirings),
      fc.constantFrom(...pixelOrders),
      (pattern, wiring, order: PixelOrder) => {
        const { width, height, leds, frames } = pattern
        const bytes = bytesOf(rawExporter, pattern, {
          map: wiringMap(width, height, wiring),
          colorOrder: order,
        })
        const rgb = decodeColors(bytes, order)
        const strip = readAs('raw', rgb, leds)
        const back = value(fromSourceWiring(strip, wiring, { width, height }))
        const lossy = order.startsWith('RGB565') ? 0xf8 : 0xff
        return (
          back.frames.length === frames.length &&
          back.frames.every((frame, at) =>
            frame.pixels.every(
              (byte, place) => (byte & lossy) === ((frames[at]?.pixels[place] ?? 0) & lossy),
            ),
          )
        )
      },
    ),
    { numRuns: 150 },
  )
})

t.test(
  'a real drawing, written as raw pixels in the wiring of its board, is the export of its author byte for byte',
  { skip: withoutSamples },
  async t => {
    for (const [file, raw, width, height, wiring] of [
      ['15x6-369.leds', '15x6-369.export.bin', 15, 6, 'column-serpentine-tl'],
      ['12x6-134.leds', '12x6-134.export.dat', 12, 6, 'column-serpentine-bl'],
    ] as const) {
      const drawn = openBest(sharedSample(`leds/${file}`))
      const map = wiringMap(width, height, wiring)
      t.equal(Buffer.compare(bytesOf(rawExporter, drawn, { map }), sharedSample(`leds/${raw}`)), 0, raw)
      for (const exporter of headered) {
        const [first] = detect(bytesOf(exporter, drawn))
        t.match(first, { format: exporter.format, frames: drawn.frames.length, leds: width * height })
      }
    }
  },
)

t.test('the headers are those of Upload Bridge', async t => {
  const pattern = { ...blank(3, 2, [300]), frames: [{ delayMs: 300, pixels: new Uint8Array(18).fill(7) }] }
  const frame = [...u16le(300), ...new Array<number>(18).fill(7)]
  t.same([...bytesOf(stdExporter, pattern)], [...u16le(6, 1), ...frame])
  t.same([...bytesOf(dimExporter, pattern)], [...u16le(3, 2, 1), ...frame])
  t.same([...bytesOf(ledmExporter, pattern)], [...Buffer.from('LEDM'), ...u16le(1, 6, 1, 3, 2), ...frame])
  const strip = { ...pattern, width: 6, height: 1 }
  t.same([...bytesOf(ledmExporter, strip)], [...Buffer.from('LEDM'), ...u16le(1, 6, 1), ...frame])
})

t.test('a frame longer than two bytes can say becomes equal frames of the same length together', async t => {
  const long = blank(2, 1, [65_535, 65_536, 200_000, 5])
  for (const exporter of headered) {
    const { bytes, notes } = value(exporter.write(long, {}))
    t.same(
      readAs(exporter.format, bytes).frames.map(frame => frame.delayMs),
      [65_535, 65_535, 1, 65_535, 65_535, 65_535, 3395, 5],
    )
    t.match(notes[0], /2 frames longer than 65535 ms became 6 equal ones/)
  }
})

t.test('cells without an LED are left out where the file allows it', async t => {
  const pixels = Uint8Array.from({ length: 12 }, (_, at) => at)
  const pattern = { ...blank(2, 2, [9]), frames: [{ delayMs: 9, pixels }] }
  const map = Uint32Array.of(3, 0, 1)
  t.same([...bytesOf(rawExporter, pattern, { map })], [9, 10, 11, 0, 1, 2, 3, 4, 5])
  t.equal(readAs('std', bytesOf(stdExporter, pattern, { map })).leds, 3)
  t.match(detect(bytesOf(ledmExporter, pattern, { map })), [{ format: 'ledm', leds: 3, width: null }])
  t.match(value(rawExporter.write(pattern, { map })).notes, [
    /3 LEDs \(9 bytes/,
    /matrix of 2×2/,
    /9 ms each/,
    /1 of the 4 cells/,
    /order of the strip/,
  ])
  t.match(fault(dimExporter.write(pattern, { map })), { kind: 'does_not_fit', message: /3 of the 4 cells/ })
  for (const exporter of [stdExporter, ledmExporter, rawExporter])
    t.match(fault(exporter.write(pattern, { map: new Uint32Array() })), { kind: 'does_not_fit' })
})

t.test('what a format cannot hold is refused with its limit; what it cannot keep is said', async t => {
  const one = blank(1, 1, [20])
  for (const [exporter, pattern, message] of [
    [stdExporter, blank(10_001, 1, [1]), /10,001 LEDs; an STD file holds 10,000/],
    [dimExporter, blank(4097, 1, [1]), /4097×1; a DIM file holds 4096/],
    [dimExporter, blank(1, 1, new Array<number>(20_001).fill(1)), /20,001 frames; a DIM file holds 20,000/],
    [ledmExporter, blank(65_536, 1, [1]), /65,536 LEDs; an LEDM file holds 65,535/],
    [stdExporter, blank(1, 1, new Array<number>(65_536).fill(1)), /65,536 frames; an STD file holds 65,535/],
    [stdExporter, blank(1, 1, [0xffffffff]), /65,537 frames \(65,536 of them because a delay/],
    [stdExporter, blank(9000, 1, [65_535 * 5000]), /too large to be read again/],
  ] as const)
    t.match(fault(exporter.write(pattern, {})), { kind: 'does_not_fit', message })
  for (const colorOrder of ['GRBW', 'RGB565LE'])
    for (const exporter of headered)
      t.match(fault(exporter.write(one, { colorOrder })), {
        kind: 'bad_request',
        message: /three bytes an LED/,
      })
  for (const exporter of [...headered, rawExporter])
    t.match(fault(exporter.write(one, { colorOrder: 'XYZ' })), { kind: 'bad_request' })
  t.same(value(stdExporter.write(one, {})).notes, [])
  t.match(value(stdExporter.write(blank(2, 3, [1]), {})).notes, [/2×3/])
  t.match(value(stdExporter.write({ ...one, loopCount: 4 }, { colorOrder: 'grb' })).notes, [
    /repeats \(4\)/,
    /GRB/,
  ])
  t.equal(value(rawExporter.write(blank(10, 10, [1]), { colorOrder: 'RGBW' })).bytes.length, 400)
})
