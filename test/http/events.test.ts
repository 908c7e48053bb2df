import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { boardId } from '../../src/kernel/ids.ts'
import { lanRig } from './lan-rig.ts'

t.test('whoever asks for events is answered at once, though nothing happens yet', async t => {
  const { folder, core } = await lanRig(t)
  const asked = httpRequest({
    socketPath: join(folder, 'control.sock'),
    path: '/api/v1/events',
    agent: false,
  })
  asked.end()
  const signal = AbortSignal.timeout(10_000)
  const [answer] = (await once(asked, 'response', { signal })) as [IncomingMessage]
  t.equal(answer.statusCode, 200)
  t.equal(answer.headers['content-type'], 'application/x-ndjson')
  core.bus.emit('board.down', { boardId: boardId('00'.repeat(16)), error: undefined })
  const [line] = await once(answer.setEncoding('utf8'), 'data', { signal })
  t.match(JSON.parse(line), { event: 'board', state: 'down' })
  asked.destroy()
})
