import t from 'tap'
import { guestPrincipal } from '../../src/account/principal.ts'
import { authorise, seenAs } from '../../src/http/api/authorise.ts'
import { gatewayRig } from './gateway-rig.ts'

t.test('strangers look at nothing unless they are let', async t => {
  const rig = await gatewayRig(t)
  for (const path of ['/boards', '/patterns', '/tokens']) t.equal((await rig.call('GET', path)).status, 401)
})

t.test('guests look at what is marked for them and at nothing else', async t => {
  const rig = await gatewayRig(t, { http: { guest: 'view' } })
  const token = await rig.signIn('ada', 'admin')
  for (const path of [
    '/users',
    '/audit',
    '/tokens',
    '/invites',
    '/callbacks',
    '/webhooks',
    '/backups',
    '/metrics',
    '/rooms',
    '/auth/me',
  ])
    t.equal((await rig.call('GET', path)).status, 401, path)
  for (const path of ['/tokens', '/invites', '/batch', '/backups', '/jobs', '/webhooks'])
    t.equal((await rig.call('POST', path, { json: {} })).status, 401, path)
  for (const path of ['/patterns', '/patterns?q=comet'])
    t.match((await rig.call('GET', path)).json, { patterns: [], total: 0 }, path)
  t.equal((await rig.call('GET', '/patterns/none/thumbnail')).status, 404)
  t.equal((await rig.call('GET', '/patterns/none')).status, 401, 'who has brought it is not for them')
  t.equal((await rig.call('DELETE', '/patterns/none')).status, 401)
  const health = await rig.call('GET', '/health')
  t.same(Object.keys(health.json.checks[0]).sort(), ['name', 'status'], 'no more than strangers hear')
  t.equal(
    (await rig.call('GET', '/tokens', { token: 'x'.repeat(43) })).status,
    401,
    'a wrong token is no guest',
  )
  t.equal((await rig.call('GET', '/tokens', { token })).status, 200)
})

t.test('an operation is for guests only when it says so and only looks', async t => {
  const asked = { tag: 'boards', method: 'get', access: 'viewer' } as const
  t.throws(() => authorise(guestPrincipal, asked), { code: 'unauthenticated' })
  t.doesNotThrow(() => authorise(guestPrincipal, { ...asked, guest: true }))
  t.throws(() => authorise(guestPrincipal, { ...asked, guest: true, method: 'post' }), {
    code: 'unauthenticated',
  })
  t.throws(() => authorise(guestPrincipal, { ...asked, guest: true, access: 'operator' }), {
    code: 'forbidden',
  })
  t.equal(seenAs(guestPrincipal, { ...asked, access: 'open' }), undefined)
})
