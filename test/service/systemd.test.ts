import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/load-config.ts'
import { missing } from './until.ts'

const folder = fileURLToPath(new URL('../../systemd/', import.meta.url))
const file = (name: string) => join(folder, name)
const timeoutMs = 20_000
const unitFolders = ['/usr/lib/systemd/system', '/lib/systemd/system']
const isRoot = process.getuid?.() === 0

interface Said {
  readonly status: number
  /** stdout and stderr. */
  readonly text: string
}

function run(program: string, ...args: readonly string[]): Promise<Said> {
  return new Promise(resolve => {
    execFile(program, args, { timeout: timeoutMs }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), text: (stdout + stderr).trim() }),
    )
  })
}

/** A root folder with the units of this machine, the gateway's, and the programs that it names. */
async function rootFolder(t: Test): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'root-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const units = unitFolders.find(existsSync) ?? ''
  for (const path of ['usr/bin', 'usr/lib/systemd', 'etc/systemd/system'])
    await mkdir(join(root, path), { recursive: true })
  await cp(units, join(root, 'usr/lib/systemd/system'), { recursive: true, verbatimSymlinks: true })
  await symlink('usr/lib', join(root, 'lib'))
  await writeFile(join(root, 'usr/bin/node'), '')
  await chmod(join(root, 'usr/bin/node'), 0o755)
  await cp(file('pixelgate.service'), join(root, 'usr/lib/systemd/system/pixelgate.service'))
  return root
}

const noAnalyze = missing('systemd-analyze')

t.test('systemd finds no fault in the unit, nor in its drop-ins', { skip: noAnalyze }, async t => {
  const root = await rootFolder(t)
  const verify = () => run('systemd-analyze', 'verify', '--man=no', `--root=${root}`, 'pixelgate.service')
  t.same(await verify(), { status: 0, text: '' })
  const dropIns = join(root, 'etc/systemd/system/pixelgate.service.d')
  await mkdir(dropIns)
  await cp(file('pixelgate-sysfs-gpio.conf'), join(dropIns, 'sysfs-gpio.conf'))
  const credential = '[Service]\nLoadCredential=key.pem:/etc/ssl/private/pixelgate.pem\n'
  await writeFile(join(dropIns, 'tls.conf'), credential)
  t.same(await verify(), { status: 0, text: '' }, 'with GPIO through sysfs and a key that only root can read')
  await writeFile(join(dropIns, 'wrong.conf'), '[Service]\nWatchdogSeconds=1\n')
  t.match((await verify()).text, /Unknown key/, 'a fault would have been seen')
})

t.test('the exposure of the unit is 2.0 or less', { skip: noAnalyze }, async t => {
  const { text } = await run('systemd-analyze', 'security', '--offline=true', file('pixelgate.service'))
  const exposure = Number(/Overall exposure level for pixelgate\.service: (\d+\.\d)/.exec(text)?.[1])
  t.ok(exposure <= 2.0, `exposure ${exposure}`)
})

/** Values of the unit by key; a key that comes again adds to its list. */
async function settings(): Promise<ReadonlyMap<string, readonly string[]>> {
  const values = new Map<string, string[]>()
  for (const line of (await readFile(file('pixelgate.service'), 'utf8')).split('\n')) {
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) values.set(key, [...(values.get(key) ?? []), value])
  }
  return values
}

t.test('the unit keeps what the gateway needs', async t => {
  const unit = await settings()
  const only = (key: string) => unit.get(key)?.join(' ')
  t.equal(only('Type'), 'notify')
  t.equal(only('NotifyAccess'), 'all', 'systemd-notify is a child')
  t.equal(unit.has('MemoryDenyWriteExecute'), false, 'V8 compiles at run time')
  t.ok(Number(only('WatchdogSec')) > 0)
  t.ok(Number(only('TimeoutStopSec')) > 5, 'longer than a stop takes')
  t.equal(
    unit.get('SystemCallFilter')?.at(-1),
    'capset',
    'setpriv, which starts the tools of libgpiod, calls it',
  )
  t.equal(only('LimitCORE'), '0', 'no secrets in dumps')
  t.equal(only('RestartPreventExitStatus'), '2')
  for (const kind of ['ttyUSB', 'ttyACM', 'ttyAMA', 'ttyS', 'gpiochip'])
    t.ok(unit.get('DeviceAllow')?.includes(`char-${kind} rw`), kind)
  for (const module of ['usbserial', 'cdc_acm'])
    for (const key of ['Wants', 'After'])
      t.ok(
        unit.get(key)?.some(value => value.includes(`modprobe@${module}.service`)),
        `${key} ${module}`,
      )
})

