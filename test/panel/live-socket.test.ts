import t from 'tap'
import { startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { LiveMessage } from '../../src/wire/live.ts'
import { eventually, workplace } from '../support/pixelgate.ts'
import { buildPanel, hasChromium, launch } from './browser.ts'

const password = 'a lantern over the bar'

/** The panel in a browser, on a connection that is cut under it. */
t.setTimeout(800_000)

if (!hasChromium) {
  t.pass('skipped: /usr/bin/chromium is not installed', { skip: true })
} else {
  t.test('after a short cut the panel goes on where it was, and asks for nothing again', async t => {
    buildPanel()
    const place = await workplace(t)
    const env = { ...place.env, PIXELGATE_HTTP_PORT: '0' }
    const app = await startApp(await loadConfig({ env }), { log: silentLog })
    t.teardown(() => app.stop())
    const url = app.http?.url ?? ''
    const browser = await launch()
    t.teardown(() => browser.close())
    const context = await browser.newContext()
    context.setDefaultTimeout(60_000)
    const page = await context.newPage()
    const sent: string[] = []
    const received: LiveMessage[] = []
    const asked: string[] = []
    page.on('websocket', socket => {
      socket.on('framesent', ({ payload }) => void sent.push(String(payload)))
      socket.on('framereceived', ({ payload }) => void received.push(JSON.parse(String(payload))))
    })
    page.on('request', request => void asked.push(new URL(request.url()).pathname))

    await page.goto(url)
    await page.getByLabel('Claim code').fill((await app.claimCode()) ?? '')
    await page.getByLabel('Your name').fill('admin')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Claim this gateway' }).click()
    const connected = page.getByText(/^Connected$/).first()
    await connected.waitFor()
    const of = (type: string) => received.filter(message => message.type === type)
    await eventually(() => asked.some(path => /messages$/.test(path)), 'what the page loads at first')
    await page.waitForLoadState('networkidle')

    const api = async (method: string, path: string, data?: unknown) => {
      const answer = await context.request.fetch(`${url}/api/v1${path}`, { method, data })
      if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`)
      return method === 'DELETE' ? {} : answer.json()
    }
    const { rooms } = await api('GET', '/rooms')
    const say = (text: string) => api('POST', `/rooms/${rooms[0].id}/messages`, { text })
    await say('before')
    await eventually(() => of('message').length === 1, 'a message')
    const [before] = of('message')
    asked.length = 0

    const { clients } = await api('GET', '/live/clients')
    t.match(clients, [{ user: 'admin', kind: 'user' }])
    await api('DELETE', `/live/clients/${clients[0].id}`)
    await say('meanwhile')
    await eventually(() => of('resumed').length === 1, 'the answer to where it wanted to go on')
    await connected.waitFor()
    await say('after')
    await eventually(() => of('message').length === 3, 'all messages')
    t.same(
      of('message').map(({ data }) => (data as { text: string }).text),
      ['before', 'meanwhile', 'after'],
      'each once and in order',
    )
    const request = JSON.parse(sent.find(text => text.includes('"resume"')) ?? '{}')
    t.ok(request.since >= (before?.seq ?? Number.NaN), 'from the last message on')
    t.same(of('gap'), [])
    t.same(
      asked.filter(path => path !== '/ws'),
      [],
      'nothing is fetched anew',
    )
  })
}
