import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { startLanServer } from '../../src/http/start-lan-server.ts'
import { loadTls, type TlsSettings } from '../../src/http/tls/load-tls.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
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
    t.equal(tls?.authorityFile, at('ca.pem'))
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
  const first = await load(today)
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
  const ca = readFileSync(tls.authorityFile ?? '', 'utf8')
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
  const openssl = [
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
  execFileSync('/usr/bin/openssl', [...openssl, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' })
  execFileSync('/usr/bin/openssl', [...openssl, '-keyout', otherKey, '-out', join(folder, 'z')], {
    stdio: 'ignore',
  })
  const load = (cert: string, key: string) =>
    loadTls({ ...settings, host: '127.0.0.1', tls: 'files', certFile: cert, keyFile: key }, folder)
  const tls = await load(certFile, keyFile)
  t.match(tls, {
    authorityFile: null,
    fingerprint: new X509Certificate(readFileSync(certFile)).fingerprint256,
  })
  const invalid = { code: 'config_invalid' }
  await t.rejects(load(certFile, otherKey), { ...invalid, message: /key belongs to another/ })
  await t.rejects(load(keyFile, keyFile), { ...invalid, message: /as PEM/ })
  await t.rejects(load(join(folder, 'no'), keyFile), { ...invalid, message: /http.certFile .*ENOENT/ })
})

t.test('a certificate that was renewed while the gateway runs is shown to the next caller', async t => {
  const folder = await folderOf(t)
  const clock = new VirtualClock()
  const said: string[] = []
  const say = (_fields: object, message: string) => void said.push(message)
  const at = (wallTimeMs: number) => loadTls(settings, folder, { machine, wallTimeMs })
  const [first, later] = [await at(today), today + 80 * dayMs]
  const answers = [
    () => at(today),
    () => at(later),
    () => Promise.reject(new Error('no disk')),
    async () => undefined,
  ]
  let loaded = 0
  const lan = await startLanServer({
    config: { host: '127.0.0.1', port: 0 },
    listener: (_request, response) => void response.end(),
    tls: first,
    renewal: {
      clock,
      log: { debug: say, info: say, warn: say, error: say },
      load: async () => {
        try {
          return await answers[loaded]?.()
        } finally {
          loaded += 1
        }
      },
    },
  })
  t.teardown(() => lan.close())
  const shown = async () => {
    const socket = connect({
      port: Number(new URL(lan.url).port),
      host: '127.0.0.1',
      rejectUnauthorized: false,
    })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  const before = await shown()
  t.equal(before, new X509Certificate(first?.certificate ?? '').fingerprint256)
  for (let asked = 1; asked <= 4; asked++) {
    clock.advance(12 * 3_600_000)
    while (loaded < asked) await new Promise(setImmediate)
    await new Promise(setImmediate)
    t.equal((await shown()) === before, asked === 1, `after ${asked} of them`)
  }
  t.same(said, ['the certificate was renewed', 'the certificate could not be renewed'])
  await lan.close()
  clock.advance(365 * dayMs)
})

t.test('a folder that cannot be written is said', async t => {
  const folder = await folderOf(t)
  writeFileSync(join(folder, 'tls'), 'a file')
  await t.rejects(loadTls(settings, folder), { code: 'storage_failed', message: /EEXIST|ENOTDIR/ })
})
