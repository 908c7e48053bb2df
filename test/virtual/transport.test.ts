import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../src/kernel/clock.ts'
import type { AppError } from '../../src/kernel/errors.ts'
import type { Link } from '../../src/link/link.ts'
import { openSerial } from '../../src/link/serial-link.ts'
import { type BoardTransport, outputCapBytes } from '../../src/virtual/board-transport.ts'
import { openPty } from '../../src/virtual/pty.ts'
import { listenTcp } from '../../src/virtual/tcp-transport.ts'

const noSocat = spawnSync('socat', ['-V']).error === undefined ? false : 'socat is absent'

interface Teardown {
  teardown(act: () => unknown): void
}

/** A line that answers each chunk with itself, unless `mute`. */
class Echo {
  transport: BoardTransport | undefined
  receivedBytes = 0
  mute = false
  readonly faults: AppError[] = []
  readonly listeners = {
    onData: (chunk: Uint8Array) => {
      this.receivedBytes += chunk.length
      if (!this.mute) this.transport?.write(chunk)
    },
    onFault: (error: AppError) => void this.faults.push(error),
  }
}

function temporaryFolder(test: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'board-'))
  test.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited too long for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

async function echoPty(test: Teardown, link: string): Promise<Echo> {
  const echo = new Echo()
  echo.transport = await openPty({ link, clock: systemClock, listeners: echo.listeners })
  test.teardown(() => echo.transport?.close())
  return echo
}

async function openPort(test: Teardown, path: string): Promise<Link> {
  const link = await openSerial(path, { baudRate: 115200, clock: systemClock, openTimeoutMs: 5000 })
  test.teardown(() => link.close())
  return link
}

/** Sends `text` and waits until it has come back. */
async function exchange(write: (text: Buffer) => unknown, heard: Heard, text: string): Promise<void> {
  heard.text = ''
  write(Buffer.from(text))
  await until(() => heard.text.includes(text), `the echo of ${text}`)
}

/** What a client has received. */
class Heard {
  text = ''
  bytes = 0
  readonly listen = (chunk: Uint8Array) => {
    this.text += Buffer.from(chunk).toString('latin1')
    this.bytes += chunk.length
  }
}

/** Opens the pty, has `text` echoed and closes it again. */
async function visit(test: Teardown, path: string, text: string): Promise<void> {
  const link = await openPort(test, path)
  const heard = new Heard()
  link.onData(heard.listen)
  await exchange(bytes => link.write(bytes), heard, text)
  await link.close()
}

t.test('a pty', { skip: noSocat }, async t => {
  t.test('carries bytes both ways and outlives its clients', async t => {
    const link = join(temporaryFolder(t), 'tty')
    const { transport } = await echoPty(t, link)
    t.equal(transport?.kind, 'pty')
    t.equal(transport?.path, link)
    for (const text of ['first client', 'second client']) await visit(t, link, text)
    transport?.setBaud(9600)
    await transport?.close()
    t.notOk(existsSync(link), 'the link goes with the board')
    transport?.write(Uint8Array.of(1))
  })

  t.test('passes 2 MB each way byte for byte, faster than any line', async t => {
    const link = join(temporaryFolder(t), 'tty')
    await echoPty(t, link)
    const port = await openPort(t, link)
    const sent = Buffer.alloc(2 * 1024 * 1024).map((_, i) => (i * 7919) >> 5)
    const heard = new Heard()
    port.onData(heard.listen)
    const begin = performance.now()
    for (let at = 0; at < sent.length; at += 16384) {
      port.write(sent.subarray(at, at + 16384))
      await until(() => heard.bytes > at - 32768, 'the echo')
    }
    await until(() => heard.bytes >= sent.length, 'the rest of the echo')
    t.ok(Buffer.from(heard.text, 'latin1').equals(sent))
    t.ok(performance.now() - begin < 4000, `${Math.round(performance.now() - begin)} ms`)
  })

  t.test('comes back under its link when socat dies', async t => {
    const link = join(temporaryFolder(t), 'tty')
    const echo = await echoPty(t, link)
    const before = lstatSync(link).ino
    const children = spawnSync('pgrep', ['-P', String(process.pid), 'socat']).stdout.toString()
    process.kill(Number(children), 'SIGKILL')
    await until(() => lstatSync(link).ino !== before, 'the new link')
    await visit(t, link, 'after')
    t.same(echo.faults, [])
  })

  t.test('that socat cannot bring back is a fault', async t => {
    const folder = temporaryFolder(t)
    const [link, once, socat] = [join(folder, 'tty'), join(folder, 'once'), join(folder, 'socat')]
    writeFileSync(socat, `#!/bin/sh\nmkdir ${once} && exec socat "$@"\n`, { mode: 0o755 })
    const echo = new Echo()
    const transport = await openPty({ link, clock: systemClock, socat, listeners: echo.listeners })
    t.teardown(() => transport.close())
    const children = spawnSync('pgrep', ['-P', String(process.pid), 'socat']).stdout.toString()
    process.kill(Number(children), 'SIGKILL')
    await until(() => echo.faults.length > 0, 'the fault')
    t.match(echo.faults, [{ code: 'link_lost', message: /was lost/ }])
    await until(() => !existsSync(link), 'the link to go')
  })

  t.test('replaces an old link but no file, and leaves a link that another board has taken over', async t => {
    const folder = temporaryFolder(t)
    const link = join(folder, 'tty')
    writeFileSync(join(folder, 'file'), 'precious')
    const clock = systemClock
    const { listeners } = new Echo()
    await t.rejects(openPty({ link: join(folder, 'file'), clock, listeners }), { code: 'conflict' })
    await t.rejects(openPty({ link: join(folder, 'no', 'tty'), clock, listeners }), { code: 'link_failed' })
    symlinkSync('/nowhere', link)
    const first = await echoPty(t, link)
    const second = await echoPty(t, link)
    await first.transport?.close()
    await visit(t, link, 'second')
    t.same(second.faults, [])
  })

  t.test('drops output beyond its cap when nobody reads', async t => {
    const link = join(temporaryFolder(t), 'tty')
    const { transport } = await echoPty(t, link)
    for (let i = 0; i < 100; i++) transport?.write(Buffer.alloc(outputCapBytes / 8, i))
    const port = await openPort(t, link)
    const heard = new Heard()
    port.onData(heard.listen)
    await until(() => heard.bytes >= outputCapBytes / 8, 'what was kept')
    t.ok(heard.bytes < 3 * outputCapBytes, `${heard.bytes} bytes were kept`)
  })
})

