import { execFileSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/kernel/clock.ts'
import type { AppError } from '../../src/kernel/errors.ts'
import type { Link } from '../../src/link/link.ts'
import { openSerial } from '../../src/link/serial-link.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { type LineModel, type LineModelOptions, startLineModel } from '../support/line-model.ts'
import { syntheticPattern } from '../support/synthetic-patterns.ts'
import { measure } from './measure.ts'
import { noiseBytes, stdFile } from './payload.ts'
import { atLeast, atMost, formatRows, median, row } from './row.ts'

const has = (command: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`])
    return true
  } catch {
    return false
  }
}
const skip = has('make') && has('cc') ? false : 'make and cc are absent'

async function startModel(t: Test, options: LineModelOptions): Promise<LineModel> {
  const model = await startLineModel(options)
  t.teardown(() => model.stop())
  return model
}

async function openEnd(t: Test, path: string | undefined, baudRate = 115_200): Promise<Link> {
  const link = await openSerial(path ?? '', { baudRate, clock: systemClock, openTimeoutMs: 5_000 })
  t.teardown(() => link.close())
  return link
}

/** Bytes that come, until so many are there; with the times of the first and the last. */
function collect(link: Link, sizeBytes: number): Promise<{ bytes: Buffer; ms: number }> {
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let count = 0
    let startMs = 0
    link.onData(chunk => {
      startMs ||= performance.now()
      chunks.push(Buffer.from(chunk))
      count += chunk.length
      if (count >= sizeBytes) resolve({ bytes: Buffer.concat(chunks), ms: performance.now() - startMs })
    })
  })
}

const countBits = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((bits, byte, at) => bits + (byte ^ (b[at] ?? 0)).toString(2).replaceAll('0', '').length, 0)

t.test('a line carries every byte both ways at its rate, neither faster nor slower', { skip }, async t => {
  const model = await startModel(t, { baudRate: 500_000 })
  const host = await openEnd(t, model.lines[0]?.host)
  const board = await openEnd(t, model.lines[0]?.board)
  const payload = noiseBytes(50_000, 1)
  const [out, back] = [collect(board, payload.length), collect(host, payload.length)]
  host.write(payload)
  board.write(payload)
  for (const { bytes, ms } of [await out, await back]) {
    t.ok(bytes.equals(payload))
    t.ok(ms > 985 && ms < 1300, `50,000 bytes in ${ms.toFixed(1)} ms, 1,000 of line time`)
  }
  const [statistics] = await model.stop()
  t.match(statistics, { bytesOut: 50_000, bytesIn: 50_000, bitErrors: 0, overrunBytes: 0, cuts: 0 })
  t.ok(Math.abs((statistics?.busyOutMs ?? 0) - 1000) < 1)
})

t.test('noise flips bits at its rate, the same ones for a seed', { skip }, async t => {
  const payload = noiseBytes(100_000, 2)
  const received: Buffer[] = []
  for (const seed of [5, 5, 6]) {
    const model = await startModel(t, { baudRate: 4_000_000, bitErrorRate: 1e-3, seed })
    const host = await openEnd(t, model.lines[0]?.host)
    const board = await openEnd(t, model.lines[0]?.board)
    const there = collect(board, payload.length)
    host.write(payload)
    const { bytes } = await there
    const [statistics] = await model.stop()
    t.equal(countBits(bytes, payload), statistics?.bitErrors)
    t.ok(Math.abs((statistics?.bitErrors ?? 0) - 800) < 150, `${statistics?.bitErrors} bits of 800,000`)
    received.push(bytes)
  }
  const [a, again, other] = received
  t.ok(a && again && a.equals(again))
  t.notOk(a && other?.equals(a))
})

t.test('an adapter holds bytes for the host until 62 are there or its time is over', { skip }, async t => {
  const model = await startModel(t, { baudRate: 2_000_000, adapterLatencyMs: 100 })
  const host = await openEnd(t, model.lines[0]?.host)
  const board = await openEnd(t, model.lines[0]?.board)
  const roundTrip = async (sizeBytes: number): Promise<number> => {
    const startMs = performance.now()
    const there = collect(host, sizeBytes)
    board.write(new Uint8Array(sizeBytes))
    await there
    return performance.now() - startMs
  }
  t.ok((await roundTrip(10)) >= 95)
  t.ok((await roundTrip(62)) < 50)
})

t.test(
  'a cut after any byte delivers exactly the bytes before it; the terminal comes back',
  { skip },
  async t => {
    for (const [direction, cutAt] of [
      ['out', 1],
      ['out', 1000],
      ['in', 777],
    ] as const) {
      const cut = direction === 'out' ? { cutOutBytes: cutAt } : { cutInBytes: cutAt }
      const model = await startModel(t, { baudRate: 1_000_000, replugMs: 50, ...cut })
      const host = await openEnd(t, model.lines[0]?.host)
      const board = await openEnd(t, model.lines[0]?.board)
      const [from, to] = direction === 'out' ? [host, board] : [board, host]
      const there = collect(to, cutAt)
      const lost = new Promise<AppError | undefined>(resolve => host.onClose(resolve))
      from.write(noiseBytes(3000, 3))
      t.equal((await lost)?.code, 'link_lost')
      t.ok(
        (await there).bytes.equals(Buffer.from(noiseBytes(3000, 3).subarray(0, cutAt))),
        `${cutAt} bytes ${direction}`,
      )
      let again: Link | undefined
      while (again === undefined)
        again = await openSerial(model.lines[0]?.host ?? '', {
          baudRate: 115_200,
          clock: systemClock,
          openTimeoutMs: 5_000,
        }).catch(() => undefined)
      t.teardown(() => again?.close())
      const after = collect(board, 3)
      again.write(Uint8Array.of(1, 2, 3))
      t.same([...(await after).bytes].slice(-3), [1, 2, 3])
      t.match(await model.statistics(), [{ cuts: 1 }])
    }
  },
)

t.test('a terminal can be pulled and plugged by command', { skip }, async t => {
  const model = await startModel(t, { baudRate: 115_200, lines: 2 })
  const host = await openEnd(t, model.lines[1]?.host)
  const lost = new Promise<AppError | undefined>(resolve => host.onClose(resolve))
  model.cut(1)
  t.equal((await lost)?.code, 'link_lost')
  model.plug(1)
  t.match(await model.statistics(), [{ cuts: 0 }, { cuts: 1 }])
  const again = await openEnd(t, model.lines[1]?.host)
  t.equal(again.address, model.lines[1]?.host)
})

t.test('a native board answers, restarts on demand and follows a change of rate', { skip }, async t => {
  const model = await startModel(t, { baudRate: 115_200, nativeBoard: true, followBaud: true, lines: 2 })
  const host = await openEnd(t, model.lines[1]?.host)
  const seen: { type: number; body: Uint8Array }[] = []
  let wake = () => {}
  const decoder = new FrameDecoder(4096)
  host.onData(chunk =>
    decoder.push(chunk, frame => {
      seen.push(frame)
      wake()
    }),
  )
  const ask = async (type: number, body: number[], answer: number): Promise<Uint8Array> => {
    for (;;) {
      host.write(Uint8Array.of(0))
      host.write(encodeFrame(type, 7, 1, Uint8Array.from(body)))
      const timer = setTimeout(() => wake(), 500)
      await new Promise<void>(resolve => {
        wake = resolve
      })
      clearTimeout(timer)
      const found = seen.splice(0).find(frame => frame.type === answer)
      if (found) return found.body
    }
  }
  const hello = async () => Buffer.from(await ask(0x01, [1, 1, 0, 16, 0], 0x02))
  const first = await hello()
  t.equal(first[4 + 15], 1, 'the UUID ends with the number of the line')
  const bootId = first.readUInt32LE(2 + 18)
  model.resetBoard(1)
  t.equal((await hello()).readUInt32LE(2 + 18), bootId + 1, 'storage outlives a restart')
  t.match(await model.statistics(), [{ resets: 0 }, { resets: 1 }])
  const rate = [0x40, 0x42, 0x0f, 0]
  t.same([...(await ask(0x07, rate, 0x07))], rate)
  await host.setBaudRate(1_000_000)
  t.equal((await ask(0x05, [], 0x06)).length > 0, true, 'PROBE at the new rate')
})

t.test(
  'a transfer is measured as a share of its line, one that fails has none',
  { skip: skip || (has('sz') ? false : 'lrzsz is absent') },
  async t => {
    const { zmodemThroughLine } = await import('./zmodem.ts')
    const options = { lineSeconds: 1, timeoutMs: 90_000 }
    const { shareOfLine, payloadBytes } = await measure({ baudRate: 115_200 }, zmodemThroughLine, options)
    t.equal(payloadBytes, 11_520)
    t.ok(shareOfLine !== null && shareOfLine > 0 && shareOfLine < 0.98, String(shareOfLine))
    const nobody = async () => ({ seconds: 1, complete: false })
    t.match(await measure({ baudRate: 115_200 }, nobody, options), { shareOfLine: null })
  },
)

t.test('a native board counts the bytes that it writes twice', { skip }, async t => {
  const model = await startModel(t, { baudRate: 115_200, nativeBoard: true })
  t.match(await model.statistics(), [{ rewrittenBytes: 0 }])
})

t.test('a row tells whether its figure meets its target', t => {
  const fields = {
    case: 'share',
    line: '115200',
    what: 'x',
    seed: 1,
    unit: '%',
    detail: { s: 5.004 },
  } as const
  const met = row({ ...fields, figure: 0.981, target: atLeast(0.98) })
  const missed = row({ ...fields, figure: 0.981, target: atMost(0.98) })
  const unfinished = row({ ...fields, figure: null, target: atLeast(0) })
  t.same([met.met, missed.met, unfinished.met, row({ ...fields, figure: 1 }).met], [true, false, false, null])
  t.match(formatRows([met]), /share +115200 +x +98\.1 % +≥ 98 % +met +s 5\n/)
  t.match(formatRows([unfinished]), /not completed +completes +MISSED/)
  t.same([median([3, 1, 2]), median([4, 1, 2, 3])], [2, 2.5])
  t.end()
})

t.test('a pattern becomes an STD file', t => {
  const pattern = syntheticPattern('noise', { frames: 2, width: 2, height: 1 })
  const file = Buffer.from(stdFile(pattern))
  t.equal(file.length, 4 + 2 * (2 + 6))
  t.same([file.readUInt16LE(0), file.readUInt16LE(2), file.readUInt16LE(4)], [2, 2, 40])
  t.same([...file.subarray(6, 12)], [...(pattern.frames[0]?.pixels ?? [])])
  t.end()
})
