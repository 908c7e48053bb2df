import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { type AccountEvents, Accounts } from '../../src/account/accounts.ts'
import { isClaimCode, makeClaimCode } from '../../src/account/claim-code.ts'
import { defaultScryptCost, hashPassword, verifyPassword } from '../../src/account/password-hash.ts'
import { passwordWeakness } from '../../src/account/password-weakness.ts'
import { localPrincipal, mayAct } from '../../src/account/principal.ts'
import { PrincipalCache } from '../../src/account/principal-cache.ts'
import { accessMs } from '../../src/account/sessions.ts'
import { tokenHash } from '../../src/account/tokens.ts'
import { AppError } from '../../src/kernel/errors.ts'
import type { Log } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { openStore, type Store } from '../../src/store/store.ts'

/** Enough for a test of what hangs on the hash; one test takes the real cost. */
const cheap = { logN: 4, r: 1, p: 1 }
const home = { address: '192.168.1.10', agent: 'panel' }
const password = 'marble otter canyon'

interface Rig {
  readonly clock: VirtualClock
  readonly store: Store
  readonly accounts: Accounts
  readonly lines: string[]
  readonly tried: AccountEvents['signIn.tried'][]
  readonly ended: AccountEvents['signIn.ended'][]
}

async function rig(t: Test, scryptCost = cheap, more: Partial<Store['sessions']> = {}): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-'))
  const opened = await openStore(join(folder, 'gateway.db'))
  t.teardown(async () => {
    await opened.close()
    await rm(folder, { recursive: true })
  })
  const store: Store = { ...opened, sessions: { ...opened.sessions, ...more } }
  const lines: string[] = []
  const say = (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message }))
  const log: Log = { debug: say, info: say, warn: say, error: say }
  const clock = new VirtualClock()
  const accounts = new Accounts({ store, clock, log, scryptCost })
  const tried: Rig['tried'] = []
  const ended: Rig['ended'] = []
  accounts.events.on('signIn.tried', event => tried.push(event))
  accounts.events.on('signIn.ended', event => ended.push(event))
  return { clock, store, accounts, lines, tried, ended }
}

async function claimed(
  t: Test,
  more?: Partial<Store['sessions']>,
): Promise<Rig & { readonly token: string }> {
  const built = await rig(t, cheap, more)
  const claimCode = (await built.accounts.claimCode()) ?? ''
  const { token } = await built.accounts.claim({ claimCode, name: 'ada', password }, home)
  return { ...built, token }
}

const code = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (thrown: unknown) => (thrown instanceof AppError ? thrown.code : String(thrown)),
  )

t.test('a claim code can be read off a screen, and the way it is typed does not matter', t => {
  const claimCode = makeClaimCode()
  t.match(claimCode, /^[34679ACDEFGHJKMNPQRTWXY]{5}-[34679ACDEFGHJKMNPQRTWXY]{5}$/)
  t.not(makeClaimCode(), claimCode)
  for (const typed of [claimCode, claimCode.toLowerCase(), claimCode.replace('-', ''), ` ${claimCode} `])
    t.equal(isClaimCode(typed, claimCode), true)
  for (const typed of ['', claimCode.slice(1), `${claimCode}A`, '-----'])
    t.equal(isClaimCode(typed, claimCode), false)
  t.end()
})

t.test('the first person claims the gateway with its code, once', async t => {
  const { accounts, lines, tried } = await rig(t)
  t.equal(await accounts.claimed(), false)
  const claimCode = (await accounts.claimCode()) ?? ''
  const claim = { claimCode, name: 'ada', password }
  t.equal(await code(accounts.claim({ ...claim, claimCode: 'AAAAA-AAAAA' }, home)), 'forbidden')
  t.equal(await code(accounts.claim({ ...claim, password: 'ada-ada-ada' }, home)), 'usage')
  t.equal(await accounts.claimed(), false)
  const both = await Promise.allSettled([accounts.claim(claim, home), accounts.claim(claim, home)])
  t.same(both.map(each => each.status).sort(), ['fulfilled', 'rejected'], 'of two at once one wins')
  const [won] = both.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  t.match(won, { user: { name: 'ada', role: 'admin' }, token: /^[\w-]{43}$/ })
  t.match(await accounts.authenticate(won?.token ?? ''), { kind: 'user', name: 'ada', role: 'admin' })
  t.equal(await accounts.claimCode(), undefined, 'the code is good for one')
  t.equal(await code(accounts.claim({ ...claim, name: 'eve' }, home)), 'conflict')
  t.match(tried, [{ outcome: 'wrong_claim_code' }, { outcome: 'ok', name: 'ada' }])
  for (const secret of [claimCode, password, won?.token ?? '', 'AAAAA-AAAAA'])
    t.notOk(
      lines.some(line => line.includes(secret)),
      'no secret stands in the log',
    )
})