t.test('a missing socat is named with its cure, one that ends or makes no pty is a fault', async t => {
  const open = (socat: string) =>
    openPty({
      link: join(temporaryFolder(t), 'tty'),
      clock: systemClock,
      socat,
      listeners: new Echo().listeners,
    })
  await t.rejects(open('no-such-program'), {
    code: 'link_failed',
    message: 'A pty needs the program socat: sudo apt-get install socat',
  })
  await t.rejects(open('/'), { code: 'link_failed', message: /cannot be started/ })
  await t.rejects(open('false'), { code: 'link_failed', message: /ended at once/ })
})

t.test('a TCP port serves one client, the newest, and goes on when it leaves', async t => {
  const echo = new Echo()
  const transport = await listenTcp('127.0.0.1', 0, echo.listeners)
  echo.transport = transport
  t.teardown(() => transport.close())
  t.equal(transport.kind, 'tcp')
  transport.write(Uint8Array.of(1))
  transport.setBaud(1)
  const port = Number(transport.path.replace('127.0.0.1:', ''))
  const visitor = async (text: string): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    t.teardown(() => socket.destroy())
    const heard = new Heard()
    socket.on('data', heard.listen)
    await exchange(bytes => socket.write(bytes), heard, text)
    return socket
  }
  const first = await visitor('first')
  const second = await visitor('second')
  await until(() => first.destroyed, 'the end of the first client')
  second.resetAndDestroy()
  await visitor('third')
  await t.rejects(listenTcp('127.0.0.1', port, echo.listeners), { code: 'port_busy' })
  await t.rejects(listenTcp('192.0.2.1', 0, echo.listeners), { code: 'link_failed' })
  const six = await listenTcp('::1', 0, echo.listeners).catch(() => undefined)
  if (six !== undefined) t.match(six.path, /^\[::1]:\d+$/)
  await six?.close()
})

t.test('a TCP client that does not read costs no more than the cap', async t => {
  const echo = new Echo()
  const transport = await listenTcp('127.0.0.1', 0, echo.listeners)
  t.teardown(() => transport.close())
  const socket = connect(Number(transport.path.split(':')[1]), '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.pause()
  socket.write('x')
  await until(() => echo.receivedBytes > 0, 'the client')
  const rounds = 1000
  for (let i = 0; i < rounds; i++) transport.write(Buffer.alloc(65536))
  const heard = new Heard()
  socket.on('data', heard.listen)
  socket.resume()
  const next = () => {
    transport.write(Buffer.from('.'))
    return heard.bytes % 65536 !== 0 && heard.text.endsWith('.')
  }
  await until(next, 'what comes after the slow time')
  t.ok(heard.bytes < (rounds * 65536) / 2, `${heard.bytes} bytes came`)
})
