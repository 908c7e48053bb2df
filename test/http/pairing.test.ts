import t from 'tap'
import { lanRig } from './lan-rig.ts'

t.test('keys of boards are for admins, and a board must be there to be paired', async t => {
  const rig = await lanRig(t)
  const seen = { id: 'aaaaaaaa-0000-4000-8000-000000000001', name: 'window', width: 0, height: 0, leds: 8 }
  const built = { wiring: 'row-straight-tl', colorOrder: 'RGB', linkKind: 'serial', linkAddress: '/dev/x' }
  await rig.store.boards.seen({
    ...seen,
    ...built,
    id: seen.id as never,
    baudRate: null,
    bootId: 1,
    firmware: 'x',
    capsJson: '{}',
    nowMs: 1,
  })
  const path = '/api/v1/boards/window/pairing'
  for (const role of ['viewer', 'operator'] as const) {
    const token = await rig.signIn(role)
    for (const method of ['POST', 'DELETE'])
      t.equal((await rig.call(path, { method, token })).status, 403, `${role} ${method}`)
  }
  const token = await rig.signIn('admin')
  const asked = await rig.call(path, { method: 'POST', token, json: {} })
  t.match(asked, { status: 504, json: { code: 'board_mute' } })
  t.match(await rig.call(path, { method: 'DELETE', token }), {
    status: 404,
    json: { code: 'not_found' },
  })
  const forgotten = await rig.call(`${path}?forget=true`, { method: 'DELETE', token })
  t.match(forgotten, { status: 200, json: { board: { trust: 'untrusted', trusted: false } } })
  t.match(await rig.call(`${path}?force=1`, { method: 'DELETE', token }), { status: 422 })
  t.match(await rig.call(path, { method: 'POST', token, json: { key: '00' } }), { status: 422 })
  t.match(await rig.call('/api/v1/boards', { token }), {
    json: { boards: [{ trust: 'untrusted' }] },
  })
})