t.test('guessing the claim code is slowed for each address, and the owner is not kept out', async t => {
  const { accounts, clock } = await rig(t)
  const guess = (address: string) =>
    code(accounts.claim({ claimCode: 'AAAAA-AAAAA', name: 'eve', password }, { address, agent: '' }))
  for (let at = 0; at < 5; at++) t.equal(await guess('10.0.0.66'), 'forbidden')
  t.equal(await guess('10.0.0.66'), 'rate_limited')
  const claimCode = (await accounts.claimCode()) ?? ''
  t.equal(await code(accounts.claim({ claimCode, name: 'ada', password }, home)), 'none')
  clock.advance(0)
})

t.test('a user who was made before the claim does not claim the gateway, and keeps the name', async t => {
  const { accounts } = await rig(t)
  await accounts.addUser({ name: 'ada', password, role: 'viewer' })
  const claimCode = (await accounts.claimCode()) ?? ''
  t.ok(claimCode)
  t.equal(await code(accounts.claim({ claimCode, name: 'ADA', password }, home)), 'conflict')
  t.equal(await accounts.claimed(), false)
})

t.test('a password signs in; a wrong one and an unknown name are told apart by nothing', async t => {
  const { accounts, tried, lines } = await claimed(t)
  const { token, user, sessionId } = await accounts.signIn({ name: 'Ada', password }, home)
  t.match(user, { name: 'ada', role: 'admin' })
  t.match(await accounts.authenticate(token), { id: user.id, signInId: sessionId })
  const refusal = (name: string) =>
    accounts
      .signIn({ name, password: 'wrong horse' }, home)
      .catch((error: AppError) => [error.code, error.message])
  const wrong = await refusal('ada')
  t.same(wrong, ['unauthenticated', 'The name or the password is wrong.'])
  t.same(await refusal('wrong-password-typed-as-name'), wrong)
  t.match(tried.slice(-2), [{ outcome: 'wrong_password', name: 'ada' }, { outcome: 'unknown' }])
  t.notOk(lines.some(line => /wrong horse|typed-as-name/.test(line)))
})

t.test('an unknown name costs the time of a known one, at the real cost of a hash', async t => {
  const { accounts } = await rig(t, defaultScryptCost)
  await accounts.addUser({ name: 'ada', password, role: 'admin' })
  const timed = async (name: string) => {
    const began = performance.now()
    await code(accounts.signIn({ name, password: 'something else' }, home))
    return performance.now() - began
  }
  const [known, unknown] = [await timed('ada'), await timed('nobody')]
  t.ok(known > 40, `${known.toFixed(0)} ms is slow enough to guess`)
  t.ok(unknown > known / 4 && unknown < known * 4, `${unknown.toFixed(0)} ms against ${known.toFixed(0)} ms`)
})

t.test('a stored hash names its cost, and a damaged one fits no password', async t => {
  const hash = await hashPassword(password, cheap)
  t.match(hash, /^scrypt\$4\$1\$1\$/)
  t.equal(await verifyPassword(password, hash), true)
  t.equal(await verifyPassword(`${password} `, hash), false)
  t.equal(await verifyPassword('Ångström lamp', await hashPassword('Ångström lamp', cheap)), true)
  t.equal(await verifyPassword('u\u0308ber den Wolken', await hashPassword('über den Wolken', cheap)), true)
  for (const damaged of ['', 'scrypt$4$1$1$x$y', hash.slice(0, -1), `md5${hash}`])
    t.equal(await verifyPassword(password, damaged), false)
})

