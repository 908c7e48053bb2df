/**
 * Takes the pictures of the panel for the docs: `npm run screenshots`. A real gateway with virtual boards plays the samples; a browser
 * claims it, uploads, and looks at it in light and dark.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { WebSocket } from 'ws'
import { type App, startApp } from '../src/app.ts'
import { parseVirtualBoard, runVirtualBoard, type VirtualBoardValues } from '../src/cli/board-virtual.ts'
import { loadConfig } from '../src/config/load-config.ts'
import { boardId } from '../src/kernel/ids.ts'
import { silentLog } from '../src/kernel/log.ts'
import { hasChromium, launch } from '../test/panel/browser.ts'
import { type PatternKind, syntheticPattern } from '../test/support/synthetic-patterns.ts'
import { smallPng } from './small-png.ts'

const images = fileURLToPath(new URL('../docs/images/', import.meta.url))
const samples = fileURLToPath(new URL('../samples/', import.meta.url))
const password = 'a lantern over the bar'
// One board is switched off for the picture, which the gateway rightly warns of.
const log = { ...silentLog, error: console.error }

interface Scene {
  readonly name: string
  readonly leds: string
  /** A file of samples/, or what is drawn for the board. */
  readonly plays: string | PatternKind
}

const scenes: readonly Scene[] = [
  { name: 'Bar front', leds: '16x16', plays: 'lantern.leds' },
  { name: 'Booth', leds: '16x16', plays: 'comet.gif' },
  { name: 'Dance floor', leds: '24x18', plays: 'plasma' },
  { name: 'Entrance', leds: '144', plays: 'chase' },
  { name: 'Fire pit', leds: '16x12', plays: 'fire-256' },
  { name: 'Ticker', leds: '32x10', plays: 'text' },
]
const uuidOf = (at: number) => `${String(at + 1).padStart(8, '0')}-0000-4000-8000-000000000000`

/** A pattern as LEDM file (docs/formats.md). */
function ledm(kind: PatternKind, leds: string): Uint8Array {
  const [width = 1, height = 1] = leds.split('x').map(Number)
  const { frames } = syntheticPattern(kind, { width, height, frames: 144 })
  const header = Buffer.alloc(14)
  header.write('LEDM', 'latin1')
  for (const [at, value] of [1, width * height, frames.length, width, height].entries())
    header.writeUInt16LE(value, 4 + at * 2)
  return Buffer.concat([
    header,
    ...frames.flatMap(({ delayMs, pixels }) => [Uint8Array.of(delayMs, 0), pixels]),
  ])
}

const isSample = (plays: string) => plays.includes('.')
const fileOf = ({ plays, leds }: Scene) =>
  isSample(plays) ? readFileSync(join(samples, plays)) : ledm(plays as PatternKind, leds)

/** Starts a virtual board; resolves with its address. */
async function startBoard(values: VirtualBoardValues, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const out = { write: (text: string) => resolve((JSON.parse(text) as { path: string }).path) }
    runVirtualBoard(parseVirtualBoard(values), out, signal).catch(reject)
  })
}

