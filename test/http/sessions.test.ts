import { Secret, TOTP } from 'otpauth'
import t from 'tap'
import { type Answer, type Call, lanRig, password } from './lan-rig.ts'

const post = (json?: unknown, more: Call = {}): Call => ({
  method: 'POST',
  ...(json !== undefined && { json }),
  ...more,
})
const text = (answer: Answer, key: string): string => String(answer.json[key])
/** Value of a cookie that an answer sets. */
const cookie = (answer: Answer, name: string): string =>
  (answer.headers['set-cookie'] ?? []).find(each => each.startsWith(`${name}=`))?.split(/[=;]/)[1] ?? ''

t.test('a program renews its tokens with a body, a browser with a cookie that it alone is sent', async t => {
  const { call, url, accounts, lines } = await lanRig(t)
  await accounts.addUser({ name: 'ada', password, role: 'admin' })
  const program = await call('/api/v1/auth/sign-in', post({ name: 'ada', password }))
  t.match(program.json, { refreshToken: /^[\w-]{43}$/, sessionId: String, refreshExpiresAt: String })
  const { refreshToken } = program.json
  const renewed = await call('/api/v1/auth/refresh', post({ refreshToken }))
  t.match(renewed, { status: 200, json: { user: { name: 'ada' }, sessionId: text(program, 'sessionId') } })
  t.equal((await call('/api/v1/auth/me', { token: text(program, 'token') })).status, 401)
  t.equal((await call('/api/v1/auth/me', { token: text(renewed, 'token') })).status, 200)

  const asBrowser = { headers: { origin: url } }
  const browser = await call('/api/v1/auth/sign-in', post({ name: 'ada', password }, asBrowser))
  t.equal(browser.json['refreshToken'], undefined, 'no script of the page sees it')
  t.notOk(browser.bytes.includes(cookie(browser, 'pixelgate_refresh')))
  const fetched = await call(
    '/api/v1/auth/sign-in',
    post({ name: 'ada', password }, { headers: { 'sec-fetch-site': 'same-origin' } }),
  )
  t.equal(fetched.json['refreshToken'], undefined)
  const jar = `pixelgate_session=gone; pixelgate_refresh=${cookie(browser, 'pixelgate_refresh')}`
  const again = await call('/api/v1/auth/refresh', post(undefined, { headers: { origin: url, cookie: jar } }))
  t.match(again, { status: 200, json: { sessionId: text(browser, 'sessionId') } })
  t.equal(again.json['refreshToken'], undefined)
  t.not(cookie(again, 'pixelgate_refresh'), cookie(browser, 'pixelgate_refresh'))
  const session = `pixelgate_session=${cookie(again, 'pixelgate_session')}`
  t.equal((await call('/api/v1/auth/me', { headers: { cookie: session } })).status, 200)

  const replay = await call('/api/v1/auth/refresh', post({}, { headers: { origin: url, cookie: jar } }))
  t.match(replay, { status: 401, json: { code: 'unauthenticated' } })
  t.equal(cookie(replay, 'pixelgate_refresh'), '', 'a cookie that is worth nothing is taken away')
  t.equal((await call('/api/v1/auth/me', { headers: { cookie: session } })).status, 401)
  t.equal((await call('/api/v1/auth/refresh', post())).status, 401)
  t.equal((await call('/api/v1/auth/refresh', post({ refreshToken: 'x', more: 1 }))).status, 422)
  const foreign = { origin: 'http://evil.example', cookie: jar }
  t.equal((await call('/api/v1/auth/refresh', post({}, { headers: foreign }))).status, 403)
  const said = JSON.stringify(lines)
  for (const answer of [program, renewed, browser, again])
    for (const name of ['pixelgate_session', 'pixelgate_refresh'])
      t.notOk(said.includes(cookie(answer, name)))
})

t.test('everybody sees and ends their own sessions, an admin those of all', async t => {
  const { call, signIn, local, accounts, clock } = await lanRig(t)
  const [admin, viewer] = [await signIn('admin'), await signIn('viewer')]
  clock.advance(1)
  const other = await signIn('viewer')
  const list = async (token: string, query = '') => {
    const answer = await call(`/api/v1/sessions${query}`, { token })
    return {
      status: answer.status,
      ...(answer.json as { sessions: { id: string; current: boolean }[]; total: number }),
    }
  }
  const own = await list(viewer)
  t.match(own, { status: 200, total: 2, sessions: [{ current: false }, { current: true, user: 'viewer' }] })
  t.equal((await list(viewer, '?user=VIEWER')).total, 2)
  t.equal((await list(viewer, '?user=admin')).status, 403)
  t.equal((await list(viewer, '?all=true')).status, 403)
  t.equal((await list(admin)).total, 1)
  t.equal((await list(admin, '?user=viewer')).total, 2)
  t.equal((await list(admin, '?user=nobody')).status, 404)
  const all = await list(admin, '?all=true&limit=2')
  t.match(all, { total: 3, nextCursor: all.sessions[1]?.id ?? '' })
  t.equal((await list(admin, `?all=true&limit=2&cursor=${all.sessions[1]?.id}`)).sessions.length, 1)
  t.match((await local('/api/v1/sessions')).json, { total: 3 })

  const end = async (id: string, token: string) =>
    (await call(`/api/v1/sessions/${id}`, { method: 'DELETE', token })).status
  const [hers] = (await list(admin)).sessions
  t.equal(await end(hers?.id ?? '', viewer), 404, 'whether it is there is not told')
  t.equal(await end('nonsense', viewer), 404)
  const ended: unknown[] = []
  accounts.events.on('signIn.ended', event => ended.push(event.signInId))
  t.equal((await call('/api/v1/sessions', { method: 'DELETE', token: viewer })).status, 204)
  t.equal((await call('/api/v1/auth/me', { token: other })).status, 401)
  t.equal((await call('/api/v1/auth/me', { token: viewer })).status, 200)
  const mine = own.sessions.find(({ current }) => current)
  t.equal(await end(mine?.id ?? '', admin), 204)
  t.equal((await call('/api/v1/auth/me', { token: viewer })).status, 401)
  t.same(ended, [own.sessions[0]?.id, mine?.id])
})

