import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, createServer, request as httpsRequest } from 'node:https'
import { type AddressInfo, isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type PeerCertificate, checkServerIdentity as tlsCheckServerIdentity } from 'node:tls'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { startLanServer } from '../../src/http/start-lan-server.ts'
import { loadTls, type TlsSettings } from '../../src/http/tls/load-tls.ts'
import { encodeNameConstraints, permits, readNameConstraints } from '../../src/http/tls/name-constraints.ts'
import { TlsKeeper, type TlsKeeperParts } from '../../src/http/tls/tls-keeper.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { hasChromium, launch } from '../panel/browser.ts'
import { lanRig, password } from './lan-rig.ts'

async function folderOf(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

const settings: TlsSettings = { host: '0.0.0.0', tls: 'auto', certFile: null, keyFile: null, hosts: [] }
const machine = {
  hostname: () => 'lamps',
  addresses: () => ['127.0.0.1', '192.168.1.7', '2001:db8::7', '::1', 'fe80::1'],
}
const dayMs = 86_400_000
const selfSigned = [
  'req',
  '-x509',
  '-newkey',
  'ec',
  '-pkeyopt',
  'ec_paramgen_curve:P-256',
  '-nodes',
  '-subj',
  '/CN=x',
]

/** A TLS server with this certificate; its port. */
async function serveWith(t: Test, certFile: string, keyFile: string): Promise<number> {
  const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_, response) => {
    response.end('x')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

/** The exit status of a program. */
async function run(program: string, args: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: 'ignore' })
  const [status] = await once(child, 'close')
  return status as number
}
const today = Date.UTC(2026, 5, 1)

t.test('on this machine alone, or where the configuration says so, it is plain HTTP', async t => {
  const folder = await folderOf(t)
  for (const host of ['127.0.0.1', '127.0.0.2', '::1', 'localhost'])
    t.equal(await loadTls({ ...settings, host }, folder), undefined)
  t.equal(await loadTls({ ...settings, tls: 'insecure' }, folder), undefined)
})

t.test(
  'the gateway makes an authority and a certificate for all its names, with keys for itself alone',
  async t => {
    const folder = await folderOf(t)
    const tls = await loadTls({ ...settings, hosts: ['lamps.example'] }, folder, {
      machine,
      wallTimeMs: today,
    })
    const at = (name: string) => join(folder, 'tls', name)
    const mode = (name: string) => statSync(at(name)).mode & 0o777
    t.same(['ca.key', 'server.key', 'ca.pem', 'server.pem'].map(mode), [0o600, 0o600, 0o644, 0o644])
    const [authority, server] = ['ca.pem', 'server.pem'].map(
      name => new X509Certificate(readFileSync(at(name))),
    )
    t.equal(tls?.fingerprint, authority?.fingerprint256)
    t.match(tls?.authority, { file: at('ca.pem'), isNew: true, isConstrained: true })
    t.equal(authority?.ca, true)
    t.equal(server?.ca, false)
    if (authority === undefined || server === undefined) return
    t.ok(server.checkIssued(authority) && server.verify(authority.publicKey))
    t.match(server.publicKey.asymmetricKeyDetails, { namedCurve: 'prime256v1' })
    for (const name of ['localhost', 'lamps', 'lamps.local', 'pixelgate.local', 'lamps.example'])
      t.ok(server.checkHost(name), name)
    for (const address of ['127.0.0.1', '192.168.1.7', '2001:db8::7', '::1'])
      t.ok(server.checkIP(address), address)
    t.notOk(server.checkHost('evil.example'))
    const days = (Date.parse(server.validTo) - today) / dayMs
    t.equal(days, 90)
    const verified = execFileSync('/usr/bin/openssl', [
      ...['verify', '-x509_strict', '-purpose', 'sslserver', '-attime', String(today / 1000)],
      ...['-CAfile', at('ca.pem'), at('server.pem')],
    ])
    t.match(verified.toString(), /: OK/, 'another implementation agrees')
  },
)

