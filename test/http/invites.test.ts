import t from 'tap'
import { Accounts } from '../../src/account/accounts.ts'
import { Invites } from '../../src/account/invites.ts'
import { localPrincipal } from '../../src/account/principal.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { openStore } from '../../src/store/store.ts'
import { gatewayRig, password } from './gateway-rig.ts'

const caller = { address: '192.0.2.1', agent: '' }

t.test('a link lets one person make an account, in the role that it says', async t => {
  const rig = await gatewayRig(t)
  const token = await rig.signIn('ada', 'admin')
  const made = await rig.call('POST', '/invites', { token, json: { role: 'viewer', note: 'for the hall' } })
  t.equal(made.status, 201)
  const { code, invite, url, qrSvg } = made.json
  t.equal(url, `${rig.url}/#/invite/${code}`, 'with the authority that was asked')
  t.match(qrSvg, /^<svg/)
  t.match(invite, { role: 'viewer', note: 'for the hall', invitedBy: 'ada', state: 'open', usedBy: null })

  const looked = await rig.call('POST', '/invites/look', { json: { code } })
  t.same(
    looked.json,
    { role: 'viewer', expiresAt: invite.expiresAt, invitedBy: 'ada' },
    'strangers see no more',
  )
  const taken = await rig.call('POST', '/invites/accept', { json: { code, name: 'ADA', password } })
  t.match(taken.json, { status: 409 }, 'a name that is taken does not use it up')
  const weak = await rig.call('POST', '/invites/accept', {
    json: { code, name: 'bob', password: 'password123' },
  })
  t.ok([400, 422].includes(weak.status), 'nor does a password that anybody would guess')

  const accepted = await rig.call('POST', '/invites/accept', { json: { code, name: 'bob', password } })
  t.equal(accepted.status, 201)
  t.match(accepted.json, { user: { name: 'bob', role: 'viewer' }, token: String, expiresAt: String })
  t.match(String(accepted.headers['set-cookie']), /HttpOnly/)
  t.equal((await rig.call('GET', '/metrics', { token: accepted.json.token })).status, 200)
  for (const path of ['look', 'accept']) {
    const json = { code, ...(path === 'accept' && { name: 'eve', password }) }
    t.equal((await rig.call('POST', `/invites/${path}`, { json })).status, 404, 'it is used up')
  }
  const { json } = await rig.call('GET', '/invites', { token })
  t.match(json, { total: 1, invites: [{ state: 'used', usedBy: 'bob' }] })
  t.notMatch(await rig.database(), code, 'not in the database')
  t.notMatch(rig.lines(), code, 'not in the log')
})

t.test('an invitation ends: taken back, run out, or with its maker', async t => {
  const rig = await gatewayRig(t)
  const token = await rig.signIn('ada', 'admin')
  const other = await rig.signIn('eve', 'admin')
  const back = (await rig.call('POST', '/invites', { token, json: {} })).json
  t.equal((await rig.call('DELETE', `/invites/${back.invite.id}`, { token })).status, 204)
  t.equal((await rig.call('DELETE', `/invites/${back.invite.id}`, { token })).status, 404)
  t.equal((await rig.call('POST', '/invites/look', { json: { code: back.code } })).status, 404)
  const hers = (await rig.call('POST', '/invites', { token: other, json: {} })).json
  t.equal((await rig.call('POST', '/invites/look', { json: { code: hers.code } })).status, 200)
  t.equal((await rig.call('DELETE', '/users/eve', { token })).status, 204)
  t.equal((await rig.call('POST', '/invites/look', { json: { code: hers.code } })).status, 404)
  t.equal((await rig.call('POST', '/invites', { token, json: { expiresInHours: 169 } })).status, 422)
  for (const role of ['viewer', 'operator'] as const)
    t.equal(
      (await rig.call('POST', '/invites', { token: await rig.signIn(role, role), json: {} })).status,
      403,
    )
})

t.test('a hundred at once make one account; guesses are slowed; time ends it', async t => {
  const clock = new VirtualClock()
  const store = await openStore(`${t.testdir()}/gateway.db`)
  t.teardown(() => store.close())
  const accounts = new Accounts({ store, clock, log: silentLog, scryptCost: { logN: 2, r: 1, p: 1 } })
  const invites = new Invites({ store, accounts, clock })
  const { code } = await invites.make(localPrincipal, { role: 'operator', expiresInHours: 24 })
  const codeSha = Buffer.alloc(32, 1).toString('hex')
  t.equal(await store.invites.find({ codeSha, nowMs: 0 }), undefined)
  const tries = Array.from({ length: 100 }, (_, at) =>
    invites.accept({ code, name: `user${at}`, password }, { ...caller, address: `192.0.2.${at}` }),
  )
  const outcomes = await Promise.allSettled(tries)
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  t.equal((await accounts.users()).length, 1, 'one account')

  const late = await invites.make(localPrincipal, { role: 'viewer', expiresInHours: 1 })
  clock.advance(3_600_000)
  await t.rejects(invites.look(late.code, caller), { code: 'not_found' })
  let guesses = 0
  for (let at = 0; at < 1000; at++)
    await invites.look('A'.repeat(43), { ...caller, address: '198.51.100.7' }).catch(({ code }) => {
      if (code === 'not_found') guesses += 1
    })
  t.ok(guesses <= 10, `${guesses} of 1,000 guesses were looked at`)
})
