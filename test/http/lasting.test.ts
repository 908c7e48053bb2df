import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import t, { type Test } from 'tap'
import { LastingAnswers } from '../../src/http/api/lasting-answers.ts'
import { boardId } from '../../src/kernel/ids.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { eventually } from '../support/pixelgate.ts'
import { person } from '../ws/live-rig.ts'
import { type GatewayRig, gatewayRig } from './gateway-rig.ts'

/** A reader of GET /events. */
class Reader {
  heard = 0
  ended = false

  constructor(asked: ClientRequest, answer: IncomingMessage) {
    asked.on('error', () => undefined)
    answer.on('error', () => undefined)
    answer.on('data', () => void this.heard++)
    answer.on('close', () => {
      this.ended = true
    })
  }

  static async of(t: Test, rig: GatewayRig, token: string): Promise<Reader> {
    const headers = { authorization: `Bearer ${token}` }
    const asked = request(`${rig.url}/api/v1/events`, { headers, agent: false })
    t.teardown(() => asked.destroy())
    asked.end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    t.equal(answer.statusCode, 200)
    return new Reader(asked, answer)
  }
}

t.test('an answer that goes on ends with the access that it was asked with', async t => {
  const rig = await gatewayRig(t)
  const admin = await rig.signIn('ada', 'admin')
  const vic = await rig.signIn('vic', 'viewer')
  const wim = await rig.signIn('wim', 'viewer')
  const made = await rig.call('POST', '/tokens', { token: wim, json: { name: 'x', scopes: ['*:read'] } })
  const readers = {
    ada: await Reader.of(t, rig, admin),
    vic: await Reader.of(t, rig, vic),
    wim: await Reader.of(t, rig, wim),
    script: await Reader.of(t, rig, made.json.secret),
  }
  const tell = () =>
    rig.app.core.bus.emit('board.down', { boardId: boardId('00'.repeat(16)), error: undefined })
  tell()
  for (const [name, reader] of Object.entries(readers)) await eventually(() => reader.heard === 1, name)

  const off = await rig.call('PATCH', '/users/vic', { token: admin, json: { disabled: true } })
  t.equal(off.status, 200, off.text)
  await eventually(() => readers.vic.ended, 'the end of one who was switched off')
  await rig.call('DELETE', `/tokens/${made.json.token.id}`, { token: wim })
  await eventually(() => readers.script.ended, 'the end of a token')
  t.notOk(readers.wim.ended, 'not of its owner')
  await rig.call('POST', '/auth/sign-out', { token: wim })
  await eventually(() => readers.wim.ended, 'the end of one who has signed out')
  tell()
  await eventually(() => readers.ada.heard === 2, 'the one who is left')
  t.same([readers.vic.heard, readers.wim.heard, readers.script.heard], [1, 1, 1])
})

t.test('a token that runs out takes its answers along', t => {
  const clock = new VirtualClock()
  const lasting = new LastingAnswers(clock)
  const ended: string[] = []
  const add = (name: string, endsMs?: number) => {
    const gone = lasting.add({ ...person(name), ...(endsMs !== undefined && { endsMs }) }, () => {
      ended.push(name)
      gone()
    })
    return gone
  }
  add('early', clock.now() + 10_000)
  add('late', clock.now() + 3_600_000)
  const left = add('person')
  clock.advance(60_000)
  t.same(ended, ['early'])
  left()
  clock.advance(3_600_000)
  t.same(ended, ['early', 'late'])
  t.equal(lasting.count, 0)
  t.end()
})