t.test('guessing a password is slowed, ten a minute at most, and the owner still gets in', async t => {
  const { accounts, clock, tried } = await claimed(t)
  const guess = (address: string) =>
    code(accounts.signIn({ name: 'ada', password: 'guess' }, { address, agent: '' }))
  let through = 0
  // A hundred thousand guesses from a thousand addresses in ten minutes, as fast as one address answers another.
  for (let at = 0; at < 2000; at++) {
    if ((await guess(`10.0.${at % 4}.${at % 250}`)) === 'unauthenticated') through += 1
    if (at % 200 === 0) clock.advance(60_000)
  }
  t.ok(through <= 10 * 10, `${through} guesses in ten minutes`)
  t.equal(await guess('10.9.9.9'), 'rate_limited')
  const { token } = await accounts.signIn({ name: 'ada', password }, home)
  t.ok(token, 'from an address where the owner has signed in before')
  t.match(
    await accounts
      .signIn({ name: 'ada', password: 'x' }, { address: '10.9.9.9', agent: '' })
      .catch(error => error),
    { code: 'rate_limited', detail: { retryAfterMs: Number }, message: /Wait \d+ s/ },
  )
  clock.advance(5 * 60_000)
  const away = { address: '172.16.0.1', agent: '' }
  t.equal(
    await code(accounts.signIn({ name: 'ada', password }, away)),
    'none',
    'five minutes of quiet free the name',
  )
  t.ok(tried.some(({ outcome }) => outcome === 'throttled'))
})

t.test('an address is slowed whatever names it tries, and an IPv6 network is one address', async t => {
  const { accounts } = await claimed(t)
  const guess = (at: number, address: string) =>
    code(accounts.signIn({ name: `user${at}`, password: 'guess' }, { address, agent: '' }))
  const codes = []
  for (let at = 0; at < 12; at++) codes.push(await guess(at, `2001:db8::${at + 1}`))
  t.same(codes.slice(9), ['unauthenticated', 'rate_limited', 'rate_limited'])
  t.equal(await guess(99, '2001:db8:0:0:ffff::1%eth0'), 'rate_limited')
  t.equal(await guess(99, '2001:db8:0:1::1'), 'unauthenticated', 'the next network is another')
  t.equal(await guess(98, '::ffff:10.0.0.1'), 'unauthenticated')
  t.equal(await guess(97, '::1'), 'unauthenticated')
})

t.test('many right passwords at once are no attack', async t => {
  const { accounts } = await claimed(t)
  const signIns = Array.from({ length: 20 }, () => accounts.signIn({ name: 'ada', password }, home))
  t.equal(new Set((await Promise.all(signIns)).map(({ token }) => token)).size, 20)
  const flood = Array.from({ length: 40 }, (_, at) =>
    code(accounts.signIn({ name: `u${at}`, password }, home)),
  )
  t.ok((await Promise.all(flood)).includes('overloaded'), 'a queue that is full refuses')
})

t.test('what everybody guesses is no password', t => {
  const weak = [
    'password123',
    'Passw0rd!!',
    '1234567890',
    '0987654321',
    'qwertyuiop',
    'aaaaaaaaaaaa',
    'abababababab',
  ]
  weak.push(
    'abcdefghijkl',
    'ada-ada-1234',
    'AdaAdaAda99',
    'letmein12345',
    'welcome2024!',
    '1q2w3e4r5t',
    'pixelgate1',
  )
  weak.push('1qaz2wsx3edc', 'P@ssw0rd1234', 'iloveyou1234', 'adminadmin12', 'raspberrypi1', 'qwerty123456')
  for (const each of weak) t.type(passwordWeakness(each, 'ada'), 'string', each)
  const good = [
    'marble otter canyon',
    'correct horse battery',
    'Zq8-vt2Lm#x',
    'ich mag Kartoffeln',
    'пароль из слов',
  ]
  for (const each of good) t.equal(passwordWeakness(each, 'ada'), undefined, each)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
      const text = Buffer.from(bytes).toString('base64url')
      return new Set(text).size < 9 || passwordWeakness(text, 'somebody') === undefined
    }),
  )
  t.end()
})

t.test('an access token holds for thirty minutes', async t => {
  const { accounts, token, clock, store } = await claimed(t)
  t.equal(await accounts.authenticate('x'), undefined)
  t.equal(await accounts.authenticate('A'.repeat(43)), undefined)
  clock.advance(accessMs - 1)
  t.ok(await accounts.authenticate(token))
  clock.advance(1)
  t.equal(await accounts.authenticate(token), undefined, 'from the cache')
  const other = new Accounts({ store, clock, log: { debug() {}, info() {}, warn() {}, error() {} } })
  t.equal(await other.authenticate(token), undefined, 'from the database')
})

t.test('reading costs no write but one each five minutes, and survives a disk that refuses it', async t => {
  const touches: number[] = []
  const { accounts, token, clock, lines } = await claimed(t, {
    touch: ({ nowMs }) => {
      touches.push(nowMs)
      return touches.length === 2 ? Promise.reject(new Error('the disk is full')) : Promise.resolve()
    },
  })
  for (let minute = 0; minute < 11; minute++) {
    t.ok(await accounts.authenticate(token))
    clock.advance(60_000)
  }
  t.equal(touches.length, 2)
  t.ok(lines.some(line => line.includes('the disk is full')))
})

