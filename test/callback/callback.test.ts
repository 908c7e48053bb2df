import { createHmac, randomUUID } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import t from 'tap'
import { Callbacks, type SignedCall } from '../../src/callback/callbacks.ts'
import { deliveryDelayMs } from '../../src/callback/delivery-delay.ts'
import { isRefusedUrl } from '../../src/callback/post-message.ts'
import { isRefusedAddress } from '../../src/callback/refused-address.ts'
import { keyOf, makeSecret, sign, signatureFault, toleranceMs } from '../../src/callback/signature.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { openStore } from '../../src/store/store.ts'

/** Not sealed at all, in place of the key file. */
const openSealing = {
  seal: async (_owner: string, secret: string) => Buffer.from(secret),
  open: (_owner: string, sealed: Uint8Array) => Buffer.from(sealed).toString(),
}

t.test('signatures are those of Standard Webhooks', async t => {
  const key = keyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') ?? Buffer.alloc(0)
  const body = Buffer.from('{"test": 2432232314}')
  const headers = sign(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_999, body)
  t.same(headers, {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
  const nowMs = 1_614_265_330_000
  t.equal(signatureFault(key, headers, body, nowMs), undefined)
  const several = { ...headers, 'webhook-signature': `v1a,xx v1,bm9wZQ== ${headers['webhook-signature']}` }
  t.equal(signatureFault(key, several, body, nowMs), undefined, 'one of several is enough')
  t.equal(signatureFault(key, headers, body, nowMs + toleranceMs), undefined)
  t.equal(signatureFault(key, headers, body, nowMs + toleranceMs + 1), 'too_old')
  t.equal(signatureFault(key, headers, body, nowMs - toleranceMs), undefined)
  t.equal(signatureFault(key, headers, body, nowMs - toleranceMs - 1), 'too_new')
  t.equal(keyOf('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'), undefined)
  t.equal(keyOf('whsec_AAAA'), undefined, 'too short')
  t.match(makeSecret(), /^whsec_[A-Za-z0-9+/]{43}=$/)
})

t.test('one bit of the body, the headers or the key makes it wrong', async t => {
  const key = keyOf(makeSecret()) ?? Buffer.alloc(0)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(3), (body, place, what) => {
      const headers: Record<string, string> = { ...sign(key, 'msg_1', 1_000_000, body) }
      if (signatureFault(key, headers, body, 1_000_000) !== undefined) return false
      const flip = (bytes: Uint8Array): Uint8Array => {
        const other = Uint8Array.from(bytes.length === 0 ? [0] : bytes)
        if (bytes.length > 0) other[place % bytes.length] = (other[place % bytes.length] ?? 0) ^ 1
        return other
      }
      if (what === 0) return signatureFault(key, headers, flip(body), 1_000_000) === 'wrong'
      if (what === 1) return signatureFault(flip(key), headers, body, 1_000_000) === 'wrong'
      if (what === 2)
        return signatureFault(key, { ...headers, 'webhook-id': 'msg_2' }, body, 1_000_000) === 'wrong'
      return signatureFault(key, { ...headers, 'webhook-timestamp': '1001' }, body, 1_000_000) === 'wrong'
    }),
    { numRuns: 500 },
  )
  for (const missing of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
    const { [missing]: _gone, ...rest } = { ...sign(key, 'm', 0, Buffer.alloc(0)) } as Record<string, string>
    t.equal(signatureFault(key, rest, Buffer.alloc(0), 0), 'incomplete')
  }
})

t.test('a call is carried out once: at a hundred at once, and after a restart', async t => {
  const clock = new VirtualClock()
  const path = `${t.testdir()}/gateway.db`
  const acted: SignedCall[] = []
  const over = async () => {
    const store = await openStore(path)
    const callbacks = new Callbacks({
      ...{ store, clock, log: silentLog, sealing: openSealing, done: () => undefined },
      act: async call => void acted.push(call),
    })
    return { store, callbacks }
  }
  const first = await over()
  const order = {
    name: 'door bell',
    action: { type: 'command', command: { type: 'PLAY' } },
    boards: 'all',
  } as const
  const { callback, secret } = await first.callbacks.make(order)
  const key = keyOf(secret) ?? Buffer.alloc(0)
  const body = Buffer.from('ring')
  const headers = { ...sign(key, 'bell-1', clock.wallTime(), body) }
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, () => first.callbacks.call(callback.id, headers, body, '192.0.2.1')),
  )
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  t.equal(acted.length, 1)
  t.match(acted[0], { callback: { name: 'door bell' }, messageId: 'bell-1', order })
  await first.store.close()

  const { store, callbacks } = await over()
  t.teardown(() => store.close())
  await t.rejects(callbacks.call(callback.id, headers, body, '192.0.2.1'), { code: 'unauthenticated' })
  const ahead = { ...sign(key, 'bell-2', clock.wallTime() + toleranceMs, body) }
  await callbacks.call(callback.id, ahead, body, '192.0.2.1')
  for (let waitedMs = 0; waitedMs < 2 * toleranceMs; waitedMs += 30_000) {
    clock.advance(30_000)
    await t.rejects(callbacks.call(callback.id, ahead, body, '192.0.2.1'), { code: 'unauthenticated' })
  }
  t.equal(acted.length, 2, 'an old one is refused for its age, a newer one for its id')

  const rotated = await callbacks.change(callback.id, { newSecret: true })
  const now = () => ({ ...sign(key, randomUUID(), clock.wallTime(), body) })
  await t.rejects(callbacks.call(callback.id, now(), body, '192.0.2.1'), { code: 'unauthenticated' })
  const newKey = keyOf(rotated.secret ?? '') ?? Buffer.alloc(0)
  await callbacks.call(callback.id, { ...sign(newKey, 'x', clock.wallTime(), body) }, body, '192.0.2.1')
  await t.rejects(callbacks.make(order), { code: 'conflict' })
  await callbacks.remove(callback.id)
  const after = { ...sign(newKey, 'y', clock.wallTime(), body) }
  await t.rejects(callbacks.call(callback.id, after, body, '192.0.2.1'), { code: 'unauthenticated' })
  const outcomesOfFlood = await Promise.allSettled(
    Array.from({ length: 200 }, () => callbacks.call(callback.id, after, body, '192.0.2.9')),
  )
  const slowed = outcomesOfFlood.filter(
    each => each.status === 'rejected' && each.reason.code === 'rate_limited',
  )
  t.ok(slowed.length >= 130, 'guesses are slowed')
})

