import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { localPrincipal, type Principal } from '../../src/account/principal.ts'
import { accessMs, refreshMs } from '../../src/account/sessions.ts'
import { tokenHash } from '../../src/account/tokens.ts'
import { codeOf, gateway, home, password } from './accounts-rig.ts'

const thief = { address: '192.168.1.66', agent: 'thief' }

t.test('a refresh token gives two new tokens and is used up by that', async t => {
  const { accounts, clock, signIn, ended } = await gateway(t)
  const first = await signIn()
  t.match(first, {
    token: /^[\w-]{43}$/,
    refreshToken: /^[\w-]{43}$/,
    expiresAt: new Date(clock.wallTime() + accessMs).toISOString(),
    refreshExpiresAt: new Date(clock.wallTime() + refreshMs).toISOString(),
  })
  t.equal(await accounts.authenticate(first.refreshToken), undefined, 'a refresh token opens nothing')
  t.equal(await codeOf(accounts.sessions.refresh(first.token, home)), 'unauthenticated')
  clock.advance(accessMs)
  t.equal(await accounts.authenticate(first.token), undefined)
  const second = await accounts.sessions.refresh(first.refreshToken, home)
  t.equal(second.sessionId, first.sessionId, 'the session stays, so its connections do')
  t.not(second.refreshToken, first.refreshToken)
  t.match(await accounts.authenticate(second.token), { name: 'ada', signInId: first.sessionId })
  const third = await accounts.sessions.refresh(second.refreshToken, home)
  t.equal(await accounts.authenticate(second.token), undefined, 'the old access token ends with it')
  t.ok(await accounts.authenticate(third.token))
  t.same(ended, [])
  for (const wrong of ['', 'x', 'A'.repeat(43)])
    t.equal(await codeOf(accounts.sessions.refresh(wrong, home)), 'unauthenticated')
})

t.test('a refresh token that is shown again ends its session, for the thief and the owner', async t => {
  const built = await gateway(t)
  const first = await built.signIn()
  const other = await built.signIn()
  const second = await built.accounts.sessions.refresh(first.refreshToken, thief)
  const later = await built.restarted()
  t.equal(await codeOf(later.accounts.sessions.refresh(first.refreshToken, home)), 'unauthenticated')
  t.equal(await later.accounts.authenticate(second.token), undefined, 'the new access token fell with it')
  t.equal(await codeOf(later.accounts.sessions.refresh(second.refreshToken, thief)), 'unauthenticated')
  t.same(later.ended, [{ userId: first.user.id, signInId: first.sessionId }])
  t.match(later.tried, [{ outcome: 'refresh_reuse', name: 'ada', address: home.address }])
  t.equal(later.tried.length, 1, 'a session that has gone tells no more')
  t.ok(await later.accounts.authenticate(other.token), 'the other session of the same person holds')
})

t.test('of a thousand replays at once exactly one wins, and then nothing holds', async t => {
  const { accounts, signIn, store, tried, ended } = await gateway(t)
  const { refreshToken } = await signIn()
  const all = await Promise.allSettled(
    Array.from({ length: 1000 }, () => accounts.sessions.refresh(refreshToken, home)),
  )
  const won = all.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  t.equal(won.length, 1)
  const [{ token = '' } = {}] = won
  t.equal(await accounts.authenticate(token), undefined)
  t.equal(tried.filter(({ outcome }) => outcome === 'refresh_reuse').length, 1)
  t.equal(ended.length, 1)
  t.equal((await accounts.sessions.list(null, all0)).total, 0)
  t.equal(await store.sessions.find({ accessSha: tokenHash(token) ?? '', nowMs: 0 }), undefined)
})

const all0 = { limit: 100, before: null, skip: 0, current: undefined }

t.test(
  'whatever is signed in, renewed, replayed, ended and restarted: only the newest tokens hold',
  async t => {
    const first = await gateway(t)
    interface Known {
      token: string
      refreshToken: string
      id: string
      readonly used: string[]
    }
    const step = fc.record({
      act: fc.constantFrom('signIn', 'refresh', 'replay', 'end', 'restart', 'wait'),
      which: fc.nat(),
    })
    let live = first
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async steps => {
        await live.store.sessions.endOthers({ userId: (await live.accounts.users())[0]?.id ?? '', but: null })
        let sessions: Known[] = []
        const dead: Known[] = []
        for (const { act, which } of steps) {
          const one = sessions[which % Math.max(1, sessions.length)]
          if (act === 'signIn') {
            const { token, refreshToken, sessionId: id } = await live.signIn()
            sessions.push({ token, refreshToken, id, used: [] })
          } else if (act === 'restart') live = await live.restarted()
          else if (act === 'wait') live.clock.advance(60_000)
          else if (one !== undefined) {
            if (act === 'refresh') {
              const { token, refreshToken } = await live.accounts.sessions.refresh(one.refreshToken, home)
              one.used.push(one.refreshToken)
              Object.assign(one, { token, refreshToken })
            } else {
              const [stale] = one.used
              if (act === 'replay' && stale === undefined) continue
              if (act === 'replay')
                await live.accounts.sessions.refresh(stale ?? '', thief).catch(() => undefined)
              else await live.accounts.sessions.end(one.id, null)
              sessions = sessions.filter(each => each !== one)
              dead.push(one)
            }
          }
          for (const { token, id } of sessions)
            if ((await live.accounts.authenticate(token))?.signInId !== id) return false
          for (const { token } of dead) if (await live.accounts.authenticate(token)) return false
        }
        for (const { refreshToken } of dead)
          if ((await codeOf(live.accounts.sessions.refresh(refreshToken, home))) === 'none') return false
        return (await live.accounts.sessions.list(null, all0)).total === sessions.length
      }),
      // An access token lasts longer than all waits of one run together.
      { numRuns: 6 },
    )
  },
)