t.test('a name may be an address in any spelling, and an authority may be of another hand', async t => {
  const folder = await folderOf(t)
  mkdirSync(join(folder, 'tls'))
  const at = (name: string) => join(folder, 'tls', name)
  const [key, out] = [at('ca.key'), at('ca.pem')]
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const named = ['-subj', '/O=House/CN=its own', '-days', '3650', '-config', '/dev/null']
  const bare = ['-addext', 'basicConstraints=critical,CA:true', '-addext', 'subjectKeyIdentifier=none']
  execFileSync('/usr/bin/openssl', [...made, ...named, ...bare, '-keyout', key, '-out', out], {
    stdio: 'ignore',
  })
  const authority = readFileSync(out, 'utf8')
  const addresses = ['10.0.0.255', '::ffff:192.0.2.1', '2001:DB8:0:0:1::', 'fd00::1%eth0', '1:2:3:4:5:6:7:8']
  const tls = await loadTls(settings, folder, { machine: { ...machine, addresses: () => addresses } })
  t.equal(tls?.fingerprint, new X509Certificate(authority).fingerprint256, 'it is not replaced')
  const server = new X509Certificate(tls?.certificate ?? '')
  t.ok(server.checkIssued(new X509Certificate(authority)))
  t.equal(server.issuer, 'O=House\nCN=its own')
  for (const address of ['10.0.0.255', '::ffff:192.0.2.1', '2001:db8::1:0:0:0', 'fd00::1', '1:2:3:4:5:6:7:8'])
    t.ok(server.checkIP(address), address)
  t.match(execFileSync('/usr/bin/openssl', ['verify', '-CAfile', out, at('server.pem')]).toString(), /: OK/)
})

t.test('a start that finds its certificate loads nothing to make one', async t => {
  const folder = await folderOf(t)
  const program = (file: string) => `
    const { loadTls } = await import(${JSON.stringify(new URL(file, import.meta.url).href)})
    await loadTls(${JSON.stringify(settings)}, ${JSON.stringify(folder)})
    process.stdout.write(String('getMetadata' in Reflect))`
  const start = () =>
    execFileSync(process.execPath, [
      ...['--import', import.meta.resolve('tsx'), '--input-type=module'],
      ...['-e', program('../../src/http/tls/load-tls.ts')],
    ]).toString()
  t.same([start(), start()], ['true', 'false'])
})

t.test('the certificate is renewed when it runs out or a name is new; the authority stays', async t => {
  const folder = await folderOf(t)
  const load = (wallTimeMs: number, addresses = machine.addresses()) =>
    loadTls(settings, folder, { machine: { ...machine, addresses: () => addresses }, wallTimeMs })
  const made = await load(today)
  t.equal(made?.authority?.isNew, true)
  const first = await load(today)
  t.same(first, { ...made, authority: { ...made?.authority, isNew: false } })
  t.same(await load(today + 59 * dayMs), first)
  t.same(await load(today, ['192.168.1.7']), first, 'one name less is no reason')
  const moved = await load(today, ['192.168.1.8'])
  t.not(moved?.certificate, first?.certificate)
  t.equal(moved?.fingerprint, first?.fingerprint)
  const renewed = await load(today + 61 * dayMs, ['192.168.1.8'])
  t.not(renewed?.certificate, moved?.certificate)
  t.equal(renewed?.fingerprint, first?.fingerprint)
  writeFileSync(join(folder, 'tls', 'server.key'), 'damaged')
  const mended = await load(today + 61 * dayMs, ['192.168.1.8'])
  t.not(mended?.key, renewed?.key)
  t.equal(mended?.fingerprint, first?.fingerprint)
  rmSync(join(folder, 'tls', 'ca.key'))
  t.not((await load(today))?.fingerprint, first?.fingerprint)
  const later = await load(today + 9.99 * 365 * dayMs)
  t.not(later?.fingerprint, first?.fingerprint, 'after ten years there is another authority')
  const far = new X509Certificate((await load(Date.UTC(2049, 11, 1)))?.certificate ?? '')
  t.equal(new Date(far.validTo).getUTCFullYear(), 2050)
})

