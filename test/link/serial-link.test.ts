import { execFileSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { SerialPort } from 'serialport'
import t from 'tap'
import ts from 'typescript'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { guardPort, type NativePort, type PortIo } from '../../src/link/disconnect-binding.ts'
import { type Link, writeCapBytes } from '../../src/link/link.ts'
import { earlyCapBytes } from '../../src/link/link-events.ts'
import { portError, portHolders, presentPorts } from '../../src/link/port-error.ts'
import { openSerial } from '../../src/link/serial-link.ts'
import { WriteQueue } from '../../src/link/write-queue.ts'
import { openDeafPty, openPtyPair } from '../support/pty.ts'

const options = { baudRate: 115200, clock: systemClock, openTimeoutMs: 5_000 }
const patternBytes = (sizeBytes: number): Uint8Array =>
  Uint8Array.from({ length: sizeBytes }, (_, at) => (at * 31) & 0xff)

/** Resolves once so many bytes have come; everything received so far. */
function collect(link: Link, sizeBytes: number): Promise<Buffer> {
  return new Promise(resolve => {
    let got = Buffer.alloc(0)
    link.onData(chunk => {
      got = Buffer.concat([got, chunk])
      if (got.length >= sizeBytes) resolve(got)
    })
  })
}

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    error => error,
  )
const closed = (link: Link): Promise<AppError | undefined> => new Promise(resolve => link.onClose(resolve))
const codeOf = (error: unknown): string | undefined => (error instanceof AppError ? error.code : undefined)
const faultOf = (opening: Promise<Link>): Promise<AppError> =>
  opening.then(
    () => Promise.reject(new Error('it opened')),
    error => error,
  )

t.test('bytes cross a serial link both ways, in order and unchanged, in any sizes of writes', async t => {
  const pair = await openPtyPair()
  t.teardown(pair.unplug)
  const [a, b] = await Promise.all([openSerial(pair.a, options), openSerial(pair.b, options)])
  t.teardown(() => Promise.all([a.close(), b.close()]))
  t.equal(a.address, pair.a)
  t.equal(a.kind, 'serial')
  t.equal(a.baudRate, 115200)
  const all = patternBytes(100_000)
  const there = collect(b, all.length)
  let taken = true
  for (let at = 0, step = 1; at < all.length; at += step, step = 1 + ((step * 7) % 5000)) {
    taken &&= a.write(all.subarray(at, Math.min(all.length, at + step)))
  }
  t.ok(taken)
  t.ok(a.queuedBytes > 0)
  const drained = new Promise<void>(resolve => a.onDrain(resolve))
  t.ok((await there).equals(all))
  await drained
  t.equal(a.queuedBytes, 0)
  const back = collect(a, 3)
  b.write(Uint8Array.of(1, 0, 255))
  t.same([...(await back)], [1, 0, 255])
})

t.test('bytes that come before anyone listens are kept, up to a cap', async t => {
  const pair = await openPtyPair()
  t.teardown(pair.unplug)
  const a = await openSerial(pair.a, options)
  const b = await openSerial(pair.b, options)
  t.teardown(() => Promise.all([a.close(), b.close()]))
  a.write(patternBytes(2 * earlyCapBytes))
  await new Promise<void>(resolve => a.onDrain(resolve))
  let got = Buffer.alloc(0)
  const enough = new Promise<void>(resolve => {
    const look = () => {
      b.onData(chunk => {
        got = Buffer.concat([got, chunk])
        if (got.length >= 1000) resolve()
      })
    }
    setImmediate(look)
  })
  await enough
  t.ok(got.subarray(0, 1000).equals(patternBytes(1000)))
})

t.test('a write beyond the cap is refused whole, and taken again after a drain', async t => {
  const pair = await openPtyPair()
  t.teardown(pair.unplug)
  const a = await openSerial(pair.a, options)
  t.teardown(() => a.close())
  t.ok(a.write(new Uint8Array(writeCapBytes)))
  t.notOk(a.write(new Uint8Array(1)), 'over the cap')
  t.equal(a.queuedBytes, writeCapBytes)
  const b = await openSerial(pair.b, options)
  t.teardown(() => b.close())
  let received = 0
  b.onData(chunk => {
    received += chunk.length
  })
  await new Promise<void>(resolve => a.onDrain(resolve))
  t.ok(a.write(new Uint8Array(1)))
  t.ok(received > 0)
})

