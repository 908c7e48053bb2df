import fc from 'fast-check'
import t from 'tap'
import { Ws2812Decoder } from './ws2812.ts'

const frequencyHz = 16e6

/** A waveform made by hand. */
class Wave {
  readonly #entries: bigint[] = []
  #cycle = 1000

  #turn(level: 0 | 1): void {
    this.#entries.push((BigInt(this.#cycle) << 1n) | BigInt(level))
  }

  low(ns: number): this {
    this.#cycle += Math.round((ns * frequencyHz) / 1e9)
    return this
  }

  pulse(highNs: number, lowNs: number): this {
    this.#turn(1)
    this.low(highNs)
    this.#turn(0)
    return this.low(lowNs)
  }

  bits(bytes: Iterable<number>, ns: readonly (readonly [number, number])[] = good): this {
    for (const byte of bytes)
      for (let i = 7; i >= 0; i--) {
        const [high = 0, low = 0] = ns[(byte >> i) & 1] ?? []
        this.pulse(high, low)
      }
    return this
  }

  /** What a decoder sees once the LEDs are reset and another picture has begun. */
  decoded() {
    this.low(100_000).pulse(400, 0)
    const bytes = new Uint8Array(BigUint64Array.from(this.#entries).buffer)
    const decoder = new Ws2812Decoder(frequencyHz)
    for (let at = 0; at < bytes.length; at += 61) decoder.push(bytes.subarray(at, at + 61))
    return decoder.record
  }
}

const good = [
  [400, 850],
  [800, 450],
] as const

t.test('whatever bytes go into a clean waveform come out, pictures apart, at their times', async t => {
  const led = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255))
  const picture = fc.array(led, { minLength: 1, maxLength: 12 }).map(leds => leds.flat())
  fc.assert(
    fc.property(fc.array(picture, { minLength: 1, maxLength: 4 }), pictures => {
      const wave = new Wave()
      for (const bytes of pictures) wave.bits(bytes).low(60_000)
      const { pictures: found, faultCount } = wave.decoded()
      t.equal(faultCount, 0)
      t.same(
        found.map(({ bytes }) => [...bytes]),
        pictures,
      )
      let atMs = 1000 / 16e3
      for (const [i, { atMs: foundMs }] of found.entries()) {
        t.ok(Math.abs(foundMs - atMs) < 0.001, `${foundMs} is ${atMs}`)
        atMs += ((pictures[i]?.length ?? 0) * 8 * 1250 + 60_000) / 1e6
      }
    }),
    { numRuns: 50 },
  )
})

t.test('a bit that is wrong by more than the data sheet allows is told', async t => {
  const judged = (high0: number, low0: number, high1: number, low1: number) =>
    new Wave()
      .bits(
        [0x5a, 0x0f, 0xc3],
        [
          [high0, low0],
          [high1, low1],
        ],
      )
      .decoded().faultCount
  t.equal(judged(400, 850, 800, 450), 0)
  t.equal(judged(312.5, 937.5, 687.5, 562.5), 0, 'within 150 ns')
  t.equal(judged(500, 750, 937.5, 312.5), 0, 'within 150 ns')
  t.equal(judged(187.5, 850, 800, 450), 12, 'a 0 too short')
  t.equal(judged(625, 850, 800, 450), 12, 'a 0 too long')
  t.equal(judged(400, 850, 625, 450), 12, 'a 1 too short')
  t.equal(judged(400, 850, 1000, 450), 12, 'a 1 too long')
  t.ok(judged(400, 625, 800, 450) > 8, 'low too short after a 0')
  t.ok(judged(400, 850, 800, 250) > 8, 'low too short after a 1')
  t.ok(judged(400, 850, 800, 750) > 8, 'low too long after a 1')
})

t.test('one bit that is too wide among thousands is told, and where', async t => {
  const wave = new Wave().bits(Array.from({ length: 299 }, (_, i) => i & 255))
  for (let i = 0; i < 8; i++) wave.pulse(i === 5 ? 600 : 400, 850)
  const { faultCount, faults } = wave.decoded()
  t.equal(faultCount, 1)
  const atMs = (1000 / 16e3 + (299 * 8 + 5) * 0.00125).toFixed(4)
  t.equal(faults[0], `${atMs} ms: high for 625 ns is neither 0 nor 1`)
})

t.test('a wrong colour, a missing bit and a pause that LEDs may take for a reset are told', async t => {
  const right = [1, 2, 3, 4, 5, 6]
  t.strictNotSame([...(new Wave().bits([1, 2, 3, 4, 5, 7]).decoded().pictures[0]?.bytes ?? [])], right)
  const short = new Wave().bits(right).pulse(400, 850).decoded()
  t.match(short.faults, [/49 bits are no whole number of LEDs/])
  const endMs = 1000 / 16e3 + 48 * 0.00125 + 0.0004
  t.ok(Math.abs(Number.parseFloat(short.faults[0] ?? '') - endMs) < 0.0002, 'where the picture ends')
  const paused = (lowNs: number) => new Wave().bits([1, 2, 3]).low(lowNs).bits([4, 5, 6]).decoded()
  t.equal(paused(2000).faultCount, 0)
  t.equal(paused(2000).pictures.length, 1)
  t.equal(paused(8000).faultCount, 1)
  t.equal(paused(30_000).faultCount, 1)
  t.equal(paused(80_000).pictures.length, 2)
})
