import t from 'tap'
import { workplace } from '../support/pixelgate.ts'

t.test('invitations, API tokens and the audit log from the terminal of the gateway', async t => {
  const place = await workplace(t)
  await place.file('config.json', '{}')
  const daemon = place.start('serve', '--config', place.path('config.json'))
  t.teardown(() => daemon.kill())
  const { http } = await daemon.says(({ ready }) => ready === true, 'ready')

  const invited = await place.here('user', 'invite', '--role', 'admin', '--note', 'the front desk')
  t.equal(invited.status, 0, invited.stderr)
  t.match(invited.stdout, /[▀▄█]{10}/, 'a code to be scanned')
  const [, code = ''] = /#\/invite\/(\S+)/.exec(invited.stdout) ?? []
  t.match(invited.stdout, /for an account as admin/)
  const accepted = await fetch(`${http}/api/v1/invites/accept`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code, name: 'ada', password: 'marble otter canyon' }),
  })
  t.equal(accepted.status, 201)
  const plain = (await place.here('user', 'invite', '--json')).last
  t.match(plain, { invite: { role: 'operator' }, code: String, url: String })
  t.notOk('qrSvg' in plain)

  const made = await place.here(
    'token',
    'add',
    'backup',
    '--user',
    'ada',
    '--scope',
    'boards:read',
    '--days',
    '7',
  )
  t.equal(made.status, 0, made.stderr)
  const [secret = ''] = made.stdout.split('\n')
  t.match(secret, /^pgt_/)
  const asked = (path: string) =>
    fetch(`${http}/api/v1${path}`, { headers: { authorization: `Bearer ${secret}` } })
  t.equal((await asked('/boards')).status, 200)
  t.equal((await asked('/jobs')).status, 403, 'not its scope')
  const { tokens } = (await place.here('token', 'list', '--user', 'ada', '--json')).last
  t.match(tokens, [{ name: 'backup', user: 'ada', scopes: ['boards:read'] }])
  t.match((await place.here('token', 'list')).stdout, /backup +ada +admin/)
  t.equal((await place.here('token', 'remove', tokens[0].id)).status, 0)
  t.equal((await asked('/boards')).status, 401)
  t.match((await place.here('token', 'list')).stdout, /no API tokens/)

  const audit = await place.here('audit', '--since', '1h', '--limit', '100')
  t.equal(audit.status, 0, audit.stderr)
  for (const action of ['createToken', 'deleteToken', 'acceptInvite'])
    t.match(audit.stdout, new RegExp(action), action)
  t.notMatch(audit.stdout, secret)
  const { entries } = (await place.here('audit', '--outcome', 'forbidden', '--json')).last
  t.ok(entries.every((entry: { outcome: string }) => entry.outcome === 'forbidden'))
  t.match((await place.here('audit', '--actor', 'nobody')).stdout, /Nothing of that kind/)

  for (const [wrong, words] of [
    [['token', 'add', 'x', '--scope', 'boards:read'], /--user NAME/],
    [['token', 'add', 'x', '--user', 'ada'], /--scope SCOPE/],
    [['token', 'make'], /pixelgate token list/],
    [['token', 'add', 'x', '--user', 'ada', '--scope', 'weather:read'], /weather/],
    [['audit', '--since', 'yesterday'], /such as/],
  ] as const) {
    const { status, stderr } = await place.here(...wrong)
    t.equal(status, 2, wrong.join(' '))
    t.match(stderr, words)
  }
})
