import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/load-config.ts'
import type { Config } from '../../src/config/resolve-config.ts'
import { askDaemon } from '../../src/doctor/ask-daemon.ts'
import { type Diagnosis, diagnose } from '../../src/doctor/doctor.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { Machine } from '../../src/doctor/machine.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { databaseIn } from '../../src/store/backups.ts'
import { schemaVersion } from '../../src/store/migrations.ts'
import { openStore } from '../../src/store/store.ts'
import { skipAsNobody } from '../support/nobody.ts'

/** A machine in a folder: its files are written by the test, its programs are scripts of the test. */
class Rig {
  readonly folder: string
  readonly root: string
  readonly stateDir: string
  readonly socket: string

  constructor(t: Test) {
    // Short, for a socket's path holds 107 bytes.
    this.folder = mkdtempSync(join(tmpdir(), 'pg-'))
    t.teardown(() => rmSync(this.folder, { recursive: true, force: true }))
    this.root = join(this.folder, 'root')
    this.stateDir = join(this.folder, 'state')
    this.socket = join(this.folder, 's')
    mkdirSync(this.stateDir, { mode: 0o700 })
    mkdirSync(join(this.folder, 'bin'))
    mkdirSync(this.root)
  }

  file(path: string, text = ''): string {
    const full = join(this.root, path)
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, text)
    return full
  }

  /** A program that says this and ends so. */
  program(name: string, says: string, status = 0): void {
    const path = join(this.folder, 'bin', name)
    writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${says}\nEND\nexit ${status}\n`)
    chmodSync(path, 0o755)
  }

  /** A process of the machine that has a file or a socket open. */
  process(pid: number, name: string, open: string): void {
    this.file(`proc/${pid}/comm`, `${name}\n`)
    mkdirSync(join(this.root, `proc/${pid}/fd`), { recursive: true })
    symlinkSync(open, join(this.root, `proc/${pid}/fd/5`))
  }

  async diagnose(
    settings: Record<string, unknown> = {},
    machine: ConstructorParameters<typeof Machine>[0] = {},
  ): Promise<Diagnosis> {
    const file = join(this.folder, 'config.json')
    writeFileSync(file, JSON.stringify({ stateDir: this.stateDir, controlSocket: this.socket, ...settings }))
    return diagnose(this.machine(machine), () => loadConfig({ file, env: {} }))
  }

  machine(options: ConstructorParameters<typeof Machine>[0] = {}): Machine {
    return new Machine({
      root: this.root,
      programs: `${join(this.folder, 'bin')}:/bin:/usr/bin`,
      userName: 'ada',
      uid: 1000,
      groups: [1000],
      ...options,
    })
  }

  /** A daemon, as far as the doctor asks it. */
  async daemon(t: Test, answers: Record<string, unknown>): Promise<void> {
    const server = createHttpServer((request, response) => {
      const body = answers[(request.url ?? '').replace(/^\/api\/v1|\?.*$/g, '')]
      response.statusCode = body === undefined ? 404 : 200
      response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}))
    })
    server.listen(this.socket)
    await once(server, 'listening')
    t.teardown(() => {
      server.close()
      server.closeAllConnections()
    })
  }
}

const of = ({ findings }: Diagnosis, check: string): Finding[] =>
  findings.filter(each => each.check === check)

t.test('a healthy machine gives one line a check, and nothing to mend', async t => {
  const rig = new Rig(t)
  rig.file('proc/meminfo', 'MemTotal: 1000000 kB\nMemAvailable: 500000 kB\n')
  rig.program(
    'systemctl',
    'LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nResult=success\nNRestarts=0',
  )
  rig.program('timedatectl', 'yes')
  rig.program('vcgencmd', 'throttled=0x0')
  await rig.daemon(t, {
    '/health/live': {},
    '/health': { status: 'ok', score: 100, checks: [] },
    '/ports': { ports: [] },
  })
  const diagnosis = await rig.diagnose({ http: { port: 0, landingPort: null }, mqtt: { listeners: [] } })
  t.same(
    diagnosis.findings.filter(({ status }) => status !== 'ok'),
    [],
  )
  t.equal(diagnosis.status, 'ok')
  const checks = new Set(diagnosis.findings.map(({ check }) => check))
  for (const check of [
    'config',
    'node',
    'state',
    'database',
    'daemon',
    'serial-ports',
    'links',
    'gpio',
    'clock',
    'service',
    'memory',
    'swap',
    'power',
  ])
    t.ok(checks.has(check), check)
  t.ok(diagnosis.findings.every(({ message, cure }) => message !== '' && cure === null))
})

t.test('every fault of the configuration is a finding of its own, and the rest is left out', async t => {
  const rig = new Rig(t)
  const diagnosis = await rig.diagnose({
    http: { port: 'x' },
    links: [{ kind: 'serial', path: 'ttyUSB0' }],
    nonsense: 1,
  })
  t.equal(diagnosis.status, 'problem')
  const messages = of(diagnosis, 'config').map(({ message }) => message)
  t.equal(messages.length, 3)
  for (const part of ['http.port: must be a number', 'links[0].path', 'nonsense'])
    t.ok(
      messages.some(each => each.includes(part)),
      part,
    )
  t.match(of(diagnosis, 'config')[0]?.cure, /mend it in the file .*config\.json/)
  t.equal(of(diagnosis, 'node').length, 1)
  t.equal(of(diagnosis, 'state').length, 0)
  const machine = rig.machine()
  const load = (options: Parameters<typeof loadConfig>[0]) => diagnose(machine, () => loadConfig(options))
  t.match(of(await load({ file: '/does/not/exist', env: {} }), 'config'), [
    { message: /does not exist/, status: 'problem' },
  ])
  const flagged = await load({ env: { PIXELGATE_LOG_LEVEL: 'loud' } })
  t.match(of(flagged, 'config'), [{ cure: 'mend it in the environment PIXELGATE_LOG_LEVEL' }])
  await t.rejects(
    diagnose(machine, async () => {
      throw new TypeError('a bug')
    }),
    TypeError,
  )
})

t.test('versions of Node.js, the clock, memory, swap and the power supply', async t => {
  const rig = new Rig(t)
  for (const [nodeVersion, status] of [
    ['v20.19.0', 'ok'],
    ['v22.1.0', 'ok'],
    ['v24.9.0', 'ok'],
    ['v20.18.0', 'problem'],
    ['v18.20.0', 'problem'],
    ['v25.0.0', 'problem'],
  ] as const)
    t.match(of(await rig.diagnose({}, { nodeVersion }), 'node'), [{ status }], nodeVersion)
  t.match(of(await rig.diagnose({}, { clock: new VirtualClock(0) }), 'clock'), [
    { status: 'problem', message: /1970/ },
  ])
  rig.program('timedatectl', 'no')
  t.match(of(await rig.diagnose(), 'clock'), [{ status: 'warning', cure: /set-ntp/ }])
  rig.program('timedatectl', 'not known here', 1)
  t.match(of(await rig.diagnose(), 'clock'), [{ status: 'ok' }])
  t.match(of(await rig.diagnose(), 'memory'), [{ status: 'ok', message: /not known/ }])
  for (const [kb, status] of [
    [200_000, 'ok'],
    [50_000, 'warning'],
    [10_000, 'problem'],
  ] as const) {
    rig.file('proc/meminfo', `MemTotal: 400000 kB\nMemAvailable: ${kb} kB\n`)
    t.match(of(await rig.diagnose(), 'memory'), [{ status }], `${kb} kB`)
  }
  const swaps = (line: string): void =>
    void rig.file('proc/swaps', `Filename Type Size Used Priority\n${line}\n`)
  rig.file('proc/mounts', 'proc /proc proc rw 0 0\n/dev/mmcblk0p2 / ext4 rw 0 0\n')
  for (const [line, status] of [
    ['/dev/zram0 partition 100 0 5', 'ok'],
    ['/var/swap file 100 0 -2', 'warning'],
    ['/dev/mmcblk0p3 partition 1 0 -2', 'warning'],
  ] as const) {
    swaps(line)
    t.match(of(await rig.diagnose(), 'swap'), [{ status }], line)
  }
  rig.program('vcgencmd', 'throttled=0x50005')
  t.match(of(await rig.diagnose(), 'power'), [
    { status: 'problem', message: /voltage is too low/ },
    { status: 'problem', message: /throttled/ },
    { status: 'warning', message: /voltage was too low/ },
    { status: 'warning' },
  ])
})

t.test('the state folder and the database in it', async t => {
  const rig = new Rig(t)
  const state = async (settings = {}) => of(await rig.diagnose(settings), 'state')
  t.match(await state(), [{ status: 'ok', message: /can be written/ }, {}])
  chmodSync(rig.stateDir, 0o755)
  t.match(await state(), [{}, { status: 'warning', cure: /chmod o-rwx/ }, {}])
  chmodSync(rig.stateDir, 0o700)
  t.match(await state({ stateDir: join(rig.folder, 'not', 'yet') }), [
    { status: 'ok', message: /first start/ },
  ])
  t.match(await state({ stateDir: join(rig.folder, 'config.json') }), [
    { status: 'problem', message: /is a file/ },
  ])
  t.match(await state({ stateDir: join(rig.folder, 'config.json', 'x') }), [
    { status: 'problem', message: /ENOTDIR/ },
  ])
  t.match(await state({ stateDir: '/proc/nothing' }), [
    { status: process.getuid?.() === 0 ? /ok|problem/ : 'problem' },
  ])
  const database = async () => of(await rig.diagnose(), 'database')
  t.match(await database(), [{ status: 'ok', message: /first start makes it/ }])
  const store = await openStore(databaseIn(rig.stateDir))
  await store.blobs.put({ bytes: new Uint8Array(5000).fill(7), nowMs: 1 })
  await store.close()
  t.match(await database(), [
    { status: 'ok', message: new RegExp(`is whole: 1 records, version ${schemaVersion}`) },
  ])
  rig.process(41, 'node', databaseIn(rig.stateDir))
  t.match(await database(), [{ status: 'warning', message: /open in node \(41\)/ }])
  rmSync(join(rig.root, 'proc/41'), { recursive: true })
  writeFileSync(databaseIn(rig.stateDir), 'smashed '.repeat(600))
  t.match(await database(), [{ status: 'problem', message: /damaged/, cure: /pixelgate restore/ }])
})

t.test('the daemon: absent, answering with what ails it, and something else on its socket', async t => {
  const rig = new Rig(t)
  t.match(of(await rig.diagnose(), 'daemon'), [{ status: 'warning', message: 'the daemon does not run' }])
  await rig.daemon(t, {
    '/health/live': {},
    '/health': {
      status: 'failing',
      score: 30,
      checks: [
        { name: 'disk', status: 'failed', message: 'full' },
        { name: 'clock', status: 'warning', message: 'unset' },
        { name: 'x', status: 'ok', message: '' },
      ],
    },
    '/ports': 'no JSON',
  })
  const diagnosis = await rig.diagnose()
  t.match(of(diagnosis, 'daemon'), [
    { status: 'ok', message: /failing, score 30/ },
    { status: 'problem', message: 'disk: full' },
    { status: 'warning', message: 'clock: unset' },
  ])
  t.match(of(diagnosis, 'database'), [{ status: 'ok', message: /the daemon has/ }])
  const old = new Rig(t)
  await old.daemon(t, { '/health/live': {} })
  t.match(of(await old.diagnose(), 'daemon'), [{ status: 'ok', message: /answers on/ }])
  const other = new Rig(t)
  const deaf = createServer(socket => socket.destroy())
  deaf.listen(other.socket)
  await once(deaf, 'listening')
  t.teardown(() => void deaf.close())
  t.match(of(await other.diagnose(), 'daemon'), [{ status: 'problem', message: /does not answer/ }])
  writeFileSync(join(rig.folder, 'plain'), '')
  t.same(await askDaemon(join(rig.folder, 'plain')), { runs: false, reason: 'absent' })
})

t.test('serial ports: rights, who holds them, and programs that grab them', async t => {
  const rig = new Rig(t)
  const ports = async (settings = {}, machine = {}) =>
    of(await rig.diagnose(settings, machine), 'serial-ports')
  t.match(await ports(), [{ status: 'ok', message: /no serial device/ }, { status: 'ok' }])
  rig.file('etc/group', 'root:x:0:\ndialout:x:20:\ngpio:x:21:ada\n')
  t.match(await ports(), [
    {},
    { status: 'warning', message: /not in the group dialout and gpio/, cure: /usermod -aG dialout,gpio ada/ },
  ])
  t.match(await ports({}, { groups: [20, 21] }), [{}, { status: 'ok', message: /in the groups/ }])
  t.equal((await ports({}, { uid: 0 })).length, 1, 'root needs no group')
  const usb = rig.file('dev/ttyUSB0')
  t.match(await ports(), [{ status: 'ok', message: '/dev/ttyUSB0 can be opened' }, {}])
  for (const [name, cure] of [
    ['ModemManager', /disable --now ModemManager/],
    ['agetty', /serial-getty@ttyUSB0/],
    ['octoprint', /octoprint/],
    ['klippy', /printer\.cfg/],
    ['brltty', /brltty/],
    ['screen', /close that program/],
  ] as const) {
    rig.process(77, name, usb)
    t.match(
      await ports(),
      [{ status: 'warning', message: `/dev/ttyUSB0 is in use by ${name} (77)`, cure }, {}],
      name,
    )
    rmSync(join(rig.root, 'proc/77'), { recursive: true })
  }
  rig.program('systemctl', 'active')
  t.match((await ports()).at(-1), { status: 'warning', message: /ModemManager runs: it opens/ })
  rig.file('etc/udev/rules.d/60-pixelgate.rules')
  t.match((await ports()).at(-1), { status: 'ok', message: /keep it away/ })
  rig.program('systemctl', 'inactive', 3)
  rig.file('proc/cmdline', 'root=/dev/mmcblk0p2 console=serial0,115200 quiet')
  rig.file('dev/serial0')
  t.match((await ports()).at(-1), { status: 'warning', message: /console is on serial0/ })
  rig.process(78, 'node', usb)
  await rig.daemon(t, { '/health/live': {}, '/ports': { ports: [{ path: '/dev/ttyUSB0', open: true }] } })
  t.match(await ports(), [{ status: 'ok', message: /open in the daemon/ }, {}, {}])
})

t.test('links and addresses that lead nowhere or are taken', async t => {
  const rig = new Rig(t)
  const there = rig.file('dev/board')
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const { port } = server.address() as AddressInfo
  const free = createServer()
  free.listen(0, '127.0.0.1')
  await once(free, 'listening')
  const closed = (free.address() as AddressInfo).port
  free.close()
  const links = [
    { kind: 'serial', path: there },
    { kind: 'serial', path: '/dev/does-not-exist' },
    { kind: 'tcp', host: '127.0.0.1', port },
    { kind: 'tcp', host: '127.0.0.1', port: closed },
  ]
  t.match(of(await rig.diagnose({ links }), 'links'), [
    { status: 'ok' },
    { status: 'problem', message: /configured and does not exist/ },
    { status: 'ok', message: /takes connections/ },
    { status: 'warning', message: /ECONNREFUSED/ },
  ])
  const hex = (n: number): string => n.toString(16).toUpperCase().padStart(4, '0')
  const table = 'sl local_address rem_address st tx_queue tr tm->when retrnsmt uid timeout inode\n'
  rig.file('proc/net/tcp', `${table}  0: 00000000:${hex(8443)} 00000000:0000 0A 0:0 00:0 0 0 0 9001 1\n`)
  rig.file(
    'proc/net/tcp6',
    `${table}  0: ${'0'.repeat(32)}:${hex(1883)} ${'0'.repeat(32)}:0000 0A 0:0 00:0 0 0 0 9002 1\n`,
  )
  rig.process(90, 'mosquitto', 'socket:[9002]')
  const addresses = async (settings = {}) => of(await rig.diagnose(settings), 'addresses')
  t.match(await addresses(), [
    {
      status: 'warning',
      message: /port 8443, wanted for HTTP, is taken by a program of another user/,
      cure: /sudo pixelgate doctor/,
    },
    { status: 'ok', message: /port 8080 is free for the page about the certificate/ },
    { status: 'warning', message: /port 1883, wanted for MQTT, is taken by mosquitto \(90\)/ },
  ])
  t.match((await addresses({ http: { port: 8443 } }))[0], { status: 'problem' }, 'a port that the file names')
  t.match(await addresses({ http: { port: 9999 }, mqtt: { listeners: [] } }), [
    { status: 'ok', message: /9999 is free/ },
    { status: 'ok', message: /8080/ },
  ])
  t.match(
    await addresses({ http: { port: 9999, host: '127.0.0.1' }, mqtt: { listeners: [] } }),
    { length: 1 },
    'on loopback there is no certificate to explain',
  )
  await rig.daemon(t, { '/health/live': {} })
  t.match(await addresses({ http: { port: 9999 } }), [
    { status: 'warning', message: /does not listen on port 9999/ },
    { status: 'warning', message: /does not listen on port 8080/ },
    { status: 'ok', message: /as far as ada can see/ },
  ])
  rig.file(
    'proc/net/unix',
    `Num RefCount Protocol Flags Type St Inode Path\n0: 2 0 1 1 1 7000 ${rig.socket}\n`,
  )
  rig.process(91, 'node', 'socket:[7000]')
  symlinkSync('socket:[9001]', join(rig.root, 'proc/91/fd/6'))
  t.match(await addresses(), [
    { status: 'ok', message: /8443 is the daemon's/ },
    { status: 'warning', message: /does not listen on port 8080/ },
    { status: 'warning', message: /mosquitto/ },
  ])
  t.match(of(await rig.diagnose({ links }), 'links')[3], { status: 'ok', message: /kept open by the daemon/ })
})

t.test('GPIO chips and tools', async t => {
  const rig = new Rig(t)
  const gpio = async (settings: object) => of(await rig.diagnose({ gpio: settings }), 'gpio')
  t.match(await gpio({}), [{ status: 'ok', message: /not enabled; this machine has no chips/ }])
  t.match(await gpio({ enabled: true, backend: 'memory' }), [{ status: 'ok', message: /in memory/ }])
  t.match(await gpio({ enabled: true }), [{ status: 'problem', message: /no GPIO chip/ }])
  rig.file('dev/gpiochip0')
  rig.program('gpiodetect', 'gpiodetect (libgpiod) v1.6.3')
  t.match(await gpio({ enabled: true }), [
    { status: 'ok', message: /gpiochip0 can be opened/ },
    { status: 'ok', message: /v1\.6\.3/ },
  ])
  const without = { programs: join(rig.folder, 'empty') }
  const bare = async (settings: object) => of(await rig.diagnose({ gpio: settings }, without), 'gpio')
  t.match(await bare({ enabled: true, backend: 'gpiod' }), [
    {},
    { status: 'problem', cure: /apt-get install gpiod/ },
  ])
  t.match(await bare({ enabled: true }), [{}, { status: 'warning' }])
  t.match(await bare({ enabled: true, backend: 'onoff' }), [{ status: 'ok' }])
})

t.test('the service: missing, failed, stopped, restarted', async t => {
  const rig = new Rig(t)
  const service = async () => of(await rig.diagnose(), 'service')
  const says = (fields: Record<string, string>): void =>
    rig.program(
      'systemctl',
      Object.entries({
        LoadState: 'loaded',
        ActiveState: 'active',
        UnitFileState: 'enabled',
        Result: 'success',
        NRestarts: '0',
        ...fields,
      })
        .map(([key, value]) => `${key}=${value}`)
        .join('\n'),
    )
  rig.program('systemctl', 'System has not been booted with systemd', 1)
  t.match(await service(), [{ status: 'ok', message: /systemd does not run/ }])
  says({ LoadState: 'not-found', ActiveState: 'inactive' })
  t.match(await service(), [{ status: 'warning', cure: /install\.sh/ }])
  says({ LoadState: 'masked' })
  t.match(await service(), [{ status: 'problem', cure: /unmask/ }])
  says({ ActiveState: 'failed', Result: 'watchdog' })
  t.match(await service(), [{ status: 'problem', message: /failed \(watchdog\)/, cure: /journalctl/ }])
  says({ ActiveState: 'inactive', UnitFileState: 'disabled' })
  t.match(await service(), [
    { status: 'warning', message: /is inactive/ },
    { status: 'warning', cure: /enable/ },
  ])
  says({ NRestarts: '3' })
  t.match(await service(), [
    { status: 'ok', message: /is running/ },
    { status: 'warning', message: /3 times/ },
  ])
  says({ ActiveState: 'inactive' })
  await rig.daemon(t, { '/health/live': {} })
  t.match(await service(), [{ status: 'warning', message: /outside the service/ }])
})

t.test('a check that hangs is given up, and one that breaks is a finding', async t => {
  const rig = new Rig(t)
  const path = join(rig.folder, 'bin', 'vcgencmd')
  writeFileSync(path, '#!/bin/sh\nexec sleep 60\n')
  chmodSync(path, 0o755)
  const began = performance.now()
  const diagnosis = await rig.diagnose()
  t.ok(performance.now() - began < 20_000, `${Math.round(performance.now() - began)} ms`)
  t.match(of(diagnosis, 'power'), [{ status: 'ok', message: /does not tell/ }])
  const config: Config = await loadConfig({
    env: {},
    flags: { 'state-dir': rig.stateDir, 'control-socket': rig.socket },
  })
  const broken = { ...config, links: undefined } as unknown as Config
  t.match(of(await diagnose(rig.machine(), async () => broken), 'links'), [
    { status: 'warning', message: /could not be checked/ },
  ])
})

/** The diagnosis of another process, of a user who owns nothing: rights are those of a whole process. */
async function asNobody(rig: Rig, file: string): Promise<Diagnosis> {
  const [doctor, machine, config] = ['doctor/doctor', 'doctor/machine', 'config/load-config'].map(name =>
    JSON.stringify(new URL(`../../src/${name}.ts`, import.meta.url).href),
  )
  const options = { root: rig.root, programs: '/bin', userName: 'ada', uid: 65_534, groups: [] }
  const source = `import { diagnose } from ${doctor}
    import { Machine } from ${machine}
    import { loadConfig } from ${config}
    const load = () => loadConfig({ file: ${JSON.stringify(file)}, env: {} })
    process.stdout.write(JSON.stringify(await diagnose(new Machine(${JSON.stringify(options)}), load)))`
  const args = ['--import', 'tsx', '--input-type=module', '-e', source]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    uid: 65_534,
    gid: 65_534,
    env: { PATH: process.env['PATH'] },
    timeout: 60_000,
  })
  return JSON.parse(stdout)
}

const rootOnly = { skip: skipAsNobody() }

t.test('somebody without rights is told which ones are missing', rootOnly, async t => {
  const rig = new Rig(t)
  chmodSync(rig.folder, 0o755)
  rig.file('etc/group', 'root:x:0:\ndialout:x:20:\n')
  for (const device of ['dev/ttyACM0', 'dev/gpiochip0']) chmodSync(rig.file(device), 0o660)
  await rig.daemon(t, { '/health/live': {} })
  chmodSync(rig.socket, 0o700)
  const settings = { stateDir: rig.stateDir, controlSocket: rig.socket, gpio: { enabled: true } }
  const file = join(rig.folder, 'config.json')
  const look = (more: Record<string, unknown> = {}) => {
    writeFileSync(file, JSON.stringify({ ...settings, ...more }))
    chmodSync(file, 0o644)
    return asNobody(rig, file)
  }
  const diagnosis = await look()
  t.match(of(diagnosis, 'daemon'), [
    { status: 'problem', message: /may not talk to it/, cure: /usermod -aG pixelgate ada/ },
  ])
  t.match(of(diagnosis, 'serial-ports')[0], {
    status: 'problem',
    message: 'ada may not open /dev/ttyACM0; its group is root',
    cure: /usermod -aG root ada/,
  })
  t.match(of(diagnosis, 'gpio')[0], { status: 'problem', message: /may not open \/dev\/gpiochip0/ })
  t.match(of(diagnosis, 'state')[0], {
    status: 'warning',
    message: /belongs to another user/,
    cure: /chown -R ada/,
  })
  t.match(of(await look({ stateDir: join(rig.stateDir, 'within') }), 'state'), [
    { status: 'warning', cure: /with sudo/ },
  ])
  t.match(of(await look({ stateDir: join(rig.folder, 'a', 'b') }), 'state'), [
    { status: 'problem', cure: /install\.sh/ },
  ])
})
