import { mkdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { Secret, TOTP } from 'otpauth'
import type { BrowserContext, Locator, Page } from 'playwright-core'
import t from 'tap'
import { scopeFault } from '../../src/account/scopes.ts'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { boardId } from '../../src/kernel/ids.ts'
import { scopePresets } from '../../src/panel/model/scopes.ts'
import { openStore } from '../../src/store/store.ts'
import { eventually, startBoard, type Workplace, workplace } from '../support/pixelgate.ts'
import { axeFindings, buildPanel, hasChromium, launch } from './browser.ts'

const password = 'a lantern over the bar'
const another = 'four herons near a weir'
const uuid = 'aaaaaaaa-0000-4000-8000-00000000000a'
const log = { debug() {}, info() {}, warn() {}, error() {} }

/** Of an img element. */
interface Picture {
  readonly complete: boolean
  decode(): Promise<void>
}

/** Accounts, alerts, audit and guests as people meet them. */
t.setTimeout(600_000)

if (!hasChromium) {
  t.pass('skipped: /usr/bin/chromium is not installed', { skip: true })
} else {
  buildPanel()
  const browser = await launch()
  t.teardown(() => browser.close())
  const faults: string[] = []
  const visitor = async (options: Parameters<typeof browser.newContext>[0] = {}): Promise<BrowserContext> => {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      locale: 'en-GB',
      ...options,
    })
    t.teardown(() => context.close())
    context.setDefaultTimeout(60_000)
    context.on('page', page => {
      page.on('pageerror', error => faults.push(error.message))
      page.on('response', answer => {
        const isRead = answer.request().method() === 'GET'
        if (isRead && answer.status() >= 400 && answer.status() !== 401)
          faults.push(`${answer.status()} ${answer.url()}`)
      })
      page.on('console', message => {
        if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text())
      })
    })
    return context
  }
  const start = async (place: Workplace, config: object): Promise<App> => {
    const file = await place.file('config.json', JSON.stringify(config))
    const app = await startApp(await loadConfig({ file, env: { ...place.env, PIXELGATE_HTTP_PORT: '0' } }), {
      log,
    })
    t.teardown(() => app.stop())
    return app
  }

  const place = await workplace(t)
  const stateDir = place.env['PIXELGATE_STATE_DIR'] ?? ''
  await mkdir(stateDir, { recursive: true })
  const store = await openStore(join(stateDir, 'gateway.db'), { clock: systemClock })
  const hourAgoMs = Date.now() - 3_600_000
  await store.alerts.put(
    {
      ...{ id: '01900000-0000-7000-8000-000000000001', code: 'backup_overdue', subject: 'backup' },
      ...{ severity: 'WARNING', message: 'No backup for two days: see the folder of the backups.' },
      ...{ raisedMs: hourAgoMs, clearedMs: hourAgoMs + 60_000, acknowledgedMs: null, acknowledgedBy: null },
    },
    [],
  )
  await store.close()
  const app = await start(place, {})
  const url = (app.http?.url ?? '').replace(/\/$/, '')
  const context = await visitor({ permissions: ['clipboard-read', 'clipboard-write'] })
  const page = await context.newPage()
  const visit = async (on: Page, name: string, from = url) => {
    await on.goto(`${from}/#/${name}`)
    await on.locator('h1').first().waitFor()
  }
  const enter = async (on: Page, name: string, words: string) => {
    await on.getByLabel('Name').fill(name)
    await on.getByLabel('Password').fill(words)
    await on.getByRole('button', { name: 'Sign in' }).click()
  }
  const boardsPage = (on: Page) => on.getByRole('heading', { name: 'Boards', exact: true }).waitFor()
  /** Its picture is one that the browser can draw. */
  const isDrawn = (within: Locator): Promise<boolean> =>
    within
      .getByRole('img')
      .evaluate((each: unknown) => (each as Picture).decode().then(() => (each as Picture).complete))
  /** The settings ask for their lists when they are opened. */
  const openSettings = async () => {
    await visit(page, 'boards')
    await visit(page, 'settings')
  }
  const section = (name: string) =>
    page.locator('section.card').filter({ has: page.getByRole('heading', { name, exact: true }) })

  await page.goto(url)
  await page.getByLabel('Claim code').fill((await app.claimCode()) ?? '')
  await page.getByLabel('Your name').fill('ada')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Claim this gateway' }).click()
  await boardsPage(page)
  let link = ''

  t.test('an admin invites somebody with a link that is shown once', async t => {
    await openSettings()
    await section('Invitations').getByText('None is open').waitFor()
    await page.getByRole('button', { name: 'Invite somebody' }).click()
    const asked = page.getByRole('dialog', { name: 'Invite somebody' })
    await asked.getByLabel('Role').selectOption('operator')
    await asked.getByLabel('The link holds for').selectOption('1')
    await asked.getByLabel('Note').fill('for the light desk')
    t.same(await axeFindings(page), [])
    await asked.getByRole('button', { name: 'Make the link' }).click()
    const told = page.getByRole('dialog', { name: 'Send this link' })
    link = (await told.locator('.secret').textContent()) ?? ''
    t.match(link, new RegExp(`^${url}/#/invite/[\\w-]{43}$`))
    t.ok(await isDrawn(told), 'the code to be scanned is a picture')
    await told.getByRole('button', { name: 'Copy the link' }).click()
    t.equal(await page.evaluate('navigator.clipboard.readText()'), link)
    t.same(await axeFindings(page), [])
    await told.getByRole('button', { name: 'I have it' }).click()
    await section('Invitations').getByText('for the light desk').waitFor()
    await section('Invitations').getByText('as operator, by ada, ends in 1 h').waitFor()
    t.notOk((await page.content()).includes(link.split('/').at(-1) ?? link), 'it is nowhere any more')
  })

  t.test('an invitation that is taken back leads nowhere', async t => {
    await page.getByRole('button', { name: 'Invite somebody' }).click()
    await page.getByRole('dialog').getByLabel('Note').fill('by mistake')
    await page.getByRole('dialog').getByRole('button', { name: 'Make the link' }).click()
    const lost = (await page.getByRole('dialog').locator('.secret').textContent()) ?? ''
    await page.getByRole('button', { name: 'I have it' }).click()
    await page.getByRole('button', { name: 'Take back: by mistake' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click()
    await section('Invitations').getByText('by mistake').waitFor({ state: 'detached' })
    const stranger = await (await visitor()).newPage()
    await stranger.goto(lost)
    await stranger.getByRole('heading', { name: 'This invitation is over' }).waitFor()
    t.match(await stranger.getByRole('alert').textContent(), /Ask for a new one/)
    t.same(await axeFindings(stranger), [])
    await stranger.getByRole('button', { name: 'I have an account' }).click()
    await stranger.getByRole('heading', { name: 'Sign in' }).waitFor()
    await stranger.context().close()
  })

  const guest = await visitor({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
  const phone = await guest.newPage()

  t.test('whoever opens the link makes an account and is in, and the link is used up', async t => {
    await phone.goto(link)
    await phone.getByText('ada invites you as operator').waitFor()
    t.same(await axeFindings(phone), [])
    await phone.getByLabel('Your name').fill('ADA')
    await phone.getByLabel('Password').fill('password123')
    await phone.getByRole('button', { name: 'Make my account' }).click()
    t.match(await phone.getByRole('alert').textContent(), /password|taken/i, 'said in words')
    await phone.getByLabel('Your name').fill('grace')
    await phone.getByLabel('Password').fill(another)
    await phone.getByRole('button', { name: 'Make my account' }).click()
    await boardsPage(phone)
    t.match(phone.url(), /#\/boards$/)
    await phone.goBack().catch(() => null)
    t.notMatch(phone.url(), /invite/, 'Back does not lead to it')
    await openSettings()
    await section('Invitations').getByText('for the light desk').waitFor({ state: 'detached' })
    await section('People').getByText('grace').waitFor()
    await page.goto(link)
    await page.getByRole('heading', { name: 'You have an account already' }).waitFor()
    t.same(await axeFindings(page), [])
    await page.getByRole('button', { name: 'Go to the boards' }).click()
    await boardsPage(page)
  })

  t.test('sessions are told apart in words, and one is ended from another', async t => {
    await visit(phone, 'boards', url)
    const other = await (await visitor()).newPage()
    await other.goto(url)
    await enter(other, 'ada', password)
    await boardsPage(other)
    await openSettings()
    const card = section('Where you are signed in')
    await card.getByText('Chrome on Linux').nth(1).waitFor()
    t.equal(await card.getByText('this one').count(), 1)
    await card.getByRole('button', { name: 'Sign out Chrome on Linux, 127.0.0.1' }).click()
    await other.getByText('Your session has ended. Sign in again.').waitFor()
    await eventually(async () => (await card.getByRole('listitem').count()) === 1, 'one session')
    t.equal(await card.getByRole('button', { name: 'Sign out all others' }).count(), 0)
    await other.context().close()
  })

  t.test('the second factor is set up with ten codes that are kept, renewed and switched off', async t => {
    const card = section('Second factor')
    await card.getByText('Off', { exact: true }).waitFor()
    await card.getByRole('button', { name: 'Set it up' }).click()
    const setUp = page.getByRole('dialog', { name: 'Set up the second factor' })
    const secret = (await setUp.locator('.secret').textContent()) ?? ''
    t.ok(await isDrawn(setUp))
    t.same(await axeFindings(page), [])
    const field = setUp.getByLabel('Code that the app shows now')
    t.equal(await field.getAttribute('autocomplete'), 'one-time-code')
    await field.fill('000000')
    await setUp.getByRole('button', { name: 'Switch it on' }).click()
    t.match(await setUp.getByRole('alert').textContent(), /another code/)
    await field.fill(new TOTP({ secret: Secret.fromBase32(secret) }).generate())
    await setUp.getByRole('button', { name: 'Switch it on' }).click()
    const codes = page.getByRole('dialog', { name: 'Keep these backup codes' })
    await codes.waitFor()
    const first = await codes.getByRole('listitem').allTextContents()
    t.equal(new Set(first).size, 10)
    t.same(await axeFindings(page), [])
    const done = codes.getByRole('button', { name: 'Done' })
    t.equal(await done.isDisabled(), true, 'only who has kept them goes on')
    const saving = page.waitForEvent('download')
    await codes.getByRole('link', { name: 'Download as text' }).click()
    const chunks: Buffer[] = []
    for await (const chunk of await (await saving).createReadStream()) chunks.push(chunk as Buffer)
    for (const code of first) t.ok(Buffer.concat(chunks).toString().includes(code))
    await codes.getByLabel('I have kept them').check()
    await done.click()
    await card.getByText('On', { exact: true }).waitFor()

    await card.getByRole('button', { name: 'New backup codes' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Make new ones' }).click()
    await codes.waitFor()
    const second = await codes.getByRole('listitem').allTextContents()
    t.same(
      second.filter(code => first.includes(code)),
      [],
    )
    await page.keyboard.press('Escape')
    await card.getByRole('button', { name: 'Switch it off' }).click()
    const off = page.getByRole('dialog', { name: 'Switch the second factor off' })
    await off.getByLabel('Your password').fill('not the password')
    await off.getByRole('button', { name: 'Switch it off' }).click()
    await off.getByRole('alert').waitFor()
    t.same(await axeFindings(page), [])
    await off.getByLabel('Your password').fill(password)
    await off.getByRole('button', { name: 'Switch it off' }).click()
    await card.getByText('Off', { exact: true }).waitFor()
  })

  t.test('the password is changed by who knows the old one', async t => {
    await section('Password').getByRole('button', { name: 'Change it' }).click()
    const dialog = page.getByRole('dialog', { name: 'Change your password' })
    await dialog.getByLabel('Your password until now').fill('not the password')
    await dialog.getByLabel('New password').fill(another)
    await dialog.getByRole('button', { name: 'Change it' }).click()
    t.match(await dialog.getByRole('alert').textContent(), /password/i)
    await dialog.getByLabel('Your password until now').fill(password)
    await dialog.getByRole('button', { name: 'Change it' }).click()
    await page.getByText('Your password is changed.').waitFor()
    await dialog.waitFor({ state: 'detached' })
  })

  t.test('what is offered for tokens is what the API has', async t => {
    const tags = new Set(app.operations.map(({ tag }) => tag))
    for (const scope of Object.values(scopePresets).flat()) t.equal(scopeFault(scope, tags), undefined, scope)
  })

  t.test('a token does what its scopes say until it is revoked', async t => {
    const asked = async (path: string, token: string) =>
      (await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } })).status
    await page.getByRole('button', { name: 'Make a token' }).click()
    const dialog = page.getByRole('dialog', { name: 'Make an API token' })
    await dialog.getByLabel('What it is for').fill('night light')
    await dialog.getByLabel('It may').selectOption('own')
    await dialog.getByLabel('Scopes').fill('boards:read nonsense:read')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    t.match(await dialog.getByRole('alert').textContent(), /nonsense/)
    t.same(await axeFindings(page), [])
    await dialog.getByLabel('It may').selectOption('play')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    const told = page.getByRole('dialog', { name: 'Note it now' })
    const secret = (await told.locator('.secret').textContent()) ?? ''
    t.match(secret, /^pgt_/)
    t.same([await asked('/boards', secret), await asked('/alerts', secret)], [200, 403])
    await told.getByRole('button', { name: 'I have it' }).click()
    await section('API tokens').getByText('boards:write, patterns:read').waitFor()
    await page.getByRole('button', { name: 'Revoke night light' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await section('API tokens').getByText('night light', { exact: true }).waitFor({ state: 'detached' })
    t.equal(await asked('/boards', secret), 401)
    t.equal(await page.getByRole('link', { name: 'documentation of the API' }).getAttribute('href'), '/docs')
    t.equal((await fetch(`${url}/docs`)).status, 200)
  })

  /** Wrong passwords from another address, so that this one is not slowed. */
  const guess = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify({ name: 'nobody', password: 'guessed at random' })
      const headers = { 'content-type': 'application/json', 'content-length': body.length }
      request(`${url}/api/v1/auth/sign-in`, { method: 'POST', localAddress: '127.0.0.9', headers }, answer =>
        answer.resume().once('end', resolve),
      )
        .once('error', reject)
        .end(body)
    })

  t.test('alerts ring at the bell while one looks, and rest when somebody has seen them', async t => {
    await visit(page, 'boards')
    await visit(phone, 'boards')
    await page.getByRole('link', { name: 'Alerts', exact: true }).waitFor()
    for (let tries = 0; tries < 65; tries++) await guess()
    await page.getByRole('link', { name: 'Alerts, 1 new one' }).waitFor()
    await page.reload()
    await page.getByRole('link', { name: 'Alerts, 1 new one' }).waitFor()
    const banner = page.getByRole('alert', { name: 'Critical alert' })
    t.match(await banner.textContent(), /tries to sign in failed/)
    t.same(await axeFindings(page), [])
    t.same(await axeFindings(phone), [])
    await banner.getByRole('link', { name: 'Look' }).click()
    const open = page.getByRole('list', { name: 'Open alerts' })
    await open.getByText('Critical').waitFor()
    await page
      .getByRole('list', { name: 'Alerts that are over' })
      .getByText(/No backup for two days/)
      .waitFor()
    t.same(await axeFindings(page), [])
    await open.getByRole('button', { name: 'Acknowledge' }).click()
    await open.getByText('Seen by ada').waitFor()
    await page.getByRole('link', { name: 'Alerts', exact: true }).waitFor()
    await phone.getByRole('link', { name: 'Alerts', exact: true }).waitFor()
    t.equal(await phone.getByRole('alert', { name: 'Critical alert' }).count(), 0, 'everywhere at once')
  })

  t.test('an admin makes somebody less, switches them off and removes them', async t => {
    await openSettings()
    await page.getByRole('button', { name: 'Change grace' }).click()
    await visit(phone, 'settings')
    await phone.getByText('Signed in as grace, operator').waitFor()
    const dialog = page.getByRole('dialog', { name: 'grace' })
    t.equal(await dialog.getByRole('button', { name: 'Save' }).isDisabled(), true)
    await dialog.getByLabel('Role').selectOption('viewer')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await section('People').getByText('viewer, added').waitFor()
    await phone.getByText('Signed in as grace, viewer').waitFor()
    await phone.getByRole('status').getByText('Connected', { exact: true }).waitFor()
    t.equal(await phone.getByRole('heading', { name: 'Serial ports' }).count(), 0, 'the new role holds')
    await page.getByRole('button', { name: 'Change grace' }).click()
    await dialog.getByLabel('Switched off').check()
    t.same(await axeFindings(page), [])
    await dialog.getByRole('button', { name: 'Save' }).click()
    await section('People').getByText('switched off').waitFor()
    await phone.getByText('Your session has ended').waitFor()
    await page.getByRole('button', { name: 'Change grace' }).click()
    await dialog.getByRole('button', { name: 'Remove the account' }).click()
    await page.getByRole('dialog', { name: 'Remove grace?' }).getByRole('button', { name: 'Remove' }).click()
    await section('People').getByText('grace', { exact: true }).waitFor({ state: 'detached' })
    t.equal(await page.getByRole('button', { name: 'Change ada' }).count(), 0, 'not oneself')
  })

  t.test('the audit page says who did what, filtered and page by page', async t => {
    const done = await page.evaluate(`(async () => {
      const statuses = []
      for (let at = 0; at < 55; at++) statuses.push((await fetch('/api/v1/users/ada', { method: 'PATCH',
        headers: { 'content-type': 'application/json' }, body: '{"role":"admin"}' })).status)
      return statuses.filter(status => status === 200).length
    })()`)
    t.equal(done, 55)
    await visit(page, 'audit')
    const entries = page.getByRole('list', { name: 'Entries' }).locator(':scope > li')
    await entries.first().waitFor()
    t.equal(await entries.count(), 50)
    t.same(await axeFindings(page), [])
    await page.getByRole('button', { name: 'Show older ones' }).click()
    await eventually(async () => (await entries.count()) > 55, 'the next page')
    const lines = await entries.locator('summary').allTextContents()
    t.ok(lines.some(line => /Acknowledge alert/.test(line)))
    await page.getByLabel('On what').fill('users/grace')
    await page.getByLabel('Action').fill('changeUser')
    await eventually(async () => (await entries.count()) === 2, 'two changes')
    await entries.first().locator('summary').click()
    const changes = entries.first().getByRole('table')
    t.match(await changes.textContent(), /disabledfalsetrue/)
    t.same(await axeFindings(page), [])
    t.notMatch(await page.content(), /herons/, 'no password is in it')
    await page.getByRole('button', { name: 'Show all' }).click()
    await eventually(async () => (await entries.count()) === 50, 'all of them')
    await entries.first().locator('summary').click()
    await entries.first().getByRole('button', { name: 'Only this thing' }).click()
    t.equal(await page.getByLabel('On what').inputValue(), 'users/ada')
    await page.getByRole('button', { name: 'Show all' }).click()
    await page.getByLabel('Outcome').selectOption('wrong_password')
    await page.getByLabel('Since').selectOption('hour')
    await eventually(async () => {
      const outcomes = await entries.locator('summary .badge').allTextContents()
      return outcomes.length > 0 && outcomes.every(each => each === 'wrong password')
    }, 'wrong passwords alone')
    await page.getByLabel('Who').fill('nobody at all')
    await page.getByText('Nothing fits.').waitFor()
  })

  t.test('who guesses is told how long to wait', async t => {
    const stranger = await (await visitor()).newPage()
    await stranger.goto(url)
    const button = stranger.locator('button[type=submit]')
    for (let tries = 0; tries < 6; tries++) {
      await enter(stranger, 'nobody', `guess number ${tries}`).catch(() => null)
      await eventually(async () => (await button.textContent()) !== 'One moment …', 'an answer')
      if (/^Wait/.test((await button.textContent()) ?? '')) break
    }
    t.match(await button.textContent(), /^Wait \d+ s$/)
    t.equal(await button.isDisabled(), true)
    const before = Number(/\d+/.exec((await button.textContent()) ?? ''))
    await eventually(async () => Number(/\d+/.exec((await button.textContent()) ?? '')) < before, 'a second')
    t.same(await axeFindings(stranger), [])
    await stranger.context().close()
  })

  t.test('the pages are for everybody, light and dark, down to 360 px', async t => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const small = await visitor({
        storageState: await context.storageState(),
        viewport: { width: 360, height: 740 },
        colorScheme,
      })
      const tab = await small.newPage()
      await page.emulateMedia({ colorScheme })
      for (const [name, shown] of [
        ['settings', 'People'],
        ['alerts', 'What is over'],
        ['audit', 'Audit'],
      ] as const)
        for (const on of [tab, page]) {
          await visit(on, name)
          await on.getByRole('heading', { name: shown, exact: true }).waitFor()
          await on.waitForTimeout(150)
          t.same(await axeFindings(on), [], `${name}, ${colorScheme}`)
          t.ok(Number(await tab.evaluate('document.documentElement.scrollWidth')) <= 360, `${name} fits`)
        }
      await small.close()
    }
  })

  t.test('a guest sees the boards and nothing that is not for guests', async t => {
    const open = await workplace(t)
    const { path } = await startBoard(t, open, { tcp: '0', leds: '8x8', uuid, name: 'Shop window' })
    const links = [{ kind: 'tcp', host: '127.0.0.1', port: Number(path.split(':').at(-1)) }]
    const shop = await start(open, { links, http: { guest: 'view' } })
    const from = (shop.http?.url ?? '').replace(/\/$/, '')
    await eventually(() => shop.core.registry.session(boardId(uuid)) && true, 'the board')
    const stranger = await (await visitor()).newPage()
    await stranger.goto(from)
    await stranger.getByRole('heading', { name: 'This gateway is new' }).waitFor()
    await stranger.getByLabel('Claim code').fill((await shop.claimCode()) ?? '')
    await stranger.getByLabel('Your name').fill('ada')
    await stranger.getByLabel('Password').fill(password)
    await stranger.getByRole('button', { name: 'Claim this gateway' }).click()
    await boardsPage(stranger)

    const asked: string[] = []
    const looking = await visitor()
    const guest = await looking.newPage()
    guest.on('response', answer => {
      if (answer.status() >= 400 && !/\/auth\/(me|refresh)$/.test(answer.url()))
        asked.push(`${answer.status()} ${answer.url()}`)
    })
    await guest.goto(`${from}/#/settings`)
    const tile = guest.getByRole('article', { name: 'Shop window' })
    await tile.waitFor()
    await guest.getByRole('status').getByText('Connected', { exact: true }).waitFor()
    const buttons = await guest
      .getByRole('button')
      .evaluateAll((all: readonly unknown[]) =>
        all.map(
          each =>
            (each as { title: string; textContent: string }).title ||
            (each as { textContent: string }).textContent,
        ),
      )
    t.same(buttons, ['Dark colours', 'Sign in'], 'no button that would not work')
    t.equal(await guest.getByRole('slider').count(), 0)
    t.equal(await guest.getByRole('link').count(), 0)
    for (const colorScheme of ['light', 'dark'] as const) {
      await guest.emulateMedia({ colorScheme })
      await guest.waitForTimeout(150)
      t.same(await axeFindings(guest), [], colorScheme)
    }
    await shop.core.book.change(boardId(uuid), { name: 'Front window' })
    await guest.getByRole('article', { name: 'Front window' }).waitFor()
    t.same(asked, [], 'it asks for nothing that guests are refused')
    await guest.getByRole('button', { name: 'Sign in' }).click()
    await enter(guest, 'ada', password)
    await guest.getByRole('heading', { name: 'Settings' }).waitFor()
  })

  t.test('no page had a fault of its own', async t => {
    t.same(faults, [])
  })
}