t.test('no token stands in the database, its journal or the log', async t => {
  const { accounts, signIn, folder, lines } = await gateway(t)
  const first = await signIn()
  const second = await accounts.sessions.refresh(first.refreshToken, home)
  await codeOf(accounts.sessions.refresh(first.refreshToken, thief))
  const files = readdirSync(folder).map(name => readFileSync(join(folder, name)))
  for (const { token, refreshToken } of [first, second])
    for (const secret of [token, refreshToken]) {
      const bytes = Buffer.from(secret, 'base64url')
      t.notOk(files.some(file => file.includes(secret) || file.includes(bytes)))
      t.notOk(lines.some(line => line.includes(secret)))
    }
  t.ok(
    files.some(file => file.includes('refreshTokens')),
    'it was the database that was looked into',
  )
})

t.test('sessions are listed newest first, and one ends alone, or all but this one', async t => {
  const { accounts, clock, signIn, ended } = await gateway(t)
  const bob = await accounts.addUser({ name: 'bob', password, role: 'viewer' })
  const mine = []
  for (let at = 0; at < 4; at++) {
    clock.advance(1000)
    mine.push(await signIn())
  }
  const his = await signIn('bob')
  const [oldest, , , current] = mine
  const { sessions, total } = await accounts.sessions.list(current?.user.id ?? '', {
    ...all0,
    current: current?.sessionId,
  })
  t.equal(total, 4)
  t.same(
    sessions.map(({ id }) => id),
    mine.map(({ sessionId }) => sessionId).reverse(),
  )
  t.match(sessions[0], { current: true, user: 'ada', agent: 'panel', address: home.address })
  t.equal(sessions.filter(each => each.current).length, 1)
  const page = await accounts.sessions.list(null, { ...all0, limit: 2, before: sessions[1]?.id ?? '' })
  t.same(
    page.sessions.map(({ id }) => id),
    [sessions[2]?.id, sessions[3]?.id],
  )
  t.equal(page.total, 5)

  t.equal(await accounts.sessions.end(oldest?.sessionId ?? '', bob.id), false, 'not of somebody else')
  t.equal(await accounts.sessions.end(oldest?.sessionId ?? '', oldest?.user.id ?? ''), true)
  t.equal(await accounts.sessions.end(oldest?.sessionId ?? '', null), false)
  t.equal(await accounts.authenticate(oldest?.token ?? ''), undefined)
  t.equal(await accounts.sessions.endOthers(current?.user.id ?? '', current?.sessionId ?? ''), 2)
  t.ok(await accounts.authenticate(current?.token ?? ''))
  t.ok(await accounts.authenticate(his.token))
  t.equal(ended.length, 3)
})

