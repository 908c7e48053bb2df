import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/config/resolve-config.ts'
import { AllowedHosts } from '../../src/http/access/allowed-hosts.ts'
import { type LandingParts, landingListener } from '../../src/http/landing/landing-listener.ts'
import { platformOf } from '../../src/http/landing/platforms.ts'
import { startLanServer } from '../../src/http/start-lan-server.ts'
import { loadTls } from '../../src/http/tls/load-tls.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { hasChromium, launch } from '../panel/browser.ts'

const machine = { hostname: () => 'lamps', addresses: () => ['127.0.0.1', '192.168.1.7', 'fd00::7'] }

interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly bytes: Buffer
}

async function landing(t: Test, more: Partial<LandingParts> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-'))
  const settings = {
    host: '0.0.0.0',
    tls: 'auto',
    certFile: null,
    keyFile: null,
    hosts: ['lamps.example'],
  } as const
  const tls = await loadTls(settings, folder, { machine })
  const hosts = new AllowedHosts(['lamps.example', '"><script>'], new VirtualClock(), machine)
  const server = await startLanServer({
    config: { host: '127.0.0.1', port: 0 },
    listener: landingListener({ hosts, tls: () => tls, port: 8443, ...more }),
    tls: undefined,
  })
  t.teardown(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })
  const get = async (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> => {
    const outgoing = request(new URL(server.url), { path, method, headers, agent: false }).end()
    const [incoming] = await once(outgoing, 'response')
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    return { status: incoming.statusCode, headers: incoming.headers, bytes: Buffer.concat(chunks) }
  }
  if (tls === undefined) throw new Error('there is a certificate')
  return { get, tls, folder, url: server.url }
}

t.test(
  'plain HTTP has the page, the certificate, the profile and a sign of life, and nothing else',
  async t => {
    const { get } = await landing(t)
    for (const path of ['/', '/ca.pem', '/ca.der', '/pixelgate.mobileconfig', '/health/live', '/?x=1']) {
      const { status, headers, bytes } = await get(path)
      t.equal(status, 200, path)
      t.equal(Number(headers['content-length']), bytes.length)
      t.match(headers, {
        'content-security-policy': /^default-src 'none'; style-src 'sha256-[^']+'; .*frame-ancestors 'none'$/,
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cross-origin-embedder-policy': 'require-corp',
        'set-cookie': undefined,
        'strict-transport-security': undefined,
        location: undefined,
      })
      const head = await get(path, {}, 'HEAD')
      t.match(head, { status: 200, headers: { 'content-length': String(bytes.length) } })
      t.equal(head.bytes.length, 0)
      t.match(await get(path, {}, 'POST'), { status: 405, headers: { allow: 'GET, HEAD' } })
      const foreign = await get(path, { host: 'evil.example' })
      t.match(foreign, { status: 421, headers: { 'x-frame-options': 'DENY' } })
      t.match(JSON.parse(foreign.bytes.toString()), { code: 'wrong_host' })
    }
    for (const path of [
      '/api/v1/health',
      '/api/v1/setup',
      '/health',
      '/metrics',
      '/ws',
      '/index.html',
      '/ca.key',
      '/ca.pem/',
      '/../ca.key',
      '//',
      '/%',
      '/favicon.ico',
      '/server.pem',
    ])
      for (const method of ['GET', 'POST', 'OPTIONS', 'PUT'])
        t.equal((await get(path, {}, method)).status, 404, `${method} ${path}`)
    t.equal((await get('/api/v1/health', { host: 'evil.example' }, 'OPTIONS')).status, 421)
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket' }
    t.equal((await get('/', upgrade)).status, 200, 'an upgrade is answered as if it had not been asked for')
  },
)

const python = '/usr/bin/python3'
const noPython = existsSync(python) ? false : 'python3 is not here to read the property list'