t.test('a clock that has not been set yet does not make a certificate of 1970', async t => {
  const tls = await loadTls(settings, await folderOf(t), { machine, wallTimeMs: 0 })
  t.ok(Date.parse(new X509Certificate(tls?.certificate ?? '').validTo) > Date.UTC(2026, 0, 1))
})

t.test('a request that trusts the authority gets through, and the cookie is for TLS alone', async t => {
  const folder = await folderOf(t)
  const tls = await loadTls({ ...settings, host: '0.0.0.0' }, folder)
  if (tls === undefined) return t.fail('there is a certificate')
  const { call, url, accounts } = await lanRig(t, { tls, panelDir: null })
  t.match(url, /^https:\/\/127\.0\.0\.1:\d+$/)
  await t.rejects(call('/health/live'), { code: /SELF_SIGNED|UNABLE_TO/ }, 'nobody else vouches for it')
  const ca = tls.authority?.pem ?? ''
  t.match(await call('/health/live', { ca }), {
    status: 200,
    headers: { 'strict-transport-security': undefined },
  })
  const policy = String((await call('/', { ca })).headers['content-security-policy'])
  t.ok(policy.includes(url.replace('https', 'wss')))
  await accounts.addUser({ name: 'ada', password, role: 'admin' })
  const signIn = { method: 'POST', json: { name: 'ada', password }, headers: { origin: url }, ca }
  const signedIn = await call('/api/v1/auth/sign-in', signIn)
  t.match(signedIn.headers['set-cookie'], [/; SameSite=Strict; Secure$/])
  const plainOrigin = { ...signIn, headers: { origin: url.replace('https', 'http') } }
  t.equal((await call('/api/v1/auth/sign-in', plainOrigin)).status, 403)
  return undefined
})