t.test('signing out ends one sign-in at once, also for who asks in the same moment', async t => {
  const { accounts, token, ended } = await claimed(t)
  const other = await accounts.signIn({ name: 'ada', password }, home)
  t.ok(await accounts.authenticate(token))
  await Promise.all([accounts.signOut(token), accounts.authenticate(token)])
  t.equal(await accounts.authenticate(token), undefined)
  t.ok(await accounts.authenticate(other.token))
  await accounts.signOut(token)
  await accounts.signOut('nonsense')
  t.match(ended, [{ userId: other.user.id, signInId: /^[0-9a-f-]{36}$/ }])
  t.not(ended[0]?.signInId, other.sessionId)
})

t.test('who is removed is out at once; the last admin stays', async t => {
  const { accounts, ended, store } = await claimed(t)
  const removed: unknown[] = []
  accounts.events.on('user.removed', event => removed.push(event))
  const bob = await accounts.addUser({ name: 'bob', password, role: 'operator' })
  t.equal(await code(accounts.addUser({ name: 'BOB', password, role: 'viewer' })), 'conflict')
  t.same(
    (await accounts.users()).map(({ name, role }) => [name, role]),
    [
      ['ada', 'admin'],
      ['bob', 'operator'],
    ],
  )
  const { token } = await accounts.signIn({ name: 'bob', password }, home)
  t.match(await accounts.authenticate(token), { role: 'operator' })
  t.match(await accounts.user(bob.id), { name: 'bob' })
  await accounts.removeUser('bob')
  t.equal(await accounts.authenticate(token), undefined)
  t.equal(await accounts.user(bob.id), undefined)
  t.equal(await store.sessions.find({ accessSha: tokenHash(token) ?? '', nowMs: 0 }), undefined)
  t.same(ended, [{ userId: bob.id, signInId: null }])
  t.same(removed, [{ id: bob.id, name: 'bob' }])
  t.equal(await code(accounts.removeUser('bob')), 'not_found')
  t.equal(await code(accounts.removeUser('ada')), 'conflict')
  await accounts.addUser({ name: 'eva', password, role: 'admin' })
  await accounts.removeUser('ada')
  t.equal(await code(accounts.removeUser('eva')), 'conflict')
})

t.test('who is removed while the password is checked does not get in', async t => {
  const removed: string[] = []
  const { accounts, store } = await rig(t, cheap, {
    insert: async (added, tokens, keep) => {
      await store.users.remove('bob')
      removed.push(added.userId)
      return inner(added, tokens, keep)
    },
  })
  const inner = (await rig(t)).store.sessions.insert
  const bob = await accounts.addUser({ name: 'bob', password, role: 'viewer' })
  t.equal(await code(accounts.signIn({ name: 'bob', password }, home)), 'unauthenticated')
  t.same(removed, [bob.id])
})

t.test('a hundred sign-ins of one person are kept; the one that was used longest ago goes first', async t => {
  const { accounts, token, clock } = await claimed(t)
  const tokens = [token]
  for (let at = 0; at < 100; at++) {
    clock.advance(1000)
    tokens.push((await accounts.signIn({ name: 'ada', password }, home)).token)
  }
  t.equal(await accounts.authenticate(token), undefined)
  t.ok(await accounts.authenticate(tokens[1] ?? ''))
})

t.test('the cache has a cap, and never takes back what was forgotten', t => {
  const cache = new PrincipalCache(2)
  const entry = (id: string) => ({ principal: { ...localPrincipal, id }, endsMs: 1, notedMs: 0 })
  cache.put('a', entry('ada'), 0)
  cache.put('b', entry('bob'), 0)
  t.ok(cache.get('a'))
  cache.put('c', entry('eva'), 0)
  t.same(
    ['a', 'b', 'c'].map(key => cache.get(key) !== undefined),
    [true, false, true],
  )
  const since = cache.forgotten
  cache.forgetUser('ada')
  cache.put('a', entry('ada'), since)
  t.equal(cache.get('a'), undefined)
  t.ok(cache.get('c'))
  t.end()
})

t.test('a role may do what the ones below it may', t => {
  const may = (role: 'viewer' | 'operator' | 'admin') =>
    (['viewer', 'operator', 'admin'] as const).map(as => mayAct({ ...localPrincipal, role }, as))
  t.same(may('viewer'), [true, false, false])
  t.same(may('operator'), [true, true, false])
  t.same(may('admin'), [true, true, true])
  t.end()
})
