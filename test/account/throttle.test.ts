import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { waitMs, withFailure } from '../../src/account/sign-in-delay.ts'
import { accountRule, addressRule, nameBucket, network } from '../../src/account/throttle.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { codeOf, type Gateway, gateway, home, password } from './accounts-rig.ts'

const minuteMs = 60_000

t.test('the delay grows to five minutes, whatever the clock does, and is forgotten after an hour', t => {
  const waits = Array.from({ length: 14 }, (_, at) =>
    waitMs({ failures: at + 1, lastMs: 1000 }, addressRule, 1000),
  )
  t.same(waits.slice(0, 9), Array(9).fill(0))
  t.same(
    waits.slice(9).map(ms => ms / minuteMs),
    [1, 2, 4, 5, 5],
  )
  t.equal(waitMs({ failures: 5, lastMs: 0 }, accountRule, 0), 30_000)
  t.equal(waitMs({ failures: 4, lastMs: 0 }, accountRule, 0), 0)
  const year = 365 * 24 * 60 * minuteMs
  t.equal(
    waitMs({ failures: 99, lastMs: year }, accountRule, 0),
    0,
    'a clock that was wrong locks nobody out',
  )
  t.same(withFailure({ failures: 99, lastMs: 0 }, accountRule, accountRule.forgetMs), {
    failures: 100,
    lastMs: accountRule.forgetMs,
  })
  t.equal(withFailure({ failures: 99, lastMs: 0 }, accountRule, accountRule.forgetMs + 1).failures, 1)
  fc.assert(
    fc.property(fc.nat(2000), fc.nat(), fc.nat(), (failures, lastMs, nowMs) => {
      const wait = waitMs({ failures, lastMs }, accountRule, nowMs)
      return wait >= 0 && wait <= accountRule.longestMs
    }),
  )
  t.end()
})

t.test('an IPv6 network of 64 bits is one address', t => {
  t.equal(network('2001:db8::1'), network('2001:db8:0:0:ffff::9%eth0'))
  t.not(network('2001:db8::1'), network('2001:db8:0:1::1'))
  t.equal(network('::ffff:10.0.0.1'), '10.0.0.1')
  t.not(network('10.0.0.1'), network('10.0.0.2'))
  t.end()
})

/** How many guesses were compared with the password, at which minute. */
async function attack(first: Gateway, tries: number, guess: (live: Gateway, at: number) => Promise<string>) {
  let live = first
  const began = live.clock.wallTime()
  const passed: number[] = []
  for (let at = 0; at < tries; at++) {
    if (at === Math.floor(tries / 2)) live = await live.restarted()
    if ((await guess(live, at)) === 'unauthenticated') passed.push(live.clock.wallTime() - began)
    live.clock.advance(60)
  }
  const most = Math.max(
    ...passed.map(ms => passed.filter(other => other >= ms && other < ms + minuteMs).length),
  )
  return { live, passed, most }
}

t.test(
  'of a hundred thousand guesses at most ten get through in any minute, with a restart in between',
  async t => {
    const first = await gateway(t)
    const known = await first.signIn()
    const stranger = (at: number) => ({ address: `10.${at % 7}.${at % 11}.${at % 250}`, agent: 'guess' })
    const { live, passed, most } = await attack(first, 100_000, (live, at) =>
      codeOf(live.accounts.signIn({ name: 'ada', password: `guess ${at}` }, stranger(at))),
    )
    t.comment(`${passed.length} guesses in 100 minutes, at most ${most} in a minute`)
    t.ok(most <= 10, `${most} in a minute`)
    t.ok(passed.length <= 50, `${passed.length} in 100 minutes`)
    t.equal(await codeOf(live.accounts.signIn({ name: 'ada', password }, stranger(3))), 'rate_limited')
    t.equal(await codeOf(live.signIn()), 'none', 'the owner gets in at home')
    t.ok(await live.accounts.sessions.refresh(known.refreshToken, home))
  },
)

