import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { gatewayRig, password } from './gateway-rig.ts'

const madeBy = async (
  rig: Awaited<ReturnType<typeof gatewayRig>>,
  token: string,
  scopes: readonly string[],
  more: object = {},
) => {
  const made = await rig.call('POST', '/tokens', { token, json: { name: 'script', scopes, ...more } })
  return { ...made, secret: String(made.json.secret), id: String(made.json.token?.id) }
}

t.test('a token is told once, does what its scopes say and nothing about accounts', async t => {
  const rig = await gatewayRig(t)
  const admin = await rig.signIn('ada', 'admin')
  const { status, json, secret, headers } = await madeBy(rig, admin, ['backups:read', 'webhooks:*'])
  t.equal(status, 201)
  t.match(secret, /^pgt_[A-Za-z0-9_-]{49}$/)
  t.match(json.token, { name: 'script', user: 'ada', role: 'admin', lastUsedAt: null })
  t.ok(secret.startsWith(json.token.prefix))
  t.match(headers['cache-control'], /no-store/)
  const days = (Date.parse(json.token.expiresAt) - Date.parse(json.token.createdAt)) / 86_400_000
  t.equal(days, 90)

  t.equal((await rig.call('GET', '/backups', { token: secret })).status, 200)
  t.match((await rig.call('POST', '/backups', { token: secret })).json, {
    status: 403,
    code: 'forbidden',
    detail: /backups:write/,
  })
  t.equal((await rig.call('GET', '/webhooks', { token: secret })).status, 200)
  t.equal((await rig.call('GET', '/audit', { token: secret })).status, 403)
  t.equal((await rig.call('GET', '/metrics', { token: secret })).status, 403)
  const health = await rig.call('GET', '/health', { token: secret })
  t.equal(health.json.checks[0].message, undefined, 'what is open tells it no more than it tells strangers')

  const all = (await madeBy(rig, admin, ['*'])).secret
  t.equal((await rig.call('GET', '/audit', { token: all })).status, 200)
  for (const [method, path, body] of [
    ['POST', '/tokens', { name: 'more', scopes: ['*'] }],
    ['DELETE', '/tokens/x', undefined],
    ['POST', '/invites', {}],
    ['DELETE', '/invites/x', undefined],
    [
      'POST',
      '/callbacks',
      { name: 'x', action: { type: 'command', command: { type: 'PLAY' } }, boards: 'all' },
    ],
    ['POST', '/users', { name: 'eve', password, role: 'admin' }],
    ['DELETE', '/users/ada', undefined],
  ] as const)
    t.equal(
      (await rig.call(method, path, { token: all, ...(body && { json: body }) })).status,
      403,
      `${method} ${path}`,
    )
  for (const wrong of [`${secret}x`, `${secret.slice(0, -1)}!`, 'pgt_', `pgt_${'A'.repeat(49)}`])
    t.equal((await rig.call('GET', '/backups', { token: wrong })).status, 401)

  const listed = await rig.call('GET', '/tokens', { token: admin })
  t.equal(listed.json.total, 2)
  t.match(listed.json.tokens[1].lastUsedAt, /^2/)
  t.notMatch(listed.text, secret)
  t.notMatch(await rig.database(), secret, 'not in the database')
  t.notMatch(rig.lines(), secret, 'not in the log')
  await rig.restart()
  t.equal((await rig.call('GET', '/backups', { token: secret })).status, 200, 'a start changes nothing')
})

t.test('a token is never more than its owner, and nobody sees those of others', async t => {
  const rig = await gatewayRig(t)
  const admin = await rig.signIn('ada', 'admin')
  const viewer = await rig.signIn('vic', 'viewer')
  const operator = await rig.signIn('ole', 'operator')
  t.equal((await madeBy(rig, viewer, ['*'], { role: 'operator' })).status, 403)
  const theirs = await madeBy(rig, operator, ['*'])
  t.equal((await rig.call('GET', '/backups', { token: theirs.secret })).status, 403, 'scopes give no role')
  t.equal((await rig.call('DELETE', `/tokens/${theirs.id}`, { token: viewer })).status, 404)
  t.equal((await rig.call('GET', '/tokens', { token: viewer })).json.total, 0)
  t.equal((await rig.call('GET', '/tokens?user=ole', { token: viewer })).status, 403)
  t.equal((await rig.call('GET', '/tokens?user=ole', { token: admin })).json.total, 1)
  t.equal((await madeBy(rig, admin, ['*'], { user: 'vic' })).status, 403, 'nobody makes one for another')

  const lesser = await madeBy(rig, admin, ['*'], { role: 'viewer', expiresInDays: 1 })
  t.equal((await rig.call('GET', '/audit', { token: lesser.secret })).status, 403)
  t.equal((await rig.call('GET', '/boards', { token: theirs.secret })).status === 401, false)
  t.equal(
    (await rig.call('DELETE', `/tokens/${theirs.id}`, { token: admin })).status,
    204,
    'admins may end it',
  )
  t.equal((await rig.call('GET', '/metrics', { token: theirs.secret })).status, 401, 'at once')

  const gone = await madeBy(rig, operator, ['metrics:read'])
  t.equal((await rig.call('GET', '/metrics', { token: gone.secret })).status, 200)
  t.equal((await rig.call('DELETE', '/users/ole', { token: admin })).status, 204)
  t.equal((await rig.call('GET', '/metrics', { token: gone.secret })).status, 401, 'it goes with its owner')

  const own = await rig.local('POST', '/tokens', { json: { name: 'cron', scopes: ['*:read'], user: 'Vic' } })
  t.match(own.json.token, { user: 'vic', role: 'viewer' }, 'the console makes them for people')
  t.equal((await rig.local('POST', '/tokens', { json: { name: 'cron', scopes: ['*'] } })).status, 422)
})