t.test('a new password, being switched off and a new role reach those who are signed in at once', async t => {
  const { accounts, signIn, changed, ended } = await gateway(t)
  const ada = await signIn()
  await accounts.addUser({ name: 'bob', password, role: 'operator' })
  const [bob, elsewhere] = [await signIn('bob'), await signIn('bob')]
  const principal = (await accounts.authenticate(bob.token)) as Principal
  t.match(await accounts.people.change('BOB', { role: 'viewer' }), {
    before: { role: 'operator' },
    after: { role: 'viewer' },
  })
  t.match(await accounts.authenticate(bob.token), { role: 'viewer' }, 'the session holds, with less')

  const next = { current: password, password: 'quartz heron delta' }
  t.equal(await codeOf(accounts.own.changePassword(principal, { ...next, current: 'x' }, home)), 'forbidden')
  t.equal(
    await codeOf(accounts.own.changePassword(principal, { ...next, password: 'bobbobbob1' }, home)),
    'usage',
  )
  t.equal(await codeOf(accounts.own.changePassword(localPrincipal, next, home)), 'forbidden')
  await accounts.own.changePassword(principal, next, home)
  t.ok(await accounts.authenticate(bob.token), 'who changes it stays signed in')
  t.equal(await accounts.authenticate(elsewhere.token), undefined)
  t.equal(await codeOf(signIn('bob')), 'unauthenticated')
  t.same(ended, [{ userId: principal.id, signInId: elsewhere.sessionId }])

  await accounts.people.change('bob', { disabled: true })
  t.equal(await accounts.authenticate(bob.token), undefined)
  t.equal(await codeOf(accounts.sessions.refresh(bob.refreshToken, home)), 'unauthenticated')
  const right = { name: 'bob', password: next.password }
  t.equal(await codeOf(accounts.signIn(right, home)), 'forbidden')
  t.equal(
    await codeOf(accounts.signIn({ ...right, password: 'x' }, home)),
    'unauthenticated',
    'only the right password is told',
  )
  await accounts.people.change('bob', { disabled: false, password })
  t.equal(await codeOf(signIn('bob')), 'none')
  t.equal(await accounts.authenticate(bob.token), undefined, 'what has ended stays so')
  t.ok(await accounts.authenticate(ada.token))
  t.match(changed.at(-1), { before: { disabled: true }, after: { name: 'bob', disabled: false } })
  t.notMatch(JSON.stringify(changed), /scrypt/)
})

t.test('one admin who may sign in is always left, also when two are demoted at once', async t => {
  const { accounts } = await gateway(t)
  t.equal(await codeOf(accounts.people.change('ada', { role: 'viewer' })), 'conflict')
  t.equal(await codeOf(accounts.people.change('ada', { disabled: true })), 'conflict')
  t.equal(await codeOf(accounts.people.change('nobody', { role: 'viewer' })), 'not_found')
  await accounts.addUser({ name: 'eva', password, role: 'admin' })
  const both = await Promise.all([
    codeOf(accounts.people.change('ada', { role: 'viewer' })),
    codeOf(accounts.people.change('eva', { disabled: true })),
  ])
  t.same(both.sort(), ['conflict', 'none'])
  t.equal(await accounts.claimCode(), undefined, 'it is not unclaimed by that')
})

t.test('a password that is replaced while it is checked opens nothing', async t => {
  const { accounts, store } = await gateway(t)
  const user = await store.users.byName('ada')
  if (user === undefined) throw new Error('ada')
  await store.users.update('ada', { passwordHash: 'another' })
  t.equal(await codeOf(accounts.enter(user, home)), 'unauthenticated')
})

t.test('a session that nobody renews ends after thirty days, also for who is connected', async t => {
  const { accounts, clock, signIn, ended } = await gateway(t)
  const { refreshToken, sessionId, user } = await signIn()
  accounts.sessions.start()
  clock.advance(refreshMs / 2)
  const renewed = await accounts.sessions.refresh(refreshToken, home)
  clock.advance(refreshMs - 1)
  t.same(ended, [])
  clock.advance(2 * 60 * 60_000)
  t.equal(await codeOf(accounts.sessions.refresh(renewed.refreshToken, home)), 'unauthenticated')
  await new Promise(resolve => setImmediate(resolve))
  await accounts.users()
  t.same(ended, [{ userId: user.id, signInId: sessionId }])
  accounts.sessions.stop()
})

t.test(
  'a clock that is set neither ends a session in use nor lets an access token live for years',
  async t => {
    const yearMs = 365 * 24 * 60 * 60_000
    for (const jumpMs of [-10 * yearMs, -24 * 60 * 60_000, 10 * yearMs]) {
      const built = await gateway(t)
      const { accounts, clock, signIn } = built
      const { token, refreshToken } = await signIn()
      t.ok(await accounts.authenticate(token))
      clock.aheadMs = jumpMs
      t.ok(await accounts.authenticate(token), 'who is at work goes on')
      clock.advance(accessMs)
      t.equal(await accounts.authenticate(token), undefined, 'thirty minutes are thirty minutes')
      const later = await built.restarted()
      t.equal(await later.accounts.authenticate(token), undefined)
      const renewed = await codeOf(later.accounts.sessions.refresh(refreshToken, home))
      t.equal(renewed, jumpMs < 0 ? 'none' : 'unauthenticated')
      t.equal(await codeOf(later.signIn()), 'none')
    }
  },
)

t.test(
  'an access token from before the clock went back is renewed, not trusted for as long again',
  async t => {
    const built = await gateway(t)
    const { token, refreshToken } = await built.signIn()
    const later = await built.restarted()
    later.clock.aheadMs = -2 * accessMs
    t.equal(await later.accounts.authenticate(token), undefined)
    const { token: fresh } = await later.accounts.sessions.refresh(refreshToken, home)
    t.ok(await later.accounts.authenticate(fresh))
    later.clock.aheadMs -= 2000
    t.ok(await (await later.restarted()).accounts.authenticate(fresh), 'a small step is none')
  },
)
