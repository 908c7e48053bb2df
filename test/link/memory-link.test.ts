import fc from 'fast-check'
import t from 'tap'
import type { AppError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { Channel, type ChannelFaults } from '../../src/link/channel.ts'
import { type Link, writeCapBytes } from '../../src/link/link.ts'
import { memoryLinkPair } from '../../src/link/memory-link.ts'
import { Prng } from '../../src/link/prng.ts'

const bytesOf = (sizeBytes: number): Uint8Array =>
  Uint8Array.from({ length: sizeBytes }, (_, at) => at & 0xff)

/** Everything that comes, with the time of its last byte. */
function record(link: Link, clock: VirtualClock): { bytes: number[]; lastAtMs: number } {
  const seen = { bytes: [] as number[], lastAtMs: Number.NaN }
  link.onData(chunk => {
    seen.bytes.push(...chunk)
    seen.lastAtMs = clock.now()
  })
  return seen
}

const runOut = (clock: VirtualClock) => {
  while (clock.step());
}

t.test('a pair carries bytes both ways through the clock alone, at once without a rate', async t => {
  const clock = new VirtualClock()
  const { host, board } = memoryLinkPair({ clock, address: 'memory://1' })
  t.match(host, { address: 'memory://1', kind: 'memory', baudRate: null })
  const atBoard = record(board, clock)
  host.write(Uint8Array.of(1, 2))
  host.write(new Uint8Array(0))
  host.write(Uint8Array.of(3))
  t.same(atBoard.bytes, [], 'nothing is delivered within write')
  t.equal(host.queuedBytes, 0)
  runOut(clock)
  t.same(atBoard.bytes, [1, 2, 3])
  board.write(Uint8Array.of(4))
  runOut(clock)
  t.same(record(host, clock).bytes, [4], 'early bytes are kept')
  await host.setBaudRate(9600)
  t.equal(host.baudRate, null)
  t.equal(clock.now(), 0)
})

t.test(
  'a line paces 8N1 at its rate and delays by its latency; only what the kernel would not take counts as queued',
  t => {
    const clock = new VirtualClock()
    const { host, board } = memoryLinkPair({ clock, baudRate: 115200, toBoard: { latencyMs: 16 } })
    const seen = record(board, clock)
    const drains: number[] = []
    host.onDrain(() => drains.push(clock.now()))
    const sizeBytes = 11_520
    for (let at = 0; at < sizeBytes; at += 128) t.ok(host.write(bytesOf(128)))
    t.equal(host.queuedBytes, sizeBytes - 4096)
    runOut(clock)
    t.equal(seen.bytes.length, sizeBytes)
    t.ok(Math.abs(seen.lastAtMs - 1016) < 2e-3)
    t.equal(drains.length, 1)
    t.ok(Math.abs((drains[0] ?? 0) - (1000 * (sizeBytes - 4096)) / 11_520) < 2e-3)
    t.ok(host.write(new Uint8Array(writeCapBytes)))
    t.notOk(host.write(new Uint8Array(4097)), 'over the cap')
    t.end()
  },
)

t.test('a drain waits for bytes that were written meanwhile', t => {
  const clock = new VirtualClock()
  const { host } = memoryLinkPair({ clock, baudRate: 10_000 })
  let drains = 0
  host.onDrain(() => {
    drains += 1
  })
  host.write(new Uint8Array(5000))
  clock.advance(500)
  host.write(new Uint8Array(5000))
  clock.advance(500)
  t.equal(drains, 0)
  runOut(clock)
  t.equal(drains, 1)
  t.end()
})

t.test('ends at different rates receive nonsense until both have changed', async t => {
  const clock = new VirtualClock()
  const { host, board } = memoryLinkPair({ clock, baudRate: 115200 })
  const seen = record(board, clock)
  host.write(bytesOf(1152))
  const change = host.setBaudRate(1_000_000)
  runOut(clock)
  await change
  t.ok(Math.abs(clock.now() - 100) < 2e-3, 'what was written leaves first')
  t.same(seen.bytes.splice(0), [...bytesOf(1152)])
  host.write(bytesOf(10))
  runOut(clock)
  t.equal(seen.bytes.length, 10)
  t.notSame(seen.bytes.splice(0), [...bytesOf(10)])
  await board.setBaudRate(1_000_000)
  host.write(bytesOf(10))
  runOut(clock)
  t.same(seen.bytes, [...bytesOf(10)])
})

t.test('a close ends both ends once: undefined here, link_lost there', async t => {
  const clock = new VirtualClock()
  const { host, board } = memoryLinkPair({ clock })
  const ends: (string | undefined)[] = []
  host.onClose(error => ends.push(error?.code))
  board.onClose((error: AppError | undefined) => ends.push(error?.code))
  host.write(Uint8Array.of(1))
  const seen = record(board, clock)
  await host.close()
  await host.close()
  await board.close()
  runOut(clock)
  t.same(ends, [undefined, 'link_lost'])
  t.same(seen.bytes, [], 'what was under way is lost')
  t.notOk(host.write(Uint8Array.of(1)))
  t.equal(host.queuedBytes, 0)
  await t.rejects(host.setBaudRate(1), { code: 'link_lost' })
})

t.test('a cable cut after any byte delivers exactly the bytes before it', t => {
  for (const cutAfterBytes of [1, 7, 8, 9, 64]) {
    const clock = new VirtualClock()
    const { host, board } = memoryLinkPair({ clock, baudRate: 9600, toBoard: { cutAfterBytes } })
    const seen = record(board, clock)
    const ends: (string | undefined)[] = []
    for (const link of [host, board]) link.onClose(error => ends.push(error?.code))
    for (let at = 0; at < 80; at += 8) host.write(bytesOf(8))
    runOut(clock)
    t.equal(seen.bytes.length, cutAfterBytes)
    t.same(ends, ['link_lost', 'link_lost'])
  }
  const clock = new VirtualClock()
  const pair = memoryLinkPair({ clock })
  pair.cut()
  t.notOk(pair.board.write(Uint8Array.of(1)))
  t.end()
})

t.test('the generator gives the same numbers for a seed, spread evenly, and draws geometric waits', t => {
  const a = new Prng(1)
  const b = new Prng(1)
  for (let count = 0; count < 100; count++) t.equal(a.uint32(), b.uint32())
  t.not(new Prng(2).uint32(), new Prng(1).uint32())
  const c = new Prng(3)
  const buckets = new Array<number>(16).fill(0)
  for (let count = 0; count < 160_000; count++) buckets[c.below(16)] = (buckets[c.below(16)] ?? 0) + 1
  t.ok(buckets.every(count => count > 0))
  t.equal(c.trialsUntil(0), Number.POSITIVE_INFINITY)
  t.equal(c.trialsUntil(1), 1)
  let sum = 0
  for (let count = 0; count < 20_000; count++) sum += c.trialsUntil(0.01)
  t.ok(Math.abs(sum / 20_000 - 100) < 3, 'geometric with mean 1/p')
  t.end()
})

t.test(
  'a channel without faults changes nothing; one with them does the same for the same seed, however bytes are cut',
  t => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), fc.integer(), (chunks, seed) => {
        const clear = new Channel({ seed })
        for (const chunk of chunks) if (clear.pass(chunk).bytes !== chunk) return false
        const noisy: ChannelFaults = {
          seed,
          bitErrorRate: 0.01,
          dropRate: 0.05,
          insertRate: 0.05,
          swapRate: 0.05,
          duplicateRate: 0.1,
        }
        const [a, b] = [new Channel(noisy), new Channel(noisy)]
        return chunks.every(chunk => {
          const before = [...chunk]
          const same = Buffer.from(a.pass(chunk).bytes).equals(Buffer.from(b.pass(chunk).bytes))
          return same && before.every((byte, at) => byte === chunk[at])
        })
      }),
    )
    const joined = new Channel({ seed: 5, bitErrorRate: 0.02 })
    const parted = new Channel({ seed: 5, bitErrorRate: 0.02 })
    const whole = joined.pass(bytesOf(1000)).bytes
    const pieces = [0, 100, 700].map(
      (from, at, all) => parted.pass(bytesOf(1000).subarray(from, all[at + 1] ?? 1000)).bytes,
    )
    t.same(Buffer.concat(pieces), Buffer.from(whole), 'bit errors do not depend on the cut')
    t.end()
  },
)

