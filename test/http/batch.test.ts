import t from 'tap'
import { gatewayRig } from './gateway-rig.ts'

t.test('twenty requests in one: each as if it had come alone', async t => {
  const rig = await gatewayRig(t)
  const token = await rig.signIn('ada', 'admin')
  const batch = async (requests: readonly object[], who: string | undefined = token) =>
    rig.call('POST', '/batch', { token: who, json: { requests } })

  const done = await batch([
    { id: 'a', method: 'get', path: '/backups?limit=1' },
    { method: 'POST', path: '/tokens', body: { name: 'one', scopes: ['*:read'] } },
    { id: 7, method: 'GET', path: '/api/v1/tokens' },
    { method: 'POST', path: '/tokens', body: { name: '' } },
    { method: 'GET', path: '/nowhere' },
    { method: 'DELETE', path: '/tokens/none' },
    { method: 'PUT', path: '/tokens' },
    { method: 'GET', path: '/health/live' },
  ])
  t.equal(done.status, 200)
  const { responses } = done.json
  t.same(
    responses.map(({ id, status }: { id: unknown; status: number }) => [id, status]),
    [
      ['a', 200],
      [1, 201],
      [7, 200],
      [3, 422],
      [4, 404],
      [5, 404],
      [6, 405],
      [7, 200],
    ],
    'in their order; one that fails does not hold up the next',
  )
  t.match(responses[0].body, { backups: [], total: 0 })
  t.match(responses[0].headers, { etag: /^"/, 'x-total-count': '0' })
  t.equal(responses[2].body.total, 1, 'what came before is seen by what comes after')
  t.match(responses[3].body, { code: 'invalid', requestId: String })
  t.match(responses[6].headers, { allow: /POST/ })

  const again = await batch([
    { method: 'GET', path: '/backups?limit=1', headers: { 'If-None-Match': responses[0].headers.etag } },
  ])
  t.match(again.json.responses[0], { status: 304, body: null })
  const audit = await rig.call('GET', '/audit?action=createToken', { token })
  t.match(
    audit.json,
    { total: 1, entries: [{ actor: { name: 'ada' }, address: '127.0.0.1' }] },
    'each is audited',
  )
})

t.test('a batch gives nobody more than they have', async t => {
  const rig = await gatewayRig(t)
  const token = await rig.signIn('ada', 'admin')
  const viewer = await rig.signIn('vic', 'viewer')
  const one = async (who: string | undefined, request: object) => {
    const { json, status } = await rig.call('POST', '/batch', { token: who, json: { requests: [request] } })
    return status === 200 ? json.responses[0].status : status
  }
  t.equal(await one(undefined, { method: 'GET', path: '/health/live' }), 401)
  t.equal(await one(viewer, { method: 'GET', path: '/audit' }), 403)
  t.equal(await one(viewer, { method: 'GET', path: '/tokens' }), 200)
  const made = await rig.call('POST', '/tokens', { token, json: { name: 'x', scopes: ['backups:read'] } })
  t.equal(await one(made.json.secret, { method: 'GET', path: '/backups' }), 200)
  t.equal(await one(made.json.secret, { method: 'GET', path: '/audit' }), 403)
  t.equal(
    await one(made.json.secret, { method: 'POST', path: '/tokens', body: { name: 'y', scopes: ['*'] } }),
    403,
  )
  for (const request of [
    { method: 'POST', path: '/batch', body: { requests: [] } },
    { method: 'GET', path: '/metrics' },
    { method: 'GET', path: '/events' },
    { method: 'GET', path: '/events/?batch=x' },
    { method: 'HEAD', path: '/%65vents' },
    { method: 'POST', path: '/invites/look', body: { code: 'x' } },
    { method: 'POST', path: '/callbacks/x/call', body: {} },
  ])
    t.equal(await one(token, request), 400, JSON.stringify(request))
  for (const json of [
    { requests: [] },
    { requests: Array.from({ length: 21 }, () => ({ method: 'GET', path: '/tokens' })) },
    { requests: [{ method: 'GET', path: 'http://evil.example/' }] },
    { requests: [{ method: 'GET', path: '/events#' }] },
    { requests: [{ method: 'GET', path: '/events\\#' }] },
    { requests: [{ method: 'TRACE', path: '/tokens' }] },
    { requests: [{ method: 'GET', path: '/tokens', headers: { authorization: 'Bearer x' } }] },
    { requests: [{ method: 'GET', path: '/tokens', headers: { cookie: 'x' } }] },
  ])
    t.equal(
      (await rig.call('POST', '/batch', { token, json })).status,
      422,
      JSON.stringify(json).slice(0, 80),
    )
  t.equal(
    (
      await rig.call('POST', '/batch', {
        token,
        json: { requests: [{ method: 'POST', path: '/tokens', body: 'x'.repeat(1_100_000) }] },
      })
    ).status,
    413,
  )
  const local = await rig.local('POST', '/batch', { json: { requests: [{ method: 'GET', path: '/audit' }] } })
  t.equal(local.json.responses[0].status, 200, 'over the control socket as well')
  const traversal = await rig.call('POST', '/batch', {
    token,
    json: {
      requests: [
        { method: 'GET', path: '/../../etc/passwd' },
        { method: 'GET', path: '/%2e%2e/health' },
      ],
    },
  })
  for (const { status } of traversal.json.responses) t.ok(status === 404 || status === 400, `${status}`)
})

t.test('the same work with the same key is done once, also within a batch', async t => {
  const rig = await gatewayRig(t)
  const token = await rig.signIn('ada', 'admin')
  const request = {
    method: 'POST',
    path: '/webhooks',
    headers: { 'Idempotency-Key': '"5d1f"' },
    body: { url: 'http://192.0.2.1/', events: ['job.done'] },
  }
  const { json } = await rig.call('POST', '/batch', { token, json: { requests: [request, request] } })
  t.equal(json.responses[0].status, 201)
  t.not(json.responses[1].status, 201, 'its secret is told once')
  t.equal((await rig.call('GET', '/webhooks', { token })).json.total, 1)
})