t.test(
  'an unplug is told once, as link_lost, within 100 ms: idle, under write load and after it',
  async t => {
    for (const load of ['idle', 'writing', 'blocked']) {
      const pair = await openPtyPair()
      t.teardown(pair.unplug)
      const a = await openSerial(pair.a, options)
      const b = load === 'blocked' ? undefined : await openSerial(pair.b, options)
      t.teardown(() => Promise.all([a.close(), b?.close()]))
      let closes = 0
      a.onClose(() => {
        closes += 1
      })
      const refill = () => {
        while (load !== 'idle' && a.write(patternBytes(2000)));
      }
      a.onDrain(refill)
      b?.onData(chunk => void b.write(chunk))
      refill()
      await new Promise(resolve => setTimeout(resolve, 50)) // the load runs
      const lost = closed(a)
      const startMs = performance.now()
      await pair.unplug()
      const error = await lost
      const tookMs = performance.now() - startMs
      t.equal(codeOf(error), 'link_lost', load)
      t.ok(tookMs < 100, `${load}: ${tookMs.toFixed(1)} ms`)
      t.notOk(a.write(Uint8Array.of(1)), 'a dead link takes nothing')
      t.equal(a.queuedBytes, 0)
      await a.close()
      await t.rejects(a.setBaudRate(9600), { code: 'link_lost' })
      t.equal(closes, 1)
      t.equal(codeOf(await closed(a)), 'link_lost', 'a late listener is told too')
    }
  },
)

t.test('closing is idempotent, drops what is queued and tells undefined once', async t => {
  const pair = await openPtyPair()
  t.teardown(pair.unplug)
  const a = await openSerial(pair.a, options)
  let closes = 0
  a.onClose(error => {
    closes += 1
    t.equal(error, undefined)
  })
  a.write(patternBytes(200_000))
  await Promise.all([a.close(), a.close()])
  await a.close()
  t.equal(closes, 1)
  t.notOk(a.write(Uint8Array.of(1)))
  const again = await openSerial(pair.a, options)
  await again.close()
})

t.test('a close that the kernel holds back ends at its deadline', async t => {
  const pair = await openPtyPair()
  t.teardown(pair.unplug)
  const clock = new VirtualClock()
  const a = await openSerial(pair.a, { ...options, clock })
  const closing = a.close()
  clock.advance(2_000)
  await closing
  t.equal(await closed(a), undefined)
})

t.test(
  'the rate changes after what was written has left, odd rates included; modem lines keep their state at close',
  async t => {
    const pair = await openPtyPair()
    t.teardown(pair.unplug)
    const a = await openSerial(pair.a, options)
    const b = await openSerial(pair.b, options)
    t.teardown(() => Promise.all([a.close(), b.close()]))
    const settings = () => execFileSync('stty', ['-F', pair.a, '-a'], { encoding: 'utf8' })
    t.match(settings(), /speed 115200 .* -hupcl /s)
    const there = collect(b, 50_000)
    a.write(patternBytes(50_000))
    await a.setBaudRate(250_000)
    t.equal(a.queuedBytes, 0)
    t.equal(a.baudRate, 250_000)
    t.ok((await there).equals(patternBytes(50_000)))
    await a.setBaudRate(2_000_000)
    t.match(settings(), /speed 2000000 /)
  },
)

t.test(
  'a rate change ends by its deadline when the line takes nothing, and at once when the link closes',
  async t => {
    const pair = await openPtyPair()
    t.teardown(pair.unplug)
    const clock = new VirtualClock()
    const a = await openSerial(pair.a, { ...options, clock })
    a.write(new Uint8Array(writeCapBytes))
    const change = a.setBaudRate(9600)
    clock.advance(5_000)
    await t.rejects(change, { code: 'link_failed' })
    const second = t.rejects(a.setBaudRate(9600), { code: 'link_lost' })
    await a.close()
    await second
  },
)

t.test('a rate that the port refuses is a link_failed', async t => {
  const pair = await openPtyPair()
  t.teardown(pair.unplug)
  const a = await openSerial(pair.a, options)
  t.teardown(() => a.close())
  const noRate: unknown = 'fast'
  await t.rejects(a.setBaudRate(noRate as number), {
    code: 'link_failed',
    message: /does not take fast bit\/s/,
  })
})