t.test('each fault comes as often as its rate says', t => {
  const sizeBytes = 200_000
  const clean = bytesOf(sizeBytes)
  const faults = (rates: Omit<ChannelFaults, 'seed'>) => {
    const channel = new Channel({ seed: 11, ...rates })
    return { bytes: channel.pass(clean).bytes, channel }
  }
  const near = (count: number, expected: number) => Math.abs(count - expected) < 5 * Math.sqrt(expected) + 1
  const noisy = faults({ bitErrorRate: 1e-3 })
  t.ok(near(noisy.channel.faults, sizeBytes * 8e-3), 'bits')
  t.equal(
    noisy.bytes.reduce((bits, byte, at) => bits + popCount(byte ^ (clean[at] ?? 0)), 0),
    noisy.channel.faults,
  )
  const short = faults({ dropRate: 1e-3 })
  t.equal(short.bytes.length, sizeBytes - short.channel.faults)
  t.ok(near(short.channel.faults, 200), 'drops')
  const long = faults({ insertRate: 1e-3 })
  t.equal(long.bytes.length, sizeBytes + long.channel.faults)
  const swapped = faults({ swapRate: 1e-3 })
  t.ok(near(swapped.channel.faults, 200), 'swaps')
  t.same([...swapped.bytes].sort(), [...clean].sort())
  t.notSame(swapped.bytes, clean)
  t.same(
    new Channel({ seed: 1, swapRate: 1 }).pass(Uint8Array.of(9)).bytes,
    Uint8Array.of(9),
    'the last byte has no neighbour',
  )

  const repeats = new Channel({ seed: 3, duplicateRate: 0.1, stallRate: 0.2, stallMs: 40 })
  let doubled = 0
  let stalledMs = 0
  for (let count = 0; count < 2000; count++) {
    const { bytes, stallMs } = repeats.pass(Uint8Array.of(1, 2))
    if (bytes.length === 4) doubled += 1
    stalledMs += stallMs
  }
  t.ok(near(doubled, 200), 'duplicates')
  t.ok(near(stalledMs / 40, 400), 'stalls')
  t.end()
})

const popCount = (byte: number): number => [...byte.toString(2)].filter(bit => bit === '1').length

t.test('a channel’s faults and stalls reach the other end of a pair', t => {
  const clock = new VirtualClock()
  const channel = new Channel({ seed: 1, dropRate: 1, stallRate: 1, stallMs: 100 })
  const { host, board } = memoryLinkPair({
    clock,
    baudRate: 10_000,
    toBoard: { pass: bytes => channel.pass(bytes) },
  })
  const seen = record(board, clock)
  host.write(bytesOf(10))
  runOut(clock)
  t.same(seen.bytes, [])
  t.ok(Math.abs(clock.now() - 110) < 2e-3)
  t.end()
})