const noSysusers = missing('systemd-sysusers') || (!isRoot && 'users can be made by root only')

t.test(
  'the user is made with its groups; those that exist keep their numbers',
  {
    skip: noSysusers,
  },
  async t => {
    const root = await mkdtemp(join(tmpdir(), 'users-'))
    t.teardown(() => rm(root, { recursive: true, force: true }))
    await mkdir(join(root, 'etc'))
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n')
    await writeFile(join(root, 'etc/group'), 'root:x:0:\ndialout:x:20:\ngpio:x:993:pi\n')
    for (const turn of ['first', 'second']) {
      const { status, text } = await run('systemd-sysusers', `--root=${root}`, file('pixelgate.sysusers'))
      t.equal(status, 0, `${turn} run: ${text}`)
    }
    const passwd = await readFile(join(root, 'etc/passwd'), 'utf8')
    t.match(passwd, /^pixelgate:x:\d+:\d+:[^:]*:\/var\/lib\/pixelgate:\/usr\/sbin\/nologin$/m)
    const group = await readFile(join(root, 'etc/group'), 'utf8')
    t.match(group, /^dialout:x:20:pixelgate$/m)
    t.match(group, /^gpio:x:993:pi,pixelgate$/m)
    t.match(group, /^plugdev:x:\d+:pixelgate$/m)
  },
)

t.test(
  'the folders are made with their rights, and again without change',
  {
    skip: noSysusers || missing('systemd-tmpfiles'),
  },
  async t => {
    const root = await mkdtemp(join(tmpdir(), 'folders-'))
    t.teardown(() => rm(root, { recursive: true, force: true }))
    await mkdir(join(root, 'etc/pixelgate'), { recursive: true })
    await writeFile(join(root, 'etc/pixelgate/config.json'), '{}', { mode: 0o666 })
    await run('systemd-sysusers', `--root=${root}`, file('pixelgate.sysusers'))
    for (const turn of ['first', 'second']) {
      const { status, text } = await run(
        'systemd-tmpfiles',
        `--root=${root}`,
        '--create',
        file('pixelgate.tmpfiles'),
      )
      t.same({ status, text }, { status: 0, text: '' }, `${turn} run`)
    }
    const [config, state] = [
      await stat(join(root, 'etc/pixelgate/config.json')),
      await stat(join(root, 'var/lib/pixelgate')),
    ]
    t.equal(config.mode & 0o777, 0o640)
    t.equal(config.uid, 0, 'the service can read its configuration, not write it')
    t.equal(config.gid, state.gid)
    t.equal(state.mode & 0o777, 0o750)
    t.not(state.uid, 0)
  },
)

t.test('the rules have the form that udev reads', async t => {
  const rules = (await readFile(file('60-pixelgate.rules'), 'utf8'))
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
  const token =
    /^((ACTION|SUBSYSTEM|KERNEL|DRIVER|GROUP|MODE|GOTO|LABEL|(ENV|ATTR)\{\w+\})(==|!=|=)|RUN\+=)"[^"]*"$/
  for (const rule of rules) for (const part of rule.split(', ')) t.match(part, token, rule)
  const labels = rules.flatMap(rule => /LABEL="(\w+)"/.exec(rule)?.[1] ?? [])
  for (const rule of rules) {
    const target = /GOTO="(\w+)"/.exec(rule)?.[1]
    if (target !== undefined) t.ok(labels.includes(target), `the label ${target}`)
  }
})

const noVerify = await run('udevadm', 'verify', '--help').then(
  ({ status }) => status !== 0 && 'udevadm verify comes with systemd 254',
)

t.test('udev finds no fault in the rules', { skip: noVerify }, async t => {
  const { status, text } = await run('udevadm', 'verify', '--resolve-names=never', file('60-pixelgate.rules'))
  t.equal(status, 0, text)
})

t.test('the example configuration is one that the gateway takes, and insists on no address', async t => {
  const env = { STATE_DIRECTORY: '/var/lib/pixelgate', RUNTIME_DIRECTORY: '/run/pixelgate' }
  const { origin, ...example } = await loadConfig({ file: file('config.example.json'), env })
  const { origin: _, ...defaults } = await loadConfig({ env })
  t.same(example, defaults, 'it shows defaults')
  t.match(example, { stateDir: '/var/lib/pixelgate', controlSocket: '/run/pixelgate/control.sock' })
  for (const key of ['http.port', 'mqtt.listeners'])
    t.equal(origin.get(key)?.layer, 'default', `${key}: an address that is taken must not stop the service`)
})