t.test('what hinders an open is said in plain words with its cure', async t => {
  const pair = await openPtyPair()
  t.teardown(pair.unplug)
  const missing = await faultOf(openSerial('/dev/ttyUSB-nowhere', options))
  t.equal(missing.code, 'port_missing')
  t.match(missing.message, /does not exist/)

  const file = join(t.testdir(), 'file')
  await writeFile(file, 'not a port')
  const plain = await faultOf(openSerial(file, options))
  t.equal(plain.code, 'link_failed')
  t.match(plain.message, /not a serial port/)

  const holder = await openSerial(pair.a, options)
  const busy = await faultOf(openSerial(pair.a, options))
  t.equal(busy.code, 'port_busy')
  t.match(busy.message, new RegExp(`\\(${process.pid}\\)`), 'names who holds it')
  await holder.close()

  const denied = portError('/dev/ttyACM0', new Error('Error: Permission denied, cannot open /dev/ttyACM0'))
  t.equal(denied.code, 'port_denied')
  t.match(denied.message, /sudo usermod -aG dialout \$USER, then sign in again/)
  t.match(portError('/dev/x', new Error('Error: Device or resource busy, cannot open /dev/x')), {
    code: 'port_busy',
    message: /in use/,
  })
  t.match(portError('/dev/x', new Error('Error: Input/output error, cannot open /dev/x')), {
    code: 'link_failed',
    message: /Input\/output error/,
  })
})

t.test('ports and holders are read from the kernel’s tables', t => {
  const root = t.testdir({
    dev: { ttyUSB1: '', ttyACM0: '', ttyS0: '', tty1: '', null: '' },
    proc: {
      12: { comm: 'minicom\n', fd: { 3: t.fixture('symlink', '/dev/null') } },
      13: { fd: { 4: t.fixture('symlink', '/dev/null'), 5: '' } },
      14: { fd: {} },
      self: {},
    },
  })
  t.same(presentPorts(`${root}/dev`), [`${root}/dev/ttyACM0`, `${root}/dev/ttyUSB1`])
  t.same(presentPorts(`${root}/nothing`), [])
  t.same(portHolders('/dev/null', `${root}/proc`), ['minicom (12)', 'a process (13)'])
  t.same(portHolders('/dev/nowhere', `${root}/proc`), [])
  t.match(
    portError('/dev/ttyUSB0', new Error('No such file or directory')).message,
    /\/dev\/ttyUSB0 does not exist/,
  )
  t.end()
})

t.test('an open that outlasts its deadline fails, and the late port is closed again', async t => {
  const pair = await openPtyPair()
  t.teardown(pair.unplug)
  const clock = new VirtualClock()
  const opening = openSerial(pair.a, { ...options, clock })
  clock.advance(options.openTimeoutMs)
  t.equal(codeOf(await faultOf(opening)), 'link_failed')
  for (let tries = 0; ; tries++) {
    const again = await openSerial(pair.a, options).catch(() => undefined)
    if (again) {
      await again.close()
      break
    }
    t.ok(tries < 100, 'the port becomes free')
  }
})

t.test('outside the main thread a port is refused, since the binding would end the process', async t => {
  const pair = await openPtyPair()
  t.teardown(pair.unplug)
  const source = await readFile(new URL('../../src/link/disconnect-binding.ts', import.meta.url), 'utf8')
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  })
  const compiled = join(t.testdir({ 'binding.mjs': outputText }), 'binding.mjs')
  const code = `
    const { parentPort } = require('node:worker_threads')
    import('${compiled}')
      .then(m => m.disconnectBinding.open({ path: '${pair.a}', baudRate: 9600 }))
      .then(() => parentPort.postMessage('opened'), error => parentPort.postMessage(error.message))`
  const worker = new Worker(code, { eval: true, execArgv: [] })
  t.teardown(() => worker.terminate())
  const [message] = await once(worker, 'message')
  t.match(message, /main thread/)
})

/** A native port over pretended kernel answers. Each answer is a count, or a code that is thrown. */
function pretendPort(answers: (number | string)[]): {
  port: NativePort
  polls: number[]
  poller: EventEmitter
} {
  const polls: number[] = []
  const poller = Object.assign(new EventEmitter(), {
    poll: (flags: number) => {
      polls.push(flags)
      if (flags & 1) setImmediate(() => poller.emit('readable', null))
      if (flags & 2) setImmediate(() => poller.emit('writable', null))
    },
  })
  const answer = (): number => {
    const next = answers.shift() ?? 0
    if (typeof next === 'string') throw Object.assign(new Error(next), { code: next })
    return next
  }
  const io: PortIo = { read: answer, write: answer }
  const port = {
    fd: 7,
    isOpen: true,
    poller,
    read: () => Promise.reject(new Error()),
    write: () => Promise.reject(new Error()),
  }
  return { port: guardPort<NativePort>(port, io), polls, poller }
}

