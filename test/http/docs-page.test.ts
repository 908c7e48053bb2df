import t from 'tap'
import { hasChromium, launch } from '../panel/browser.ts'
import { world } from './walk/world.ts'

const timeout = 30_000

t.test(
  'the page at /docs shows every operation and makes a call for who is signed in',
  { skip: !hasChromium && 'needs chromium' },
  async t => {
    const made = await world(t)
    const browser = await launch()
    t.teardown(() => browser.close())
    // Only what is in sight is drawn.
    const context = await browser.newContext({ viewport: { width: 1200, height: 16_000 } })
    const { hostname: domain } = new URL(made.url)
    const value = made.tokens['admin'] ?? ''
    await context.addCookies([
      { name: 'pixelgate_session', value, domain, path: '/', httpOnly: true, sameSite: 'Strict' },
    ])
    const page = await context.newPage()
    const faults: string[] = []
    page.on('console', message => void (message.type() === 'error' && faults.push(message.text())))
    page.on('pageerror', error => faults.push(error.message))
    await page.goto(`${made.url}/docs`)
    await page.waitForSelector('.opblock-tag', { timeout })
    const { json } = await made.call('GET', '/openapi.json')
    const count = Object.values<object>(json.paths).reduce((sum, at) => sum + Object.keys(at).length, 0)
    await page
      .locator('.opblock')
      .nth(count - 1)
      .waitFor({ timeout })
    t.equal(await page.locator('.opblock').count(), count)

    const me = page.locator('#operations-auth-getMe')
    await me.locator('.opblock-summary-control').click()
    await me.locator('button.execute').click({ timeout })
    const answer = me.locator('.live-responses-table .microlight').first()
    await answer.waitFor({ timeout })
    t.match(await answer.textContent(), /"name": "ada"/)
    t.same(faults, [], 'nothing that the policy of the page forbids')
  },
)

t.test('the files of the page are there for everybody, and nothing else of the package is', async t => {
  const made = await world(t)
  for (const [path, type] of [
    ['/docs', /text\/html/],
    ['/docs/', /text\/html/],
    ['/docs/swagger-ui-bundle.js', /javascript/],
    ['/docs/swagger-ui.css', /css/],
    ['/docs/docs.js', /javascript/],
  ] as const) {
    const answer = await made.send('GET', path)
    t.match(
      answer,
      { status: 200, headers: { 'content-type': type, 'content-security-policy': /script-src 'self'/ } },
      path,
    )
    t.notMatch(answer.headers['content-security-policy'], /unsafe-inline/)
  }
  const { headers } = await made.send('GET', '/docs/swagger-ui.css')
  const again = { 'if-none-match': String(headers['etag']) }
  t.equal((await made.send('GET', '/docs/swagger-ui.css', { headers: again })).status, 304)
  for (const path of [
    '/docs/package.json',
    '/docs/index.html',
    '/docs/swagger-initializer.js',
    '/docs/docs.js/x',
  ])
    t.equal((await made.send('GET', path, { token: made.tokens['admin'] })).status, 404, path)
})
