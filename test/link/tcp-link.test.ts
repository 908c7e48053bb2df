import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/kernel/clock.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { type Link, writeCapBytes } from '../../src/link/link.ts'
import { linkName, openLink } from '../../src/link/link-settings.ts'
import { connectError, openTcp } from '../../src/link/tcp-link.ts'

const options = { connectTimeoutMs: 5_000, clock: systemClock }

/** A board's listening end; `next` is the socket of the next connection. */
async function listen(
  t: Test,
  allowHalfOpen = false,
): Promise<{ server: Server; port: number; next: Promise<Socket> }> {
  const server = createServer({ allowHalfOpen })
  const sockets = new Set<Socket>()
  server.on('connection', socket => void sockets.add(socket.on('error', () => undefined)))
  const next = once(server, 'connection').then(([socket]) => socket as Socket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port, next }
}

const closed = (link: Link): Promise<AppError | undefined> => new Promise(resolve => link.onClose(resolve))

t.test('bytes cross a TCP link both ways, and the queue drains', async t => {
  const { port, next } = await listen(t)
  const link = await openTcp('127.0.0.1', port, options)
  t.teardown(() => link.close())
  const board = await next
  t.match(link, { address: `tcp://127.0.0.1:${port}`, kind: 'tcp', baudRate: null, queuedBytes: 0 })
  t.ok(link.write(Uint8Array.of(1, 2)))
  t.ok(link.write(Uint8Array.of(3)))
  t.equal(link.queuedBytes, 3)
  const [got] = await Promise.all([once(board, 'data'), new Promise<void>(resolve => link.onDrain(resolve))])
  t.same([...got[0]], [1, 2, 3], 'writes of one tick travel together')
  t.equal(link.queuedBytes, 0)
  const heard = new Promise<Uint8Array>(resolve => link.onData(resolve))
  board.write(Buffer.from('reply'))
  t.equal(Buffer.from(await heard).toString(), 'reply')
  await link.setBaudRate(9600)
  t.equal(link.baudRate, null, 'a rate means nothing here')
})

t.test('a board that reads nothing fills the queue to its cap and no further', async t => {
  const { port, next } = await listen(t)
  const link = await openTcp('127.0.0.1', port, options)
  t.teardown(() => link.close())
  ;(await next).pause()
  let accepted = 0
  for (let round = 0; round < 2000; round++) {
    while (link.write(new Uint8Array(16 * 1024))) accepted += 1
    await new Promise(setImmediate)
  }
  t.ok(accepted > 0)
  t.ok(link.queuedBytes > writeCapBytes - 16 * 1024 && link.queuedBytes <= writeCapBytes)
})

t.test(
  'the board’s end of the connection is told once, as link_lost: closed, half closed or reset',
  async t => {
    for (const end of ['end', 'destroy', 'resetAndDestroy'] as const) {
      const { port, next } = await listen(t, true)
      const link = await openTcp('127.0.0.1', port, options)
      const board = await next
      let closes = 0
      link.onClose(() => {
        closes += 1
      })
      board[end]()
      const error = await closed(link)
      t.equal(error?.code, 'link_lost', end)
      t.match(error?.message, end === 'resetAndDestroy' ? /ECONNRESET/ : /closed the connection/)
      t.notOk(link.write(Uint8Array.of(1)))
      await link.close()
      t.equal(closes, 1)
    }
  },
)

t.test('closing is idempotent and tells undefined once', async t => {
  const { port } = await listen(t)
  const link = await openTcp('127.0.0.1', port, options)
  const ends: unknown[] = []
  link.onClose(error => ends.push(error))
  link.write(new Uint8Array(1000))
  await Promise.all([link.close(), link.close()])
  t.same(ends, [undefined])
})

t.test('what hinders a connection is said in plain words', async t => {
  const { port, server } = await listen(t)
  server.close()
  await once(server, 'close')
  await t.rejects(openTcp('127.0.0.1', port, options), { code: 'link_failed', message: /nothing listens/ })
  await t.rejects(openTcp('board.invalid', 1, options), { code: 'link_failed' })
  const coded = (code: string) => connectError('tcp://x:1', Object.assign(new Error('why'), { code }))
  t.match(coded('EHOSTUNREACH'), {
    code: 'link_failed',
    message: /cannot be reached/,
    detail: { errno: 'EHOSTUNREACH' },
  })
  t.match(coded('EPERM').message, /tcp:\/\/x:1 could not be connected: why/)
  t.match(connectError('tcp://x:1', new AggregateError([])).message, /could not be connected/)
})

t.test('a board that does not answer fails at the deadline', async t => {
  const clock = new VirtualClock()
  const opening = openTcp('::ffff:192.0.2.1', 9, { connectTimeoutMs: 3_000, clock })
  clock.advance(3_000)
  await t.rejects(opening, {
    code: 'link_failed',
    message: /tcp:\/\/\[::ffff:192\.0\.2\.1\]:9 did not answer within 3000 ms/,
  })
})

t.test('settings open the link they describe', async t => {
  const { port } = await listen(t)
  const link = await openLink({ kind: 'tcp', host: '127.0.0.1', port }, systemClock)
  t.equal(link.address, linkName({ kind: 'tcp', host: '127.0.0.1', port }))
  await link.close()
  const serial = { kind: 'serial', path: '/dev/ttyUSB-nowhere', baudRate: 9600 } as const
  t.equal(linkName(serial), serial.path)
  const error = await openLink(serial, systemClock).catch((thrown: unknown) => thrown)
  t.ok(error instanceof AppError && error.code === 'port_missing')
})