t.test('a read of 0 bytes is a disconnect, never a loop; EAGAIN waits', async t => {
  const buffer = Buffer.alloc(8)
  t.match(await thrownBy(pretendPort([0]).port.read(buffer, 0, 8)), { disconnect: true })
  const patient = pretendPort(['EAGAIN', 'EINTR', 5])
  t.equal((await patient.port.read(buffer, 0, 8)).bytesRead, 5)
  t.match(await thrownBy(pretendPort(['EIO']).port.read(buffer, 0, 8)), { code: 'EIO' })
})

t.test(
  'a write that takes nothing again and again is a disconnect; partial writes go on where they stopped',
  async t => {
    t.match(await thrownBy(pretendPort(new Array(100).fill(0)).port.write(Buffer.alloc(4))), {
      disconnect: true,
    })
    const { port } = pretendPort([1, 'EAGAIN', 0, 2, 0, 1])
    await port.write(Buffer.alloc(4))
    await port.write(Buffer.alloc(0))
    t.match(await thrownBy(pretendPort(['EIO']).port.write(Buffer.alloc(4))), { code: 'EIO' })
  },
)

t.test('a reader and a blocked writer are both waited for, and a poll error reaches both', async t => {
  const { port, polls, poller } = pretendPort([])
  Object.assign(port.poller, { poll: (flags: number) => polls.push(flags) })
  const failures = Promise.allSettled([port.read(Buffer.alloc(8), 0, 8), port.write(Buffer.alloc(4))])
  await new Promise(setImmediate)
  t.equal(polls.at(-1), 3)
  poller.emit('readable', new Error('EBADF'))
  poller.emit('writable', new Error('EBADF'))
  t.same(
    (await failures).map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  Object.assign(port, { fd: null, isOpen: false })
  t.match(await thrownBy(port.read(Buffer.alloc(8), 0, 8)), { canceled: true })
  t.match(await thrownBy(port.write(Buffer.alloc(8))), { canceled: true })
  poller.emit('readable', null)
})

t.test('writes of one tick leave together, in batches, and a dead sender stops the queue', async t => {
  const batches: Uint8Array[] = []
  const dones: ((alive: boolean) => void)[] = []
  let empties = 0
  const queue = new WriteQueue(
    (batch, done) => {
      batches.push(batch)
      dones.push(done)
    },
    () => {
      empties += 1
    },
  )
  t.ok(queue.push(new Uint8Array(0)))
  t.ok(queue.push(Uint8Array.of(1)))
  t.ok(queue.push(Uint8Array.of(2, 3)))
  await Promise.resolve()
  t.same(batches, [Buffer.from([1, 2, 3])])
  for (let count = 0; count < 20; count++) queue.push(new Uint8Array(1000))
  t.equal(queue.bytes, 20_003, 'the batch under way counts')
  dones.shift()?.(true)
  t.same(
    batches.map(({ length }) => length),
    [3, 16_000],
  )
  dones.shift()?.(true)
  dones.shift()?.(true)
  t.equal(empties, 1)
  queue.push(Uint8Array.of(9))
  await Promise.resolve()
  queue.push(Uint8Array.of(9))
  dones.shift()?.(false)
  t.equal(queue.bytes, 0)
  t.notOk(queue.push(Uint8Array.of(1)))
  t.equal(empties, 1)
})

t.test('reading goes on while a write is blocked', async t => {
  // A program takes the bytes here: between two ptys socat itself blocks in its write, and then reads neither side.
  const { device, speak, unplug } = await openDeafPty()
  t.teardown(unplug)
  const a = await openSerial(device, options)
  t.teardown(() => a.close())
  a.write(new Uint8Array(writeCapBytes))
  const there = collect(a, 5)
  await speak('reply')
  t.equal((await there).toString(), 'reply')
  t.ok(a.queuedBytes > 0, 'the write is still blocked')
})

t.test('the binding lists what serialport lists', async t => {
  const { disconnectBinding } = await import('../../src/link/disconnect-binding.ts')
  const same = (work: Promise<unknown>) => work.then(ports => JSON.stringify(ports)).catch(() => 'rejected')
  t.equal(await same(disconnectBinding.list()), await same(SerialPort.list()))
})