t.test('a certificate of the administrator is taken, or refused in words', async t => {
  const folder = await folderOf(t)
  const [certFile, keyFile, otherKey] = ['cert.pem', 'key.pem', 'other.pem'].map(name =>
    join(folder, name),
  ) as [string, string, string]
  execFileSync('/usr/bin/openssl', [...selfSigned, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' })
  execFileSync('/usr/bin/openssl', [...selfSigned, '-keyout', otherKey, '-out', join(folder, 'z')], {
    stdio: 'ignore',
  })
  const load = (cert: string, key: string) =>
    loadTls({ ...settings, host: '127.0.0.1', tls: 'files', certFile: cert, keyFile: key }, folder)
  const tls = await load(certFile, keyFile)
  t.match(tls, {
    authority: null,
    fingerprint: new X509Certificate(readFileSync(certFile)).fingerprint256,
  })
  const invalid = { code: 'config_invalid' }
  await t.rejects(load(certFile, otherKey), { ...invalid, message: /key belongs to another/ })
  await t.rejects(load(keyFile, keyFile), { ...invalid, message: /as PEM/ })
  await t.rejects(load(join(folder, 'no'), keyFile), { ...invalid, message: /http.certFile .*ENOENT/ })
})

const logOf = (said: string[]) => {
  const say = (fields: object, message: string) => void said.push(`${message} ${JSON.stringify(fields)}`)
  return { debug: () => undefined, info: say, warn: say, error: say }
}

/** Turns of the loop until it holds; what is done meanwhile is disk work of a few milliseconds. */
async function until(holds: () => boolean): Promise<void> {
  const late = Date.now() + 20_000
  while (!holds()) {
    if (Date.now() > late) throw new Error('it did not come to pass')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

interface Kept {
  readonly port: number
  readonly said: string[]
  readonly keeper: TlsKeeper
  /** Sets the clock of the day on. */
  jump(byMs: number): void
  /** SHA-256 of what a new caller is shown. */
  shown(): Promise<string>
  /** Lets the gateway look, and waits until it has said that many things. */
  look(byMs: number, lines: number): Promise<void>
}

async function kept(t: Test, more: Partial<TlsKeeperParts>): Promise<Kept> {
  const said: string[] = []
  const timers = new VirtualClock(today)
  let jumpedMs = 0
  const clock: Clock = {
    now: () => timers.now(),
    setTimer: (delayMs, fire) => timers.setTimer(delayMs, fire),
    wallTime: () => timers.wallTime() + jumpedMs,
  }
  const parts = { settings, stateDir: await folderOf(t), clock, log: logOf(said), machine, ...more }
  const keeper = new TlsKeeper(parts)
  const sockets = new WebSocketServer({ noServer: true })
  sockets.on('connection', socket => socket.on('message', text => socket.send(`${text} back`)))
  const lan = await startLanServer({
    config: { host: '127.0.0.1', port: 0 },
    listener: (_request, response) => void response.end('here'),
    upgrade: (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, client => sockets.emit('connection', client)),
    tls: await keeper.open(),
    renew: show => keeper.watch(show),
  })
  t.teardown(() => lan.close())
  const port = Number(new URL(lan.url).port)
  return {
    port,
    said,
    keeper,
    jump(byMs) {
      jumpedMs += byMs
    },
    async shown() {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const { fingerprint256 } = socket.getPeerCertificate()
      socket.destroy()
      return fingerprint256
    },
    async look(byMs, lines) {
      timers.advance(byMs)
      await until(() => said.length >= lines)
    },
  }
}

t.test('a renewed certificate is for new callers; who is connected notices nothing', async t => {
  let addresses = ['127.0.0.1', '192.168.1.7']
  const gateway = await kept(t, { machine: { ...machine, addresses: () => addresses } })
  const { port, said, keeper, shown, look, jump } = gateway
  t.match(said, [/authority was made/])
  const first = await shown()
  const live = new WebSocket(`wss://127.0.0.1:${port}/`, { rejectUnauthorized: false })
  t.teardown(() => live.terminate())
  await once(live, 'open')
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
  t.teardown(() => agent.destroy())
  const ask = async () => {
    const outgoing = httpsRequest({ port, host: '127.0.0.1', agent }).end()
    const [answer] = await once(outgoing, 'response')
    const { localPort } = answer.socket
    answer.resume()
    await once(answer, 'end')
    return localPort as number
  }
  const echo = async () => {
    live.send('x')
    return String((await once(live, 'message'))[0])
  }
  const line = await ask()
  addresses = ['127.0.0.1', '192.168.1.8']
  await look(5_000, 2)
  const second = await shown()
  t.not(second, first, 'an address is new')
  t.match(keeper.view(), { authority: 'own', constrained: true, insecure: false, leftOut: [] })
  t.ok(keeper.view().names.includes('192.168.1.8'))
  jump(59 * dayMs)
  await look(5_000, 2)
  t.equal(await shown(), second)
  jump(dayMs)
  await look(5_000, 3)
  const third = await shown()
  t.not(third, second, '30 days before the end')
  t.equal(keeper.view().validTo, new Date(today + 150 * dayMs + 15_000).toISOString())
  t.equal(await echo(), 'x back')
  t.equal(await ask(), line, 'on the same connection')
  jump(-300 * dayMs)
  await look(60_000, 3)
  t.equal(await shown(), third, 'a clock that was set back is no reason')
  jump(11 * 365 * dayMs)
  await look(5_000, 5)
  t.match(said.slice(3), [/authority was made/, /was renewed/], 'the authority has an end as well')
})

t.test('a disk that is full for a while costs nothing but a warning', async t => {
  const folder = await folderOf(t)
  let addresses = ['127.0.0.1']
  const { said, shown, look } = await kept(t, {
    stateDir: folder,
    machine: { ...machine, addresses: () => addresses },
  })
  const first = await shown()
  rmSync(join(folder, 'tls'), { recursive: true })
  writeFileSync(join(folder, 'tls'), 'a file')
  addresses = ['127.0.0.1', '10.0.0.1']
  await look(5_000, 2)
  t.match(said[1], /could not be renewed.*EEXIST/)
  t.equal(await shown(), first)
  rmSync(join(folder, 'tls'))
  await look(65_000, 4)
  t.not(await shown(), first)
})

t.test('files of the administrator are followed; halves of a pair are not shown', async t => {
  const folder = await folderOf(t)
  const made = (name: string) => {
    const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
    execFileSync('/usr/bin/openssl', [...selfSigned, '-keyout', keyFile, '-out', certFile], {
      stdio: 'ignore',
    })
    return { certFile, keyFile, fingerprint: new X509Certificate(readFileSync(certFile)).fingerprint256 }
  }
  const [first, second] = [made('first'), made('second')]
  const [certFile, keyFile] = [join(folder, 'live.pem'), join(folder, 'live.key')]
  symlinkSync(first.certFile, certFile)
  symlinkSync(first.keyFile, keyFile)
  const settingsOfFiles: TlsSettings = { ...settings, tls: 'files', certFile, keyFile }
  const { said, shown, look, keeper } = await kept(t, { settings: settingsOfFiles, stateDir: folder })
  t.equal(await shown(), first.fingerprint)
  rmSync(certFile)
  symlinkSync(second.certFile, certFile)
  await look(5_000, 1)
  t.match(said, [/could not be renewed.*another certificate/])
  t.equal(await shown(), first.fingerprint)
  rmSync(keyFile)
  symlinkSync(second.keyFile, keyFile)
  await look(5_000, 2)
  t.equal(await shown(), second.fingerprint)
  t.match(keeper.view(), { authority: 'given', constrained: null, fingerprint: second.fingerprint })
  await look(60_000, 2)
  t.equal(said.length, 2, 'nothing is said while nothing changes')
})

/** A certificate for `san` that the authority of the folder signs with another program's hand. */
function signWith(folder: string, name: string, san: string): void {
  const at = (file: string) => join(folder, file)
  const request = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x']
  const asked = ['req', ...request, '-keyout', at(`${name}.key`), '-out', at('x.csr'), '-config', '/dev/null']
  execFileSync('/usr/bin/openssl', asked, { stdio: 'ignore' })
  writeFileSync(at('x.ext'), `subjectAltName=${san}\nextendedKeyUsage=serverAuth\n`)
  const files = ['-in', at('x.csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-out', at(`${name}.pem`)]
  const signed = ['x509', '-req', ...files, '-days', '9', '-extfile', at('x.ext')]
  execFileSync('/usr/bin/openssl', signed, { stdio: 'ignore' })
}

t.test('the authority cannot vouch for anybody else, whoever asks', async t => {
  const folder = await folderOf(t)
  const at = (name: string) => join(folder, 'tls', name)
  await loadTls({ ...settings, hosts: ['lamps.example'] }, folder, { machine, wallTimeMs: Date.now() })
  const sign = (name: string, san: string) => signWith(join(folder, 'tls'), name, san)
  const verdicts = async (name: string, host: string, address: string) => {
    const port = await serveWith(t, at(`${name}.pem`), at(`${name}.key`))
    const ca = readFileSync(at('ca.pem'))
    const openssl = spawnSync('/usr/bin/openssl', ['verify', '-CAfile', at('ca.pem'), at(`${name}.pem`)])
    const asked = `https://${host.includes(':') ? `[${host}]` : host}:${port}/`
    const way =
      isIP(host) === 0 ? ['--resolve', `${host}:${port}:127.0.0.1`] : ['--connect-to', `::127.0.0.1:${port}`]
    const curl = await run('curl', ['-sS', '--cacert', at('ca.pem'), ...way, asked])
    const node = connect({
      port,
      host: address,
      ca,
      servername: isIP(host) === 0 ? host : '',
      checkServerIdentity,
    })
    function checkServerIdentity(_: string, certificate: PeerCertificate) {
      return tlsCheckServerIdentity(host, certificate)
    }
    const nodeSays = await Promise.race([
      once(node, 'secureConnect').then(() => 'fine'),
      new Promise(resolve => node.once('error', (error: Error) => resolve(error.message))),
    ])
    node.destroy()
    return { openssl: openssl.status === 0, curl, node: nodeSays }
  }
  const fine = { openssl: true, curl: 0, node: 'fine' }
  for (const [name, san, host] of [
    ['own', 'DNS:lamps.local', 'lamps.local'],
    ['configured', 'DNS:lamps.example', 'lamps.example'],
    ['private', 'IP:172.31.255.1', '172.31.255.1'],
    ['own-public', 'IP:2001:db8::7', '2001:db8::7'],
  ] as const) {
    sign(name, san)
    t.same(await verdicts(name, host, '127.0.0.1'), fine, san)
  }
  for (const [name, san, host] of [
    ['other', 'DNS:example.com', 'example.com'],
    ['alike', 'DNS:lamps.local.example.com', 'lamps.local.example.com'],
    ['public', 'IP:8.8.8.8', '8.8.8.8'],
    ['beside', 'IP:172.32.0.1', '172.32.0.1'],
    ['public-six', 'IP:2001:db8::8', '2001:db8::8'],
    ['among', 'DNS:lamps.local,DNS:example.com', 'lamps.local'],
  ] as const) {
    sign(name, san)
    const said = await verdicts(name, host, '127.0.0.1')
    t.match(said, { openssl: false, curl: 60, node: /permitted subtree violation/ }, san)
  }
})

const certutil = '/usr/bin/certutil'
const noStore =
  !hasChromium || !existsSync(certutil) ? 'chromium or certutil (libnss3-tools) is not here' : false

t.test(
  'a browser that trusts the authority opens the gateway, and nobody else',
  { skip: noStore },
  async t => {
    const folder = await folderOf(t)
    const lan = { ...machine, addresses: () => ['127.0.0.1', '192.168.1.7', 'fd00::7'] }
    const tls = await loadTls(settings, folder, { machine: lan })
    const store = join(folder, '.pki/nssdb')
    mkdirSync(store, { recursive: true })
    execFileSync(certutil, ['-d', `sql:${store}`, '-N', '--empty-password'])
    const authority = ['-n', 'pixelgate', '-i', tls?.authority?.file ?? '']
    execFileSync(certutil, ['-d', `sql:${store}`, '-A', '-t', 'C,,', ...authority])
    signWith(join(folder, 'tls'), 'other', 'DNS:example.com')
    const at = (name: string) => join(folder, 'tls', name)
    writeFileSync(at('shown.pem'), tls?.certificate ?? '')
    const own = await serveWith(t, at('shown.pem'), at('server.key'))
    const other = await serveWith(t, at('other.pem'), at('other.key'))
    const browser = await launch({ home: folder, args: ['--host-resolver-rules=MAP * 127.0.0.1'] })
    t.teardown(() => browser.close())
    const open = async (url: string) => {
      const page = await browser.newPage()
      const answer = await page.goto(url).catch((error: Error) => /net::\w+/.exec(error.message)?.[0])
      await page.close()
      return typeof answer === 'object' ? answer?.status() : answer
    }
    for (const host of ['lamps.local', 'pixelgate.local', '192.168.1.7', '[fd00::7]'])
      t.equal(await open(`https://${host}:${own}/`), 200, host)
    t.equal(await open(`https://example.com:${other}/`), 'net::ERR_CERT_INVALID')
  },
)

t.test('a name that the authority does not know is left out, and said; the trust stays as it is', async t => {
  const folder = await folderOf(t)
  const first = await loadTls(settings, folder, { machine, wallTimeMs: today })
  const said: string[] = []
  const clock = new VirtualClock(today)
  const moved = { hostname: () => 'lights', addresses: () => ['10.0.0.4', '2001:db8:1::4'] }
  const parts = {
    settings: { ...settings, hosts: ['new.example'] },
    stateDir: folder,
    clock,
    log: logOf(said),
  }
  const keeper = new TlsKeeper({ ...parts, machine: moved })
  const tls = await keeper.open()
  t.equal(tls?.fingerprint, first?.fingerprint)
  const leftOut = ['lights', 'lights.local', '2001:db8:1::4', 'new.example']
  t.same(tls?.leftOut, leftOut)
  t.same(keeper.view().leftOut, leftOut)
  t.match(said, [/not for these names.*docs\/tls\.md.*lights/])
  const server = new X509Certificate(tls?.certificate ?? '')
  t.ok(server.checkIP('10.0.0.4'))
  t.notOk(server.checkHost('new.example'), 'or every name of the certificate would be refused')
  t.match(
    execFileSync('/usr/bin/openssl', [
      ...['verify', '-attime', String(today / 1000), '-CAfile', tls?.authority?.file ?? ''],
      join(folder, 'tls', 'server.pem'),
    ]).toString(),
    /: OK/,
  )
})

t.test('a clock that is behind does not cost the authority', async t => {
  const folder = await folderOf(t)
  const first = await loadTls(settings, folder, { machine, wallTimeMs: today })
  for (const wallTimeMs of [0, today - 100 * dayMs, today + 200 * dayMs, today - 10 * dayMs]) {
    const tls = await loadTls(settings, folder, { machine, wallTimeMs })
    t.equal(tls?.fingerprint, first?.fingerprint, new Date(wallTimeMs).toISOString())
    t.ok((tls?.validToMs ?? 0) > Math.max(wallTimeMs, today) + 30 * dayMs)
  }
})

t.test('name constraints come out as they went in, and what is no DER is none', t => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/)
  const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map(labels => labels.join('.'))
  const four = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }))
  const six = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }))
  const network = fc.oneof(four, six).map(([address, bits]) => `${address}/${bits}`)
  const wrap = (value: Buffer) =>
    Buffer.concat([Buffer.from('0603551d1e0101ff04820000', 'hex').subarray(0, 8), ...lengthOf(value), value])
  const lengthOf = (value: Buffer) => [Buffer.from([0x04, 0x82, value.length >> 8, value.length & 0xff])]
  fc.assert(
    fc.property(
      fc.array(domain, { maxLength: 20 }),
      fc.array(network, { maxLength: 20 }),
      (domains, networks) => {
        const value = encodeNameConstraints({ domains, networks })
        const read = readNameConstraints(wrap(value))
        t.same(read?.domains, domains)
        t.ok(read !== undefined && encodeNameConstraints(read).equals(value))
        for (const each of networks) {
          const address = each.split('/')[0] ?? ''
          if (!/^::ffff:/i.test(address))
            t.ok(permits({ domains, networks: read?.networks ?? [] }, address), each)
        }
        for (const each of domains) t.ok(permits({ domains, networks }, `a.${each}`.toUpperCase()))
      },
    ),
    { numRuns: 100 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
      t.doesNotThrow(() => readNameConstraints(wrap(Buffer.from(bytes))))
    }),
  )
  t.notOk(permits({ domains: ['lamps.local'], networks: [] }, 'xlamps.local'))
  t.notOk(permits({ domains: [], networks: ['10.0.0.0/8'] }, '::ffff:10.0.0.1'))
  t.end()
})

t.test('a folder that cannot be written is said', async t => {
  const folder = await folderOf(t)
  writeFileSync(join(folder, 'tls'), 'a file')
  await t.rejects(loadTls(settings, folder), { code: 'storage_failed', message: /EEXIST|ENOTDIR/ })
})