t.test('a clock that is set back does not let a call in again', async t => {
  const clock = new VirtualClock()
  const store = await openStore(`${t.testdir()}/gateway.db`)
  t.teardown(() => store.close())
  const call = { messageId: 'm', nowMs: 10_000_000, untilMs: 10_600_000 }
  const record = {
    ...{ id: 'c', name: 'n', actionJson: '{}', boardsJson: '"all"', sealed: Buffer.alloc(1) },
    ...{ createdMs: clock.wallTime(), lastCalledMs: null, atMost: 5 },
  }
  t.equal(await store.callbacks.insert(record), 'made')
  t.equal(await store.callbacks.take({ ...call, callbackId: 'c' }), true)
  t.equal(await store.callbacks.take({ ...call, callbackId: 'c', nowMs: 9_000_000 }), false)
  t.equal(await store.callbacks.take({ ...call, callbackId: 'gone' }), false)
})

t.test('nothing is sent to this machine, its link, or where clouds keep credentials', async t => {
  const refused = [
    ...['127.0.0.1', '127.9.9.9', '0.0.0.0', '169.254.169.254', '224.0.0.1', '255.255.255.255', '::1', '::'],
    ...[
      'fe80::1',
      'fe80::1%eth0',
      'ff02::1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
    ],
    ...['64:ff9b::a9fe:a9fe', '2002:7f00:1::', 'fd00:ec2::254', '100.100.100.200', 'nonsense', ''],
  ]
  const own = Object.values(networkInterfaces()).flatMap(each => each?.map(({ address }) => address) ?? [])
  t.ok(own.length > 0)
  const mapped = own.filter(address => !address.includes(':')).map(address => `::ffff:${address}`)
  for (const address of [...refused, ...own, ...mapped]) t.ok(isRefusedAddress(address), address)
  for (const address of [
    '192.168.1.4',
    '10.0.0.9',
    '172.16.3.3',
    '8.8.8.8',
    'fd12:3456::1',
    '2001:db8::1',
    '64:ff9b::808:808',
  ])
    t.notOk(isRefusedAddress(address), address)
  for (const url of [
    ...[
      'http://localhost/',
      'http://x.localhost:80/',
      'http://127.1/',
      'http://2130706433/',
      'http://0x7f.1/',
    ],
    ...[
      'http://[::1]/',
      'http://[::ffff:127.0.0.1]/',
      'http://0/',
      'http://017700000001/',
      'http://LOCALHOST./',
    ],
  ])
    t.ok(isRefusedUrl(url, []), url)
  t.notOk(isRefusedUrl('http://192.168.1.4:9000/x', []))
  t.notOk(isRefusedUrl('http://127.0.0.1:9000/x', ['127.0.0.1']))
  t.ok(isRefusedUrl('http://127.0.0.2:9000/x', ['127.0.0.1']))
})

t.test('attempts come at once, then in minutes, and end after a day', async t => {
  const delays = Array.from({ length: 9 }, (_, at) => deliveryDelayMs(at + 1, 0, 0.5))
  t.same(delays, [100, 200, 400, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000])
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), lot => {
      let ageMs = 0
      let attempts = 0
      for (;;) {
        attempts += 1
        const delayMs = deliveryDelayMs(attempts, ageMs, lot)
        if (delayMs === undefined) return ageMs > 20 * 3_600_000 && attempts < 50
        ageMs += delayMs
        if (ageMs > 24 * 3_600_000 * 1.3) return false
      }
    }),
  )
})

t.test('the key is the decoded secret, and the time is in seconds', async t => {
  const secret = makeSecret()
  const raw = Buffer.from(secret.slice(6), 'base64')
  const expected = createHmac('sha256', raw).update('id.12.body').digest('base64')
  t.equal(sign(raw, 'id', 12_345, Buffer.from('body'))['webhook-signature'], `v1,${expected}`)
})