t.test(
  'the certificate comes in two forms and as a profile that Apple can read',
  { skip: noPython },
  async t => {
    const { get, tls, folder } = await landing(t)
    const [pem, der, profile] = await Promise.all(
      ['/ca.pem', '/ca.der', '/pixelgate.mobileconfig'].map(path => get(path)),
    )
    const authority = new X509Certificate(pem?.bytes ?? '')
    t.equal(authority.fingerprint256, tls.fingerprint)
    t.ok(der?.bytes.equals(authority.raw))
    t.equal(pem?.headers['content-type'], 'application/x-x509-ca-cert')
    t.equal(der?.headers['content-type'], 'application/x-x509-ca-cert')
    t.equal(profile?.headers['content-type'], 'application/x-apple-aspen-config')
    t.notMatch(`${pem?.bytes}${profile?.bytes}`, /PRIVATE KEY/)
    t.same((await get('/pixelgate.mobileconfig')).bytes, profile?.bytes, 'the same one each time')

    const file = join(folder, 'x.mobileconfig')
    await writeFile(file, profile?.bytes ?? '')
    const program = `import plistlib, json, base64, sys
p = plistlib.load(open(sys.argv[1], 'rb'))
print(json.dumps(p, default=lambda b: base64.b64encode(b).decode()))`
    const list = JSON.parse(execFileSync(python, ['-c', program, file]).toString())
    const uuid = /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/
    t.match(list, {
      PayloadType: 'Configuration',
      PayloadVersion: 1,
      PayloadIdentifier: /^local\.pixelgate\.[0-9a-f]{16}$/,
      PayloadUUID: uuid,
      PayloadDisplayName: 'pixelgate',
      PayloadRemovalDisallowed: false,
      PayloadContent: [
        {
          PayloadType: 'com.apple.security.root',
          PayloadVersion: 1,
          PayloadUUID: uuid,
          PayloadIdentifier: /\.root$/,
        },
      ],
    })
    t.equal(list.PayloadContent.length, 1)
    t.not(list.PayloadUUID, list.PayloadContent[0].PayloadUUID)
    t.equal(list.PayloadContent[0].PayloadContent, authority.raw.toString('base64'))
    const xml = spawnSync('/usr/bin/xmllint', ['--noout', '--nonet', file])
    if (xml.error === undefined) t.equal(xml.status, 0, String(xml.stderr))
    else t.comment('xmllint is not here to read the XML as well')
  },
)

t.test('the page leads to the name that was asked for, and to no name that is not ours', async t => {
  const { get, tls } = await landing(t)
  const link = async (host: string) =>
    /class="button" href="([^"]*)"/.exec((await get('/', { host })).bytes.toString())?.[1]
  t.equal(await link('lamps.local:8080'), 'https://lamps.local:8443/')
  t.equal(await link('192.168.1.7'), 'https://192.168.1.7:8443/')
  t.equal(await link('[fd00::7]:8080'), 'https://[fd00::7]:8443/')
  t.equal(await link('localhost'), 'https://localhost:8443/')
  t.equal(await link('127.9.9.9'), 'https://lamps.local:8443/', 'which the certificate is not for')
  const html = (await get('/')).bytes.toString()
  for (const row of tls.fingerprint.match(/(?:..:?){8}/g) ?? []) t.ok(html.includes(row.replace(/:$/, '')))
  t.match(html, /Certificate Trust Settings/)
  t.match(html, /Continue without/)
  t.match(html, /addresses of private networks alone/)
  t.notMatch(html, /<script|onclick|javascript:/i)
  for (const [agent, id] of [
    ['Mozilla/5.0 (Linux; Android 15; Pixel 8) Chrome/140', 'android'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605.1', 'ios'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1', 'macos'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0', 'windows'],
    ['Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0', 'linux'],
  ] as const) {
    t.equal(platformOf(agent), id)
    const page = (await get('/', { 'user-agent': agent })).bytes.toString()
    t.same(page.match(/<details id="\w+" open/g), [`<details id="${id}" open`])
  }
  t.notMatch((await get('/', { 'user-agent': 'curl/8' })).bytes.toString(), / open>/)
})