t.test('whoever is demoted or switched off takes their tokens along, at once', async t => {
  const rig = await gatewayRig(t)
  const admin = await rig.signIn('ada', 'admin')
  const eve = await rig.signIn('eve', 'admin')
  const { secret } = await madeBy(rig, eve, ['*'])
  const status = async (path: string) => (await rig.call('GET', path, { token: secret })).status
  t.same([await status('/audit'), await status('/metrics')], [200, 200])
  const patch = (json: object) => rig.call('PATCH', '/users/eve', { token: admin, json })
  t.equal((await patch({ role: 'viewer' })).status, 200)
  t.same([await status('/audit'), await status('/metrics')], [403, 200], 'lessened')
  t.equal((await patch({ disabled: true })).status, 200)
  t.equal(await status('/metrics'), 401)
  t.equal((await patch({ disabled: false, role: 'admin' })).status, 200)
  t.equal(await status('/audit'), 200, 'what it was made for it may do again')
})

t.test('a WebSocket opens with a token and ends with it', async t => {
  const rig = await gatewayRig(t)
  const admin = await rig.signIn('ada', 'admin')
  const { secret, id } = await madeBy(rig, admin, ['*:read'])
  const connect = async (token: string) => {
    const socket = new WebSocket(`${rig.url.replace('http', 'ws')}/ws`, {
      headers: { authorization: `Bearer ${token}` },
    })
    t.teardown(() => socket.terminate())
    const [first, answer] = await Promise.race([once(socket, 'message'), once(socket, 'unexpected-response')])
    return { socket, first, status: answer?.statusCode }
  }
  const { socket, first } = await connect(secret)
  t.match(JSON.parse(String(first)), { type: 'welcome' })
  const closed = once(socket, 'close')
  t.equal((await rig.call('DELETE', `/tokens/${id}`, { token: admin })).status, 204)
  t.equal((await closed)[0] >= 4000, true, 'it is told why')
  t.equal((await connect(secret)).status, 401)
})

t.test('a race of uses and its end leaves nothing behind that still opens', async t => {
  const rig = await gatewayRig(t)
  const admin = await rig.signIn('ada', 'admin')
  for (let round = 0; round < 5; round++) {
    const { secret, id } = await madeBy(rig, admin, ['metrics:read'])
    const use = () => rig.call('GET', '/metrics/series', { token: secret })
    await Promise.all([use(), use(), rig.call('DELETE', `/tokens/${id}`, { token: admin }), use(), use()])
    t.equal((await use()).status, 401)
  }
})

t.test('what does not fit is named with its place', async t => {
  const rig = await gatewayRig(t)
  const token = await rig.signIn('ada', 'admin')
  const wrong = await rig.call('POST', '/tokens', {
    token,
    json: { name: 'x', scopes: ['boards', 'nothing:read', 'backups:read', '*:write'] },
  })
  t.match(wrong.json, { status: 422, code: 'invalid' })
  t.same(
    wrong.json.errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/scopes/0', '/scopes/1', '/scopes/3'],
  )
  for (const json of [
    { name: 'x', scopes: [] },
    { name: 'x', scopes: ['*'], expiresInDays: 366 },
    { name: 'x', scopes: ['*'], expiresInDays: 0 },
    { name: '', scopes: ['*'] },
    { name: 'x', scopes: ['*'], role: 'owner' },
  ])
    t.equal((await rig.call('POST', '/tokens', { token, json })).status, 422)
})