t.test('one address is slowed whatever names it tries', async t => {
  const { most, passed } = await attack(await gateway(t), 5_000, (live, at) =>
    codeOf(live.accounts.signIn({ name: `user${at}`, password }, { address: '10.9.9.9', agent: '' })),
  )
  t.ok(most <= 10, `${most} in a minute, ${passed.length} in five`)
})

t.test('a name that nobody has is slowed like one that somebody has', async t => {
  const { accounts } = await gateway(t)
  const outcomes = async (name: string) => {
    const codes = []
    for (let at = 0; at < 8; at++)
      codes.push(
        await codeOf(
          accounts.signIn({ name, password: 'x' }, { address: `10.${name.length}.0.${at}`, agent: '' }),
        ),
      )
    return codes
  }
  t.same(await outcomes('nobody'), await outcomes('ada'))
  t.equal((await outcomes('ada'))[7], 'rate_limited')
})

t.test('what is typed as a name is not kept, and reading costs no write', async t => {
  const { accounts, folder, store, signIn } = await gateway(t)
  const typed = 'my-secret-password-typed-as-name'
  await codeOf(accounts.signIn({ name: typed, password: 'x' }, home))
  t.match(await store.signInFailures.of([`${nameBucket(typed)} strangers`]), [{ failures: 1 }])
  t.match(nameBucket(typed), /^name \d{1,4}$/)
  const files = readdirSync(folder).map(name => readFileSync(join(folder, name)))
  t.notOk(files.some(file => file.includes(typed)))
  await signIn()
  t.same(await store.signInFailures.of([`address ${home.address}`]), [], 'a right answer forgives')
  let writes = 0
  const put = store.signInFailures.put
  const counted: typeof put = (...args) => {
    writes += 1
    return put(...args)
  }
  Object.assign(store.signInFailures, { put: counted })
  await signIn()
  t.equal(writes, 0)
})

t.test('ten thousand rows are kept; those that failed longest ago go', async t => {
  const { store } = await gateway(t)
  const row = (at: number) => ({ who: `address ${at}`, failures: 1, lastMs: at })
  await store.signInFailures.put(
    Array.from({ length: 30 }, (_, at) => row(at)),
    20,
  )
  t.same(await store.signInFailures.of(['address 9']), [])
  t.same(await store.signInFailures.of(['address 10']), [row(10)])
})

t.test('waiting is said in seconds', async t => {
  const { accounts } = await gateway(t)
  const guess = () => accounts.signIn({ name: 'ada', password: 'x' }, { address: '10.0.0.1', agent: '' })
  for (let at = 0; at < 5; at++) await codeOf(guess())
  const refused = await guess().catch((thrown: unknown) => thrown)
  t.ok(refused instanceof AppError)
  t.match(refused, { code: 'rate_limited', message: /Wait 30 s/, detail: { retryAfterMs: 30_000 } })
})

t.test('a flood of guesses takes nobody the place in the queue', async t => {
  const { accounts } = await gateway(t)
  const guess = (at: number) =>
    codeOf(accounts.signIn({ name: `user${at}`, password: 'x' }, { address: '10.6.6.6', agent: '' }))
  for (let at = 0; at < 10; at++) await guess(at)
  const flood = Array.from({ length: 400 }, (_, at) => guess(at))
  t.equal(await codeOf(accounts.signIn({ name: 'ada', password }, home)), 'none')
  t.same(new Set(await Promise.all(flood)), new Set(['rate_limited']))
})

t.test('failures that were counted under a wrong clock keep nobody out for years', async t => {
  const { accounts, clock, signIn } = await gateway(t)
  clock.aheadMs = 10 * 365 * 24 * 60 * minuteMs
  for (let at = 0; at < 12; at++) await codeOf(accounts.signIn({ name: 'ada', password: 'x' }, home))
  t.equal(await codeOf(signIn()), 'rate_limited')
  clock.aheadMs = 0
  t.equal(await codeOf(signIn()), 'none')
})