t.test('users are changed by admins, and everybody changes their own password', async t => {
  const { call, signIn, local } = await lanRig(t)
  const [admin, operator] = [await signIn('admin'), await signIn('operator')]
  const patch = (name: string, json: unknown, token = admin) =>
    call(`/api/v1/users/${name}`, { method: 'PATCH', json, token })
  t.equal((await patch('operator', { role: 'admin' }, operator)).status, 403)
  t.match(await patch('operator', { role: 'viewer', disabled: true }), {
    status: 200,
    json: { user: { role: 'viewer', disabled: true } },
  })
  t.equal((await call('/api/v1/auth/me', { token: operator })).status, 401)
  t.match(await patch('admin', { role: 'viewer' }), { status: 409, json: { code: 'conflict' } })
  t.equal((await patch('nobody', { role: 'viewer' })).status, 404)
  for (const wrong of [{}, { role: 'king' }, { password: 'short' }, { name: 'x' }])
    t.match(await patch('admin', wrong), { status: 422, json: { code: 'invalid', errors: Array } })

  const change = (json: unknown) => call('/api/v1/auth/password', post(json, { token: admin }))
  t.equal((await change({ current: 'x', password: 'quartz heron delta' })).status, 403)
  t.equal((await change({ current: password, password: 'quartz heron delta' })).status, 204)
  t.equal((await call('/api/v1/auth/sign-in', post({ name: 'admin', password }))).status, 401)
  t.equal(
    (await local('/api/v1/auth/password', post({ current: 'x', password: 'quartz heron delta' }))).status,
    403,
  )
  t.match((await call('/api/v1/users?limit=1', { token: admin })).json, {
    users: [{ name: 'admin', disabled: false, secondFactor: false }],
    total: 2,
    nextCursor: String,
  })
  t.equal((await local('/api/v1/users/admin', { method: 'PATCH', json: { password } })).status, 200)
  t.equal(
    (await call('/api/v1/auth/me', { token: admin })).status,
    401,
    'what the console sets ends them all',
  )
  t.equal((await call('/api/v1/auth/sign-in', post({ name: 'admin', password }))).status, 200)
})

t.test('a second factor is set up, asked for and taken away over HTTP', async t => {
  const { call, signIn, local, clock } = await lanRig(t)
  const token = await signIn('operator')
  const begun = await call('/api/v1/auth/totp', post(undefined, { token }))
  t.match(begun, { status: 200, json: { secret: /^[A-Z2-7]{32}$/, url: /^otpauth:/, qrSvg: /^<svg/ } })
  t.equal(begun.headers['cache-control']?.includes('max-age'), false)
  const app = new TOTP({ secret: Secret.fromBase32(text(begun, 'secret')) })
  const shown = () => app.generate({ timestamp: clock.wallTime() })
  const confirm = (code: string) => call('/api/v1/auth/totp/confirm', post({ code }, { token }))
  t.match(await confirm('000000'), { status: 403, json: { code: 'forbidden' } })
  const confirmed = await confirm(shown())
  const [backupCode] = confirmed.json['backupCodes'] as string[]
  t.equal((confirmed.json['backupCodes'] as string[]).length, 10)
  const enter = (code?: string) =>
    call('/api/v1/auth/sign-in', post({ name: 'operator', password, ...(code !== undefined && { code }) }))
  t.match(await enter(), { status: 401, json: { code: 'second_factor_required' } })
  clock.advance(30_000)
  t.equal((await enter(shown())).status, 200)
  t.equal((await enter(shown())).status, 401, 'once')
  t.equal((await enter(backupCode)).status, 200)
  const fresh = await call('/api/v1/auth/backup-codes', post(undefined, { token }))
  t.equal((fresh.json['backupCodes'] as string[]).length, 10)
  const remove = (json: unknown) => call('/api/v1/auth/totp', { method: 'DELETE', json, token })
  t.equal((await remove({})).status, 422)
  t.equal((await remove({ password })).status, 204)
  t.equal((await enter()).status, 200)
  const second = await call('/api/v1/auth/totp', post(undefined, { token }))
  const code = new TOTP({ secret: Secret.fromBase32(text(second, 'secret')) }).generate({
    timestamp: clock.wallTime(),
  })
  t.equal((await confirm(code)).status, 200)
  t.equal((await local('/api/v1/users/operator/totp', { method: 'DELETE' })).status, 204)
  t.equal((await enter()).status, 200)
  t.equal((await local('/api/v1/users/operator/totp', { method: 'DELETE' })).status, 404)
  t.equal((await local('/api/v1/auth/totp', post())).status, 403, 'the console has no account')
})
