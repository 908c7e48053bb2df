import { readFileSync } from 'node:fs'
import type { BrowserContext, Page } from 'playwright-core'
import t from 'tap'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { boardId } from '../../src/kernel/ids.ts'
import { eventually, startBoard, workplace } from '../support/pixelgate.ts'
import { axeFindings, buildPanel, firstLoadBytes, hasChromium, launch } from './browser.ts'

/** The promise of the panel, gzip. */
const maxFirstLoadBytes = 90 * 1024
const uuidA = 'aaaaaaaa-0000-4000-8000-00000000000a'
const uuidB = 'bbbbbbbb-0000-4000-8000-00000000000b'
const password = 'a lantern over the bar'
const sample = (name: string) => new URL(`../../samples/${name}`, import.meta.url).pathname
const log = { debug() {}, info() {}, warn() {}, error() {} }

/** A whole gateway, a browser and every page of the panel. */
t.setTimeout(600_000)

if (!hasChromium) {
  t.pass('skipped: /usr/bin/chromium is not installed', { skip: true })
} else {
  buildPanel()
  const place = await workplace(t)
  const boards = [
    await startBoard(t, place, { tcp: '0', leds: '16x16', uuid: uuidA, name: 'Bar front' }),
    // Slow enough to be watched.
    await startBoard(t, place, {
      tcp: '0',
      leds: '12x6',
      uuid: uuidB,
      name: 'Small sign',
      fault: ['slow-flash=60'],
    }),
  ]
  const links = boards.map(({ path }) => ({
    kind: 'tcp',
    host: '127.0.0.1',
    port: Number(path.split(':').at(-1)),
  }))
  const gpio = { enabled: true, backend: 'memory', buttons: [{ name: 'stage', line: 17, action: 'stop' }] }
  const file = await place.file('config.json', JSON.stringify({ links, gpio }))
  const start = async (port = '0'): Promise<App> =>
    startApp(await loadConfig({ file, env: { ...place.env, PIXELGATE_HTTP_PORT: port } }), { log })
  let app = await start()
  t.teardown(() => app.stop())
  const url = app.http?.url ?? ''
  const browser = await launch()
  t.teardown(() => browser.close())

  /** Faults that no person sees: exceptions, and what the security policy has stopped. */
  const faults: string[] = []
  const elsewhere: string[] = []
  const visitor = async (options: Parameters<typeof browser.newContext>[0] = {}): Promise<BrowserContext> => {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 860 },
      locale: 'en-GB',
      ...options,
    })
    context.setDefaultTimeout(60_000)
    context.on('page', page => {
      page.on('pageerror', error => faults.push(error.message))
      page.on('console', message => {
        if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text())
      })
      page.on('request', request => {
        if (!request.url().startsWith(url)) elsewhere.push(request.url())
      })
    })
    return context
  }
  const context = await visitor()
  const page = await context.newPage()
  const visit = async (on: Page, name: string) => {
    await on.goto(`${url.replace(/\/$/, '')}/#/${name}`)
    await on.locator('h1').first().waitFor()
  }
  const connected = () =>
    eventually(
      () => app.core.registry.session(boardId(uuidA)) && app.core.registry.session(boardId(uuidB)) && true,
      'both boards',
    )
  await connected()

  t.test('the first load is light', async t => {
    const bytes = firstLoadBytes()
    t.comment(`${bytes} bytes gzip`)
    t.ok(bytes <= maxFirstLoadBytes, `${bytes} bytes`)
  })

  t.test('the first person claims the gateway with the code of its console', async t => {
    await page.goto(url)
    await page.getByRole('heading', { name: 'This gateway is new' }).waitFor()
    t.same(await axeFindings(page), [])
    await page.getByLabel('Claim code').fill('AAAAA-AAAAA')
    await page.getByLabel('Your name').fill('admin')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Claim this gateway' }).click()
    t.match(await page.getByRole('alert').textContent(), /code/i, 'a wrong code is said in words')
    await page.getByLabel('Claim code').fill((await app.claimCode()) ?? '')
    await page.getByRole('button', { name: 'Claim this gateway' }).click()
    await page.getByRole('heading', { name: 'Boards', exact: true }).waitFor()
    t.equal(await app.claimCode(), undefined)
    await page
      .getByText(/^Connected$/)
      .first()
      .waitFor()
    t.match(await page.getByText(/^\d+ ms$/).textContent(), /\d/, 'with the way there and back')
    await page.getByRole('article', { name: 'Bar front' }).waitFor()
    await page.getByRole('article', { name: 'Small sign' }).waitFor()
  })

  t.test('a file becomes a picture, goes to the board that it fits, and is verified', async t => {
    await visit(page, 'upload')
    await page.getByLabel('Pattern file').setInputFiles(sample('lantern.leds'))
    await page.getByRole('heading', { name: 'lantern.leds' }).waitFor()
    t.equal(
      await page.getByRole('checkbox', { name: /Bar front/ }).isChecked(),
      true,
      'the only one that it fits',
    )
    t.match(await page.getByText(/the board 12 × 6/).textContent(), /16 × 16/)
    t.same(await axeFindings(page), [])
    await page.getByRole('button', { name: 'Send to 1 board' }).click()
    const card = page.getByRole('article', { name: 'Upload of lantern.leds to Bar front' })
    await card.getByText('Verified: the board holds').waitFor()
    const [job] = (await app.core.uploads.jobs({ limit: 1 })).jobs
    const { digest } = await app.core.uploads.report(job?.id ?? ('' as never))
    t.equal(await card.locator('.verified code').getAttribute('title'), digest.value)
    t.same(await axeFindings(page), [])
    t.equal((await boards[0]?.playing())?.length, 32, 'the board plays')
  })

  t.test('a file that does not fit fails in words that say what to do', async t => {
    await page.getByRole('checkbox', { name: /Bar front/ }).uncheck()
    t.equal(await page.getByRole('button', { name: 'Send to 0 boards' }).isDisabled(), true)
    await page.getByRole('checkbox', { name: /Small sign/ }).check()
    await page.getByRole('button', { name: 'Send to 1 board' }).click()
    const words = await page.getByRole('alert').first().textContent()
    t.match(words, /16×16, the board 12×6/)
    t.match(words, /another reading or another board/)
  })

  t.test('what an upload would refuse is said before it is sent, with what would make it fit', async t => {
    await app.core.book.change(boardId(uuidA), { powerCapMa: 300 })
    const [{ id } = { id: '' }] = (await app.core.uploads.patterns({ limit: 1 })).patterns
    await visit(page, 'boards')
    await visit(page, `upload/${id}`)
    const choice = page.locator('.choice', { hasText: 'Bar front' })
    await choice.getByText(/is limited to 0\.30 A\..*brightness \d+ of 255 fits/).waitFor()
    await page.getByRole('checkbox', { name: /Dim it to fit/ }).check()
    await choice.getByText(/is limited to/).waitFor({ state: 'detached' })
    t.equal(await choice.getByText(/is limited to/).count(), 0, 'dimmed it fits')
    await app.core.book.change(boardId(uuidA), { powerCapMa: null })
  })

  t.test('a file that is no pattern is refused with its reason', async t => {
    await visit(page, 'upload')
    const nothing = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no lights here') }
    await page.getByLabel('Pattern file').setInputFiles(nothing)
    const refused = page.getByRole('alert')
    t.match(await refused.textContent(), /notes\.txt was not taken/)
    await refused.getByRole('button', { name: 'Dismiss' }).click()
    t.equal(await refused.count(), 0)
    t.equal(
      await page.getByRole('link', { name: /lantern\.leds/ }).count(),
      1,
      'the stored one may be sent again',
    )
  })

  t.test('a file may be dropped anywhere', async t => {
    await visit(page, 'boards')
    const bytes = readFileSync(sample('comet.gif')).toString('base64')
    await page.evaluate(`{
      const files = new DataTransfer()
      files.items.add(new File([Uint8Array.from(atob('${bytes}'), c => c.charCodeAt(0))], 'comet.gif'))
      for (const type of ['dragenter', 'dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: files }))
    }`)
    await page.getByRole('heading', { name: 'comet.gif' }).waitFor()
    t.match(page.url(), /#\/upload\/[0-9a-f-]{36}$/)
    await page.getByText('scaled to 12 × 6').waitFor()
    t.same(await axeFindings(page), [])
  })

  t.test('an upload is seen with its bytes and blocks, paused, resumed and verified', async t => {
    await page.getByRole('checkbox', { name: /Small sign/ }).check()
    await page.getByRole('button', { name: 'Send to 1 board' }).click()
    const card = page.getByRole('article', { name: 'Upload of comet.gif to Small sign' })
    await card.getByText(/^[\d.]+ k?B of [\d.]+ kB$/).waitFor()
    await card.getByText(/^\d+ of \d+ blocks$/).waitFor()
    await card.getByRole('button', { name: 'Pause the upload of comet.gif' }).click()
    await card.getByText('Paused', { exact: true }).waitFor()
    await visit(page, 'boards')
    const small = page.getByRole('article', { name: 'Small sign' })
    const bar = small.getByRole('progressbar', { name: 'Upload of comet.gif' })
    await bar.waitFor()
    t.ok(Number(await bar.getAttribute('aria-valuenow')) < 100, 'the tile shows how far it is')
    t.same(await axeFindings(page), [])
    await small.getByRole('link', { name: /^Paused: comet\.gif/ }).click()
    await page.getByRole('button', { name: 'Resume the upload of comet.gif' }).click()
    await page.getByText('Verified: the board holds').waitFor()
    await page.getByText('resumed', { exact: true }).waitFor()
  })

  t.test('a tile plays what its board plays, and only while it may move', async t => {
    await visit(page, 'boards')
    const tile = page.getByRole('article', { name: 'Bar front' })
    await tile.getByRole('img', { name: 'Bar front plays lantern.leds' }).waitFor()
    await tile.getByText('lantern.leds').first().waitFor()
    const picture = (on: Page): Promise<string> =>
      on.evaluate('document.querySelector("article[aria-label=\\"Bar front\\"] canvas").toDataURL()')
    const light = (on: Page): Promise<number> =>
      on.evaluate(`(() => {
        const c = document.querySelector('article[aria-label="Bar front"] canvas')
        if (c === null) return 0
        return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.reduce((sum, v, at) => sum + (at % 4 < 3 ? v : 0), 0)
      })()`)
    const first = await eventually(
      async () => (await light(page)) > 3_000_000 && (await picture(page)),
      'the lantern',
    )
    await eventually(async () => (await picture(page)) !== first, 'another frame')
    const still = await visitor({ storageState: await context.storageState(), reducedMotion: 'reduce' })
    const quiet = await still.newPage()
    await visit(quiet, 'boards')
    await eventually(async () => (await light(quiet)) > 3_000_000, 'the lantern')
    const before = await picture(quiet)
    await quiet.waitForTimeout(400)
    t.equal(await picture(quiet), before, 'who wants no motion sees a still picture')
    await still.close()

    await tile.getByRole('button', { name: 'Stop' }).click()
    await tile.getByText('lantern.leds (stopped)').waitFor()
    await eventually(async () => (await light(page)) < 3_000_000, 'dark LEDs')
    await tile.getByRole('button', { name: 'Play', exact: true }).click()
    await tile.getByRole('button', { name: 'Stop' }).waitFor()
    await tile.getByRole('slider').fill('64')
    await eventually(
      async () => (await app.core.views.find(uuidA)).status?.brightness === 64,
      'the brightness on the board',
    )
    await tile.getByRole('button', { name: 'Identify' }).click()
    await tile.locator('.identifying').waitFor()
  })

  t.test('a board is renamed in place and set up in its dialog', async t => {
    const tile = page.getByRole('article', { name: 'Small sign' })
    await tile.getByRole('button', { name: 'Small sign', exact: true }).click()
    await tile.getByLabel('New name of Small sign').fill('Door sign')
    await page.keyboard.press('Enter')
    const renamed = page.getByRole('article', { name: 'Door sign' })
    await renamed.waitFor()
    const opener = renamed.getByRole('button', { name: 'Settings of Door sign' })
    await opener.click()
    const dialog = page.getByRole('dialog', { name: 'Settings of Door sign' })
    t.same(await axeFindings(page), [])
    await dialog.getByLabel('First LED').selectOption('bl')
    await dialog.getByLabel('Colour order').selectOption('BRG')
    await dialog.getByLabel('Power cap, mA').fill('900')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    t.match(await app.core.views.find(uuidB), {
      name: 'Door sign',
      wiring: 'row-straight-bl',
      colorOrder: 'BRG',
      powerCapMa: 900,
    })
    await opener.focus()
    await page.keyboard.press('Enter')
    await dialog.waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    t.match(
      await page.evaluate('document.activeElement.getAttribute("aria-label")'),
      /^Settings of/,
      'the focus is back',
    )
  })

  t.test('jobs are listed with their ends, and one has its own page', async t => {
    await visit(page, 'jobs')
    await page.getByText('3 uploads').waitFor()
    t.same(await axeFindings(page), [])
    await page.getByRole('link', { name: /lantern\.leds.*Bar front/ }).click()
    await page.getByRole('heading', { name: 'Details' }).waitFor()
    await page.getByText('Verified: the board holds').waitFor()
    t.same(await axeFindings(page), [])
  })

  t.test('an admin adds people and MQTT users, whose secret is shown once', async t => {
    await visit(page, 'settings')
    await page.getByRole('button', { name: 'Add a person' }).click()
    const person = page.getByRole('dialog', { name: 'Add a person' })
    await person.getByLabel('Name').fill('operator')
    await person.getByLabel('Password').fill(password)
    await person.getByLabel('Role').selectOption('viewer')
    await person.getByRole('button', { name: 'Add' }).click()
    await page.getByText('viewer, added just now').waitFor()
    await page.getByRole('button', { name: 'Add a user' }).click()
    const program = page.getByRole('dialog', { name: 'Add an MQTT user' })
    await program.getByLabel('Name').fill('lights-desk')
    await program.getByRole('button', { name: 'Add' }).click()
    const secret = page.getByRole('dialog', { name: 'Note it now' })
    t.match(await secret.locator('.secret').textContent(), /^.{16,}$/)
    t.same(await axeFindings(page), [])
    await secret.getByRole('button', { name: 'I have it' }).click()
    t.equal(await page.locator('.secret').count(), 0)
    await page.getByRole('button', { name: 'Remove lights-desk' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('Nobody yet').waitFor()
  })

  t.test('people talk, and nothing that they write becomes markup', async t => {
    const guest = await visitor({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' })
    const phone = await guest.newPage()
    await phone.goto(url)
    await phone.getByLabel('Name').fill('operator')
    await phone.getByLabel('Password').fill('not her password')
    await phone.getByRole('button', { name: 'Sign in' }).click()
    t.match(await phone.getByRole('alert').textContent(), /name|password/i)
    t.same(await axeFindings(phone), [])
    await phone.getByLabel('Password').fill(password)
    await phone.getByRole('button', { name: 'Sign in' }).click()
    await phone.getByRole('heading', { name: 'Boards', exact: true }).waitFor()
    t.equal(await phone.getByRole('slider').first().isDisabled(), true, 'who may look does not act')

    await page.getByRole('button', { name: /^Chat/ }).first().click()
    const write = page.getByLabel(/^Message to/)
    await page.getByRole('list', { name: 'In the panel now' }).getByText('operator').waitFor()
    const markup = '<img src=x onerror="document.title=1"> & <b>bold</b>'
    await write.pressSequentially(markup, { delay: 2 })
    await write.press('Enter')
    const said = page.getByRole('log').getByText(markup)
    await said.waitFor()
    t.equal(await page.locator('.messages img, .messages b').count(), 0)
    await page.locator('.message.sending').waitFor({ state: 'detached' })

    await phone.getByRole('button', { name: 'Chat, 1 unread' }).click()
    await phone.getByRole('log').getByText(markup).waitFor()
    t.same(await axeFindings(phone), [])
    await write.pressSequentially('Hello')
    await phone.getByText('admin is typing').waitFor()
    await phone.getByText('admin is typing').waitFor({ state: 'detached' })
    await write.fill('/bo')
    await page.getByRole('list', { name: 'Commands' }).getByText('/boards').waitFor()
    await write.press('Tab')
    await write.press('Enter')
    await page
      .getByRole('log')
      .getByText(/Bar front.*connected/s)
      .waitFor()
    t.same(await axeFindings(page), [])
    await page.keyboard.press('Escape')
    await page.getByRole('log').waitFor({ state: 'detached' })
    await guest.close()
  })

  t.test('metrics come in a chunk of their own, with the health of the gateway', async t => {
    const loaded: string[] = []
    page.on('request', request => loaded.push(request.url()))
    await visit(page, 'metrics')
    await page.locator('.uplot canvas').first().waitFor()
    await page.getByRole('img', { name: /^Health score \d+ of 100$/ }).waitFor()
    await eventually(
      async () => (await page.locator('.chart-value .number').first().textContent()) !== '–',
      'a sample',
    )
    t.ok(loaded.some(one => /metrics-page-.*\.js$/.test(one)))
    t.same(await axeFindings(page), [])
  })

  t.test('a pin is seen live, and pressed where it is only in memory', async t => {
    await visit(page, 'gpio')
    const line = page.getByRole('listitem').filter({ hasText: 'stage' })
    await line.getByText('released').waitFor()
    await line.getByRole('button', { name: 'Hold stage' }).click()
    await line.getByText('pressed').waitFor()
    await line.getByRole('button', { name: 'Release stage' }).click()
    await line.getByText('released').waitFor()
    t.same(await axeFindings(page), [])
  })

  t.test('every page is for everybody, light and dark, down to 360 px', async t => {
    const [{ id } = { id: '' }] = (await app.core.uploads.patterns({ limit: 1 })).patterns
    for (const colorScheme of ['light', 'dark'] as const) {
      const small = await visitor({
        storageState: await context.storageState(),
        viewport: { width: 360, height: 740 },
        colorScheme,
      })
      const phone = await small.newPage()
      for (const name of ['boards', 'upload', `upload/${id}`, 'jobs', 'gpio', 'metrics', 'settings']) {
        await visit(phone, name)
        await phone.waitForTimeout(150)
        t.same(await axeFindings(phone), [], `${name}, ${colorScheme}`)
        t.ok(
          Number(await phone.evaluate('document.documentElement.scrollWidth')) <= 360,
          `${name} is not wider than the screen`,
        )
      }
      await phone.getByRole('button', { name: 'More' }).click()
      t.same(await axeFindings(phone), [], `the menu, ${colorScheme}`)
      await small.close()
      await page.emulateMedia({ colorScheme })
      for (const name of ['boards', `upload/${id}`, 'settings']) {
        await visit(page, name)
        await page.waitForTimeout(150)
        t.same(await axeFindings(page), [], `${name}, ${colorScheme}, wide`)
      }
    }
    await visit(page, 'boards')
    await page.getByRole('button', { name: 'Light colours' }).click()
    t.equal(await page.evaluate('document.documentElement.dataset.theme'), 'light')
    await page.reload()
    await page.getByRole('button', { name: 'Dark colours' }).waitFor()
  })

  t.test('a gateway that goes and comes back is seen going and coming back', async t => {
    await visit(page, 'boards')
    await page
      .getByText(/^Connected$/)
      .first()
      .waitFor()
    await app.stop()
    await page.getByText(/^Reconnecting/).waitFor()
    app = await start(new URL(url).port)
    await connected()
    await page
      .getByText(/^Connected$/)
      .first()
      .waitFor({ timeout: 30_000 })
    await eventually(
      async () => (await page.getByText('2 of 2 boards connected').count()) === 1,
      'the boards',
    )
    t.equal(await page.getByRole('article').count(), 2)
  })

  t.test('signing out ends it, here and in the other window', async () => {
    const other = await context.newPage()
    await visit(other, 'boards')
    await other
      .getByText(/^Connected$/)
      .first()
      .waitFor()
    await visit(page, 'settings')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await other.getByText('Your session has ended').waitFor({ timeout: 40_000 })
    await other.close()
  })

  t.test('no page had a fault of its own or asked another machine', async t => {
    t.same(faults, [])
    t.same(elsewhere, [])
  })
}