t.test(
  'with a certificate from elsewhere there is nothing to install, and without one nothing at all',
  async t => {
    const { tls } = await landing(t)
    const given = await landing(t, {
      tls: () => ({ ...tls, authority: null, names: ['*.lamps.example', 'gate.lamps.example', '<b>&"'] }),
    })
    const html = (await given.get('/')).bytes.toString()
    t.match(html, /href="https:\/\/gate\.lamps\.example:8443\/"/)
    t.notMatch(html, /ca\.pem|fingerprint|<b>&"|\*\./)
    t.equal((await given.get('/ca.pem')).status, 404)
    t.equal((await given.get('/pixelgate.mobileconfig')).status, 404)
    const old = await landing(t, {
      tls: () => ({ ...tls, authority: tls.authority && { ...tls.authority, isConstrained: false } }),
    })
    t.match((await old.get('/')).bytes.toString(), /older than its limits/)
    const none = await landing(t, { tls: () => undefined })
    t.equal((await none.get('/')).status, 404)
    t.equal((await none.get('/health/live')).status, 200)
  },
)

t.test(
  'on a phone nothing is cut off, in light and in dark, and nothing is refused by its own policy',
  { skip: hasChromium ? false : 'chromium is not here' },
  async t => {
    const { url } = await landing(t)
    const browser = await launch()
    t.teardown(() => browser.close())
    const ink: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({
        viewport: { width: 320, height: 640 },
        colorScheme,
        javaScriptEnabled: true,
      })
      const said: string[] = []
      page.on('console', message => said.push(message.text()))
      await page.goto(url)
      for (const summary of await page.locator('summary').all()) await summary.click()
      const [width, color, button] = await page.evaluate<[number, string, string]>(
        "[document.documentElement.scrollWidth, getComputedStyle(document.body).color, getComputedStyle(document.querySelector('.button')).backgroundColor]",
      )
      t.ok(Number(width) <= 320, `${width} wide`)
      t.not(button, 'rgba(0, 0, 0, 0)', 'the style sheet is taken')
      ink.push(String(color))
      t.same(
        said.filter(text => /Content Security|Refused/.test(text)),
        [],
      )
      await page.close()
    }
    t.not(ink[0], ink[1])
  },
)

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

t.test(
  'a gateway on the network has the page, says so, and gives way only where nobody has named a port',
  async t => {
    const stateDir = await mkdtemp(join(tmpdir(), 'pixelgate-'))
    t.teardown(() => rm(stateDir, { recursive: true, force: true }))
    const landingPort = await freePort()
    const start = (http: object) =>
      startApp(
        resolveConfig({
          env: {},
          flags: {},
          user: { uid: 1000, homeDir: stateDir },
          file: {
            path: 'x.json',
            text: JSON.stringify({
              stateDir,
              discovery: 'off',
              mdns: { enabled: false },
              mqtt: { listeners: [] },
              http: { host: '0.0.0.0', port: 0, ...http },
            }),
          },
        }),
        { log: silentLog },
      )
    const read = async (url: string, ca?: string) => {
      const outgoing = (url.startsWith('https') ? httpsRequest : request)(url, { agent: false, ca }).end()
      const [incoming] = await once(outgoing, 'response')
      let text = ''
      for await (const chunk of incoming) text += chunk
      return text
    }
    const app = await start({ landingPort })
    const { url = '' } = app.http ?? {}
    const page = await read(`http://127.0.0.1:${landingPort}/`)
    t.ok(page.includes(`:${new URL(url).port}/">Open the panel`), 'the link has the port of the panel')
    const ca = await read(`http://127.0.0.1:${landingPort}/ca.pem`)
    const { fingerprint256: fingerprint } = new X509Certificate(ca)
    t.match(JSON.parse(await read(`${url}/api/v1/setup`, ca)), {
      claimed: false,
      tls: { scheme: 'https', insecure: false, fingerprint, landingUrl: new RegExp(`:${landingPort}/$`) },
    })
    await t.rejects(start({ landingPort }), { code: 'conflict' }, 'the control socket comes first')
    await app.stop()
    await t.rejects(read(`http://127.0.0.1:${landingPort}/`), { code: 'ECONNREFUSED' })

    const blocker = createServer().listen(landingPort, '0.0.0.0')
    await once(blocker, 'listening')
    t.teardown(() => void blocker.close())
    await t.rejects(start({ landingPort }), { code: 'address_in_use', message: /http\.landingPort/ })
    const insecure = await start({ tls: 'insecure', landingPort })
    t.match(JSON.parse(await read(`${insecure.http?.url}/api/v1/setup`)), {
      tls: { scheme: 'http', insecure: true, fingerprint: null, landingUrl: null },
    })
    await insecure.stop()
  },
)
