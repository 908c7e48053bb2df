import { createHash } from 'node:crypto'
import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import type { BrowserContext, Page, Request } from 'playwright-core'
import t from 'tap'
import { eventually, ledmFile, numbers, type Running, workplace } from '../support/pixelgate.ts'
import { buildPanel, hasChromium, launch } from './browser.ts'

const password = 'a lantern over the bar'
const mebibyte = 1024 * 1024
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The way from the browser to the gateway: counts what the browser sends, and holds it up or breaks when it is told. */
class Way {
  sentBytes = 0
  target = 0
  #holdAtBytes = Number.POSITIVE_INFINITY
  #isHeld = false
  readonly #sockets = new Set<Socket>()
  readonly server = createServer({ pauseOnConnect: true }, browser => {
    const gateway = connect(this.target, '127.0.0.1', () => browser.resume())
    for (const [one, other] of [
      [browser, gateway],
      [gateway, browser],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => undefined)
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
    }
    gateway.pipe(browser)
    browser.on('data', chunk => {
      this.sentBytes += chunk.byteLength
      gateway.write(chunk)
      if (this.sentBytes < this.#holdAtBytes) return
      // Only who sends the bytes is held; whoever comes later is served.
      browser.pause()
      this.#isHeld = true
    })
  })

  /** Nothing more gets through on the connection that brings so many bytes from now on. */
  holdAfter(bytes: number): void {
    this.#isHeld = false
    this.#holdAtBytes = this.sentBytes + bytes
  }

  async held(): Promise<void> {
    await eventually(() => this.#isHeld, 'the bytes')
    this.#holdAtBytes = Number.POSITIVE_INFINITY
  }

  break(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** Uploads of the panel that are cut off, in chromium against a gateway in a process of its own. */
t.setTimeout(600_000)

if (!hasChromium) {
  t.pass('skipped: /usr/bin/chromium is not installed', { skip: true })
} else {
  buildPanel()
  const place = await workplace(t)
  const way = new Way()
  await new Promise<void>(resolve => way.server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    way.break()
    way.server.close()
  })
  const { port } = way.server.address() as { port: number }
  const start = async (): Promise<Running> => {
    const started = place.start('serve')
    const { http } = await started.says(({ ready }) => ready === true, 'ready')
    way.target = Number(new URL(http).port)
    return started
  }
  let daemon = await start()
  t.teardown(() => daemon.kill())
  const browser = await launch({ args: ['--host-resolver-rules=MAP pixelgate.local 127.0.0.1'] })
  t.teardown(() => browser.close())

  let files = 0
  /** Five megabytes that no other test has sent, on the disk: a browser knows it again by its time. */
  const largeFile = () => {
    const name = `night-${++files}.ledm`
    const bytes = ledmFile(numbers(files, 410), 64, 64)
    const path = place.path(name)
    writeFileSync(path, bytes)
    return { name, path, sizeBytes: bytes.byteLength, sha256: sha256(bytes) }
  }
  const patches: Request[] = []
  const visitor = async (host = '127.0.0.1'): Promise<{ context: BrowserContext; page: Page }> => {
    const context = await browser.newContext({ locale: 'en-GB' })
    context.setDefaultTimeout(60_000)
    context.on('request', request => {
      if (request.method() === 'PATCH') patches.push(request)
    })
    const page = await context.newPage()
    await page.goto(`http://${host}:${port}/#/upload`)
    return { context, page }
  }
  const signIn = async (page: Page) => {
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByLabel('Pattern file').waitFor({ state: 'attached' })
  }
  const choose = (page: Page, path: string) => page.getByLabel('Pattern file').setInputFiles(path)
  const offsetOf = (request: Request | undefined) => Number(request?.headers()['upload-offset'])
  const sizeOf = (request: Request) => Number(request.postDataBuffer()?.byteLength ?? 0)
  /** Where the last piece that was acknowledged ends; all pieces, where a byte was sent again after that. */
  const takenIn = async () => {
    let taken = 0
    for (const request of patches) {
      if (offsetOf(request) < taken) return patches.map(each => [offsetOf(each), sizeOf(each)])
      if ((await request.response())?.status() === 204) taken = offsetOf(request) + sizeOf(request)
    }
    return taken
  }
  /** Waits for the page of the pattern; what the gateway says is its hash. */
  const storedHash = async (page: Page, name: string): Promise<unknown> => {
    await page.getByRole('heading', { name, exact: true }).waitFor()
    return page.evaluate(`fetch('/api/v1/patterns/' + location.hash.split('/').at(-1))
      .then(answer => answer.json()).then(({ pattern }) => pattern.sha256)`)
  }
  const ask = (page: Page, method: string, path: string): Promise<{ status: number; body: unknown }> =>
    page.evaluate(`fetch('/api/v1${path}', { method: '${method}', headers: { 'tus-resumable': '1.0.0' } })
      .then(async answer => ({ status: answer.status, body: answer.status === 200 ? await answer.json() : null }))`)
  const unfinished = async (page: Page): Promise<readonly { id: string }[]> => {
    const { body } = await ask(page, 'GET', '/files')
    return (body as { files: { id: string; state: string }[] }).files.filter(one => one.state === 'receiving')
  }
  const kept = (page: Page): Promise<readonly unknown[]> =>
    page.evaluate(`JSON.parse(localStorage.getItem('pixelgate.uploads') ?? '[]')`)
  const waiting = (page: Page) => page.getByText(/^Waiting for the gateway, goes on by itself/)

  const { context, page } = await visitor()
  const [, claimCode = ''] = await eventually(
    () => /"claimCode":"([A-Z0-9-]+)"/.exec(daemon.log) ?? undefined,
    'the claim code',
  )
  await page.getByLabel('Claim code').fill(claimCode)
  await page.getByLabel('Your name').fill('ada')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Claim this gateway' }).click()
  await page.getByLabel('Pattern file').waitFor({ state: 'attached' })

  t.test('a gateway that is killed in the middle gets the rest when it is back', async t => {
    const file = largeFile()
    patches.length = 0
    way.holdAfter(2.5 * mebibyte)
    await choose(page, file.path)
    await way.held()
    await page.getByText(/^[23]\.\d MB of 5\.0 MB/).waitFor()
    t.equal((await kept(page)).length, 1)
    t.notMatch(JSON.stringify(await kept(page)), /night/, 'no name lies about')
    await daemon.kill('SIGKILL')
    await waiting(page).waitFor()
    await page.waitForTimeout(2000)
    t.equal(await waiting(page).count(), 1, 'it is not given up')
    daemon = await start()
    t.equal(await storedHash(page, file.name), file.sha256)
    t.same(await takenIn(), file.sizeBytes, 'what was there is not sent again')
    t.ok(patches.every(request => /^sha256 .{43}=$/.test(request.headers()['upload-checksum'] ?? '')))
    t.ok(patches.every(request => sizeOf(request) <= mebibyte))
    t.same(await kept(page), [])
  })

  t.test('after a reload the same file goes on where it was', async t => {
    const file = largeFile()
    await page.goto(`http://127.0.0.1:${port}/#/upload`)
    way.holdAfter(2.5 * mebibyte)
    await choose(page, file.path)
    await way.held()
    await page.getByText(/^[23]\.\d MB of 5\.0 MB/).waitFor()
    await page.reload()
    await page.getByLabel('Pattern file').waitFor({ state: 'attached' })
    patches.length = 0
    await choose(page, file.path)
    t.equal(await storedHash(page, file.name), file.sha256)
    t.equal(offsetOf(patches[0]), 2 * mebibyte)
    t.same(await takenIn(), file.sizeBytes)
  })

  t.test('a file that only looks the same begins anew', async t => {
    const file = largeFile()
    const saved = new Date('2026-01-01T10:00:00Z')
    utimesSync(file.path, saved, saved)
    await page.goto(`http://127.0.0.1:${port}/#/upload`)
    way.holdAfter(2.5 * mebibyte)
    await choose(page, file.path)
    await way.held()
    await page.reload()
    const other = ledmFile(numbers(500, 410), 64, 64)
    writeFileSync(file.path, other)
    utimesSync(file.path, saved, saved)
    await page.getByLabel('Pattern file').waitFor({ state: 'attached' })
    t.equal((await kept(page)).length, 1)
    patches.length = 0
    await choose(page, file.path)
    t.equal(await storedHash(page, file.name), sha256(other))
    t.equal(offsetOf(patches[0]), 0)
    await eventually(async () => (await unfinished(page)).length === 0, 'the end of the former one')
  })

  t.test('stopping removes what has come, here and at the gateway', async t => {
    const file = largeFile()
    await page.goto(`http://127.0.0.1:${port}/#/upload`)
    way.holdAfter(2.5 * mebibyte)
    await choose(page, file.path)
    await way.held()
    t.equal((await unfinished(page)).length, 1)
    await page.evaluate(`{
      const files = new DataTransfer()
      files.items.add(new File(['x'], 'second.gif'))
      document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: files }))
    }`)
    await page.getByText(`${file.name} is on its way still`).waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByRole('button', { name: 'Choose a file' }).waitFor()
    await eventually(async () => (await unfinished(page)).length === 0, 'the removal')
    t.same(await kept(page), [])
    t.same(readdirSync(place.path('state/incoming/resumable')), [])
  })

  t.test(
    'a token that runs out in the middle is renewed, a session that has ended asks for the sign-in',
    async t => {
      const file = largeFile()
      await page.goto(`http://127.0.0.1:${port}/#/upload`)
      way.holdAfter(2.5 * mebibyte)
      await choose(page, file.path)
      await way.held()
      await context.clearCookies({ name: 'pixelgate_session' })
      way.break()
      t.equal(await storedHash(page, file.name), file.sha256)

      const second = largeFile()
      await page.goto(`http://127.0.0.1:${port}/#/upload`)
      way.holdAfter(2.5 * mebibyte)
      await choose(page, second.path)
      await way.held()
      await context.clearCookies()
      way.break()
      await page.getByText('Your session has ended. Sign in again.').waitFor()
      await signIn(page)
      t.equal(await page.getByText(second.name).count(), 0, 'whoever comes next does not see it')
      patches.length = 0
      await choose(page, second.path)
      t.equal(await storedHash(page, second.name), second.sha256)
      t.ok(offsetOf(patches[0]) >= 2 * mebibyte)
    },
  )

  t.test('an upload that the gateway has forgotten begins anew', async t => {
    const file = largeFile()
    await page.goto(`http://127.0.0.1:${port}/#/upload`)
    way.holdAfter(2.5 * mebibyte)
    await choose(page, file.path)
    await way.held()
    const [one] = await unfinished(page)
    patches.length = 0
    // It is cut off as soon as it has been silent for a while.
    await eventually(
      async () => (await ask(page, 'DELETE', `/files/${one?.id}`)).status === 204,
      'the removal',
    )
    t.equal(await storedHash(page, file.name), file.sha256)
    t.equal(offsetOf(patches[0]), 0)
  })

  t.test('what the gateway does not take is said in its words', async t => {
    await page.goto(`http://127.0.0.1:${port}/#/upload`)
    const buffer = Buffer.alloc(300 * 1024, 'GIF89a and no lights here ')
    await page.getByLabel('Pattern file').setInputFiles({ name: 'notes.gif', mimeType: 'image/gif', buffer })
    const refused = page.getByRole('alert')
    t.match(await refused.textContent(), /notes\.gif was not taken\. \S+/)
    t.same(await kept(page), [])
    await refused.getByRole('button', { name: 'Keep it as raw bytes' }).click()
    t.equal(await storedHash(page, 'notes.gif'), sha256(buffer))

    const create = `fetch('/api/v1/files', { method: 'POST', headers: { 'tus-resumable': '1.0.0',
      'upload-length': '9', 'upload-metadata': 'filename YQ==' } }).then(answer => answer.status)`
    while ((await page.evaluate(create)) === 201);
    await page.goto(`http://127.0.0.1:${port}/#/upload`)
    await choose(page, largeFile().path)
    t.match(await refused.textContent(), /was not taken\. .*(unfinished|on their way)/)
    for (const { id } of await unfinished(page)) await ask(page, 'DELETE', `/files/${id}`)
  })

  t.test('over plain HTTP, where a page may not hash, every byte that came before a cut counts', async t => {
    const there = await visitor('pixelgate.local')
    await signIn(there.page)
    t.equal(await there.page.evaluate('crypto.subtle === undefined'), true)
    const file = largeFile()
    patches.length = 0
    way.holdAfter(2.5 * mebibyte)
    await choose(there.page, file.path)
    await way.held()
    way.break()
    t.equal(await storedHash(there.page, file.name), file.sha256)
    const offsets = patches.map(offsetOf)
    t.ok(
      offsets.some(offset => offset > 2 * mebibyte && offset < 3 * mebibyte),
      `${offsets}`,
    )
    t.ok(patches.every(request => request.headers()['upload-checksum'] === undefined))
    await there.context.close()
  })
}