async function until(look: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + 60_000
  while (!(await look())) {
    if (performance.now() > endMs) throw new Error(`waited 60 s for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function main(): Promise<void> {
  if (!hasChromium) throw new Error('Pictures want /usr/bin/chromium: apt install chromium')
  const folder = mkdtempSync(join(tmpdir(), 'pixelgate-pictures-'))
  const ending = new AbortController()
  const leaving = new AbortController()
  let app: App | undefined
  let browser: Browser | undefined
  try {
    const paths = [
      ...(await Promise.all(
        scenes.map(({ name, leds }, at) =>
          startBoard({ tcp: '0', leds, name, uuid: uuidOf(at) }, ending.signal),
        ),
      )),
      // Slow enough to be caught at work, and one that goes away.
      await startBoard(
        { tcp: '0', leds: '16x16', name: 'Ceiling', uuid: uuidOf(6), fault: ['slow-flash=300'] },
        ending.signal,
      ),
      await startBoard({ tcp: '0', leds: '16x16', name: 'Tent 5', uuid: uuidOf(7) }, leaving.signal),
    ]
    const links = paths.map(path => ({
      kind: 'tcp',
      host: '127.0.0.1',
      port: Number(path.split(':').at(-1)),
    }))
    const config = await loadConfig({
      env: {
        PIXELGATE_STATE_DIR: join(folder, 'state'),
        PIXELGATE_CONTROL_SOCKET: join(folder, 'control.sock'),
        PIXELGATE_HTTP_HOST: '127.0.0.1',
        PIXELGATE_HTTP_PORT: '0',
        PIXELGATE_MQTT_LISTENERS: JSON.stringify([{ host: '127.0.0.1', port: 0 }]),
        PIXELGATE_LINKS: JSON.stringify(links),
      },
    })
    app = await startApp(config, { log })
    browser = await launch()
    await fill(app)
    leaving.abort()
    const shots = await takeAll(app, browser)
    // Packing them takes seconds; boards that wait for an answer meanwhile would be called mute.
    await app.stop()
    await pack(shots, browser)
  } finally {
    leaving.abort()
    ending.abort()
    await browser?.close()
    await app?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Boards play, so that there is something to see. */
async function fill({ core }: App): Promise<void> {
  await until(
    () => [...scenes, 0, 0].every((_, at) => core.registry.session(boardId(uuidOf(at))) !== undefined),
    'all boards',
  )
  for (const [at, scene] of scenes.entries()) {
    const name = isSample(scene.plays) ? scene.plays : `${scene.plays}.ledm`
    const { pattern } = await core.uploads.addFile(fileOf(scene), name, false)
    await core.uploads.submit(pattern, [boardId(uuidOf(at))], { fileName: name, raw: false, candidate: 0 })
  }
  const done = async () => {
    const { jobs } = await core.uploads.jobs({ limit: 20 })
    const failed = jobs.find(({ state }) => state === 'failed')
    if (failed !== undefined) throw new Error(`${failed.name}: ${failed.errorMessage}`)
    return jobs.every(({ state }) => state === 'done')
  }
  await until(done, 'the uploads')
}

/** Says something as a person with the token. */
async function asPerson(url: string, name: string, texts: readonly string[]): Promise<WebSocket> {
  const call = async (method: string, path: string, token: string, body?: unknown) => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token !== '' && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
    return (await answer.json()) as Record<string, never>
  }
  const { token } = await call('POST', '/auth/sign-in', '', { name, password })
  const { rooms } = (await call('GET', '/rooms', token ?? '')) as unknown as { rooms: { id: string }[] }
  for (const text of texts) await call('POST', `/rooms/${rooms[0]?.id}/messages`, token ?? '', { text })
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
  socket.once('open', () => socket.send(JSON.stringify({ type: 'auth', token })))
  return socket
}

/** PNG files in base64 by their name. */
async function takeAll(app: App, browser: Browser): Promise<ReadonlyMap<string, string>> {
  const url = app.http?.url ?? ''
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' })
  const page = await context.newPage()
  const look = async (name: string, on: Page = page) => {
    await on.mouse.move(0, 0)
    await on.goto(`${url}/#/${name}`)
    await on.locator('h1').first().waitFor()
  }
  const take = async (name: string, on: Page = page) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await on.emulateMedia({ colorScheme })
      await on.waitForTimeout(700)
      await save(`panel-${name}-${colorScheme}`, on)
    }
  }
  const shots = new Map<string, string>()
  const save = async (name: string, on: Page) => {
    shots.set(name, (await on.screenshot()).toString('base64'))
  }
  await page.goto(url)
  await page.getByLabel('Claim code').fill((await app.claimCode()) ?? '')
  await page.getByLabel('Your name').fill('admin')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Claim this gateway' }).click()
  await page.getByRole('article', { name: 'Tent 5' }).getByText('Away').waitFor()
  await page.request.post(`${url}/api/v1/users`, {
    data: { name: 'operator', password, role: 'operator' },
    headers: { origin: url },
  })
  await look('upload')
  await page.getByLabel('Pattern file').setInputFiles(join(samples, 'lantern.leds'))
  await page.getByRole('checkbox', { name: /Ceiling/ }).check()
  await page.getByRole('button', { name: /^Send to/ }).click()
  await page
    .getByText(/^[6-9] of \d+ blocks/)
    .first()
    .waitFor()
  await take('upload')
  await look('boards')
  await page.getByRole('progressbar').first().waitFor()
  await take('boards')
  await save('panel', page)

  const socket = await asPerson(url, 'operator', [
    'The bar front looks lovely in the dark.',
    'Can the ceiling have the lantern too?',
  ])
  await look('boards')
  await page.getByRole('button', { name: /^Chat/ }).first().click()
  const write = page.getByLabel(/^Message to/)
  await page.getByRole('list', { name: 'In the panel now' }).getByText('operator').waitFor()
  for (const text of ['It is on its way, look at the tile.', '/status']) {
    await write.fill(text)
    await write.press('Enter')
    await page.waitForTimeout(600)
  }
  await take('chat')
  socket.close()
  await write.press('Escape')

  const phone = await browser.newContext({
    storageState: await context.storageState(),
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    colorScheme: 'dark',
  })
  const small = await phone.newPage()
  await look('boards', small)
  await small.waitForTimeout(1500)
  await save('panel-phone', small)
  await phone.close()

  await look('settings')
  await page.getByRole('heading', { name: 'Invitations' }).waitFor()
  await take('settings')
  await look('audit')
  await page.getByRole('list', { name: 'Entries' }).waitFor()
  await take('audit')

  await look('metrics')
  await page.locator('.uplot').first().waitFor()
  // A minute of figures makes a curve.
  await page.waitForTimeout(Math.max(0, 75_000 - performance.now()))
  await take('metrics')
  return shots
}

async function pack(shots: ReadonlyMap<string, string>, browser: Browser): Promise<void> {
  mkdirSync(images, { recursive: true })
  const page = await browser.newPage()
  for (const [name, png] of shots) {
    const { width, height, pixels } = (await page.evaluate(decoding(png))) as Decoded
    writeFileSync(join(images, `${name}.png`), smallPng(Buffer.from(pixels, 'base64'), width, height))
    console.log(`docs/images/${name}.png, ${width} × ${height}`)
  }
}

interface Decoded {
  readonly width: number
  readonly height: number
  /** Base64 of R, G, B, A. */
  readonly pixels: string
}

/** The browser reads its own PNG. */
const decoding = (png: string) => `(async () => {
  const image = new Image()
  image.src = 'data:image/png;base64,${png}'
  await image.decode()
  const canvas = new OffscreenCanvas(image.width, image.height)
  const context = canvas.getContext('2d')
  context.drawImage(image, 0, 0)
  const { width, height, data } = context.getImageData(0, 0, canvas.width, canvas.height)
  let text = ''
  for (let at = 0; at < data.length; at += 30000) text += btoa(String.fromCharCode(...data.subarray(at, at + 30000)))
  return { width, height, pixels: text }
})()`

await main()
