import { Secret, TOTP } from 'otpauth'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import t from 'tap'
import { startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { workplace } from '../support/pixelgate.ts'
import { buildPanel, chromiumPath, hasChromium } from './browser.ts'

const password = 'a lantern over the bar'
const log = { debug() {}, info() {}, warn() {}, error() {} }

/** Sessions as a browser meets them: tokens that run out, several tabs, and both kinds of locks between them. */
t.setTimeout(600_000)

if (!hasChromium) {
  t.pass('skipped: /usr/bin/chromium is not installed', { skip: true })
} else {
  buildPanel()
  const place = await workplace(t)
  const app = await startApp(await loadConfig({ env: { ...place.env, PIXELGATE_HTTP_PORT: '0' } }), { log })
  t.teardown(() => app.stop())
  const { port } = new URL(app.http?.url ?? '')
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--host-resolver-rules=MAP pixelgate.local 127.0.0.1',
    ],
  })
  t.teardown(() => browser.close())

  interface Visit {
    readonly context: BrowserContext
    readonly url: string
    /** Statuses of the answers to POST /auth/refresh. */
    readonly refreshes: number[]
    readonly closedSockets: string[]
    tab(): Promise<Page>
  }
  const visit = async (host: string): Promise<Visit> => {
    const context = await browser.newContext({ locale: 'en-GB' })
    context.setDefaultTimeout(60_000)
    t.teardown(() => context.close())
    const [refreshes, closedSockets]: [number[], string[]] = [[], []]
    context.on('page', page => {
      page.on('response', response => {
        if (response.url().endsWith('/auth/refresh')) refreshes.push(response.status())
      })
      page.on('websocket', socket => socket.on('close', () => closedSockets.push(socket.url())))
    })
    const url = `http://${host}:${port}`
    const tab = async () => {
      const page = await context.newPage()
      await page.goto(url)
      return page
    }
    return { context, url, refreshes, closedSockets, tab }
  }
  const enter = async (page: Page) => {
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  const connected = async (page: Page) =>
    page
      .getByText(/^Connected$/)
      .first()
      .waitFor()
  /** Asks for something that needs a session. */
  const openSettings = async (page: Page) => {
    const answered = page.waitForResponse(each => /\/api\/v1\/users(\?|$)/.test(each.url()) && each.ok())
    await page.goto(`${page.url().split('#')[0]}#/settings`)
    await answered
  }

  const first = await visit('127.0.0.1')
  const page = await first.tab()
  await page.getByLabel('Claim code').fill((await app.claimCode()) ?? '')
  await page.getByLabel('Your name').fill('ada')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Claim this gateway' }).click()
  await connected(page)

  t.test('when the access token has run out, it is renewed and nobody notices', async t => {
    const stored = (await first.context.cookies(`${first.url}/api/v1/auth/refresh`)).map(each => each.name)
    t.same(stored.sort(), ['pixelgate_refresh', 'pixelgate_session'])
    t.notMatch(await page.evaluate('document.cookie + JSON.stringify(localStorage)'), /[\w-]{43}/)
    first.refreshes.length = 0
    await first.context.clearCookies({ name: 'pixelgate_session' })
    await openSettings(page)
    t.same(first.refreshes, [200])
    t.same(first.closedSockets, [], 'the connection goes on')
    await first.context.clearCookies({ name: 'pixelgate_session' })
    await page.reload()
    await connected(page)
    t.same(first.refreshes, [200, 200])
  })

  for (const host of ['127.0.0.1', 'pixelgate.local'])
    t.test(`five tabs at ${host} whose token has run out renew it one after the other`, async t => {
      const here = await visit(host)
      const tabs = [await here.tab()]
      await enter(tabs[0] as Page)
      await connected(tabs[0] as Page)
      while (tabs.length < 5) tabs.push(await here.tab())
      for (const each of tabs) await connected(each)
      t.equal(await tabs[0]?.evaluate('navigator.locks !== undefined'), host === '127.0.0.1')
      here.refreshes.length = 0
      for (let round = 0; round < 2; round++) {
        await here.context.clearCookies({ name: 'pixelgate_session' })
        const asked = `Promise.all(Array.from({ length: 4 }, () => fetch('/api/v1/auth/me'))).then(all => all.map(each => each.status))`
        t.same(await tabs[0]?.evaluate(asked), [401, 401, 401, 401], 'the token has really gone')
        await Promise.all(tabs.map(each => each.reload()))
        for (const each of tabs) await connected(each)
      }
      t.ok(here.refreshes.length >= 2 && here.refreshes.every(status => status === 200), `${here.refreshes}`)
      t.comment(`${here.refreshes.length} renewals for 5 tabs, twice`)
    })

  t.test('a tab that was closed while it held the lease holds the others up for its time alone', async t => {
    const here = await visit('pixelgate.local')
    const tab = await here.tab()
    await enter(tab)
    await connected(tab)
    await tab.evaluate(`localStorage.setItem('pixelgate.lease.renewal', 'gone ' + (Date.now() + 3000))`)
    await here.context.clearCookies({ name: 'pixelgate_session' })
    here.refreshes.length = 0
    const began = Date.now()
    await tab.reload()
    await connected(tab)
    t.ok(Date.now() - began > 2000, 'it was waited for')
    t.same(here.refreshes, [200])
  })

  t.test('a session that was ended elsewhere leads to the sign-in page, in words', async t => {
    const ended = await visit('127.0.0.1')
    const tab = await ended.tab()
    await enter(tab)
    await connected(tab)
    ended.refreshes.length = 0
    const end = `fetch('/api/v1/sessions', { method: 'DELETE' }).then(answer => answer.status)`
    t.equal(await page.evaluate(end), 204)
    await tab.getByText('Your session has ended. Sign in again.').waitFor()
    t.same(ended.refreshes, [401])
  })

  t.test('the sign-in page asks for the code of an account that has a second factor', async t => {
    const begun = `fetch('/api/v1/auth/totp', { method: 'POST' }).then(answer => answer.json())`
    const { secret } = (await page.evaluate(begun)) as { secret: string }
    const app = new TOTP({ secret: Secret.fromBase32(secret) })
    const confirm = (code: string) => `fetch('/api/v1/auth/totp/confirm', { method: 'POST',
      headers: { 'content-type': 'application/json' }, body: '{"code":"${code}"}' }).then(answer => answer.json())`
    const { backupCodes } = (await page.evaluate(confirm(app.generate()))) as { backupCodes: string[] }
    const tab = await (await visit('127.0.0.1')).tab()
    t.equal(await tab.getByLabel('Code').count(), 0)
    await enter(tab)
    await tab.getByLabel('Code').fill('AAAA-AAAA-AAAA')
    await tab.getByRole('button', { name: 'Sign in' }).click()
    t.match(await tab.getByRole('alert').textContent(), /code is wrong/)
    await tab.getByLabel('Code').fill(backupCodes[0] ?? '')
    await tab.getByRole('button', { name: 'Sign in' }).click()
    await connected(tab)
  })
}
