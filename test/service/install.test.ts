import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { missing } from './until.ts'

const project = fileURLToPath(new URL('../../', import.meta.url))
const timeoutMs = 120_000
const isRoot = process.getuid?.() === 0
const lib = 'usr/lib/pixelgate'
const skip =
  missing('bash', 'tar', 'node') ||
  (!isRoot && missing('systemd-sysusers')) ||
  (isRoot && missing('systemd-sysusers', 'systemd-tmpfiles', 'systemctl', 'userdel'))

interface Finished {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** `env` replaces what it names; the installer is that of `source`. */
function run(
  source: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  return new Promise(resolve => {
    execFile(
      join(source, 'scripts/install.sh'),
      args,
      { timeout: timeoutMs, env: { ...process.env, ...env } },
      (error, out, err) => resolve({ status: error === null ? 0 : Number(error.code ?? 1), out, err }),
    )
  })
}

/** Of names, kinds, rights, owners, contents and moments of change of a tree. */
async function treeHash(root: string): Promise<string> {
  const hash = createHash('sha256')
  const names = (await readdir(root, { recursive: true })).sort()
  for (const name of names) {
    const path = join(root, name)
    const { mode, uid, gid, mtimeMs } = await lstat(path)
    const link = (mode & 0o170_000) === 0o120_000
    const regular = (mode & 0o170_000) === 0o100_000
    hash.update(JSON.stringify([name, mode, uid, gid, mtimeMs]))
    if (link) hash.update(await readlink(path))
    if (regular) hash.update(await readFile(path))
  }
  return hash.digest('hex')
}

const filesBelow = async (root: string): Promise<string[]> =>
  (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()

/** A release in a folder of its own: small, with packages that the program needs and one that only tests do. */
async function release(t: Test, version: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'release-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const write = async (path: string, text: string) => {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), text)
  }
  for (const name of ['install.sh', 'release-files.mjs']) {
    await mkdir(join(root, 'scripts'), { recursive: true })
    await cp(join(project, 'scripts', name), join(root, 'scripts', name))
  }
  await cp(join(project, 'systemd'), join(root, 'systemd'), { recursive: true })
  await write(
    'dist/main.js',
    `process.stdout.write(${JSON.stringify(`${version} `)} + process.argv.slice(2) + ' ' + process.env.PIXELGATE_CONTROL_SOCKET)\n`,
  )
  await write('docs/install.md', '# Install\n')
  await write('firmware-protocol/wasm/board.wasm', 'wasm')
  await write('firmware-protocol/boards/prebuilt/uno.hex', ':00000001FF\n')
  await write('LICENSE', 'MIT\n')
  await write('package.json', JSON.stringify({ name: 'pixelgate', version, type: 'module' }))
  await write('node_modules/better-sqlite3/index.js', 'module.exports = class { close() {} }\n')
  await write('node_modules/better-sqlite3/src/database.cpp', 'int main;\n')
  await write('node_modules/@serialport/bindings-cpp/index.js', '')
  await write(
    `node_modules/@serialport/bindings-cpp/prebuilds/${process.platform}-${process.arch}/b.node`,
    'own',
  )
  await write('node_modules/@serialport/bindings-cpp/prebuilds/other-chip/b.node', 'foreign')
  await write('node_modules/tap/index.js', '')
  const packages = {
    '': {},
    'node_modules/better-sqlite3': {},
    'node_modules/@serialport/bindings-cpp': {},
    'node_modules/onoff': { optional: true },
    'node_modules/tap': { dev: true },
  }
  await write('package-lock.json', JSON.stringify({ packages }))
  return root
}

/** A folder that stands for the root of a machine that has users. */
async function machine(t: Test): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'machine-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'etc'))
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n')
  await writeFile(join(root, 'etc/group'), 'root:x:0:\ndialout:x:20:\n')
  return root
}

t.test('an installation has all it needs, and a second one changes nothing', { skip }, async t => {
  const [source, root] = [await release(t, '1.2.3'), await machine(t)]
  const before = await treeHash(root)
  const dry = await run(source, ['--dry-run', '--prefix', root])
  t.equal(dry.status, 0, dry.err)
  t.match(dry.out, /This was a dry run: nothing was changed/)
  t.equal(await treeHash(root), before, 'a dry run leaves no trace')

  const first = await run(source, ['--prefix', root])
  t.equal(first.status, 0, first.err)
  t.match(first.out, /systemd does not run here \(chroot or image\)/)
  t.match(first.out, /\nDone\.\n/)
  t.same(await filesBelow(join(root, lib)), [
    'LICENSE',
    'dist/main.js',
    'docs/install.md',
    'firmware-protocol/boards/prebuilt/uno.hex',
    'firmware-protocol/wasm/board.wasm',
    'node_modules/@serialport/bindings-cpp/index.js',
    `node_modules/@serialport/bindings-cpp/prebuilds/${process.platform}-${process.arch}/b.node`,
    'node_modules/better-sqlite3/index.js',
    'package-lock.json',
    'package.json',
    'scripts/install.sh',
    'scripts/release-files.mjs',
    'systemd/60-pixelgate.rules',
    'systemd/config.example.json',
    'systemd/pixelgate-sysfs-gpio.conf',
    'systemd/pixelgate.service',
    'systemd/pixelgate.sysusers',
    'systemd/pixelgate.tmpfiles',
  ])
  t.equal(
    await readlink(join(root, 'etc/systemd/system/multi-user.target.wants/pixelgate.service')),
    '/usr/lib/systemd/system/pixelgate.service',
  )
  const unit = await readFile(join(root, 'usr/lib/systemd/system/pixelgate.service'), 'utf8')
  const interpreter = /^ExecStart=(\S+) .*\/usr\/lib\/pixelgate\/dist\/main\.js/m.exec(unit)?.[1] ?? ''
  t.ok((await lstat(interpreter)).mode & 0o111, 'the unit names a program that is there')
  const config = await lstat(join(root, 'etc/pixelgate/config.json'))
  t.equal(config.mode & 0o777, 0o640)
  if (isRoot) {
    const [, uid] = /^pixelgate:x:(\d+):/m.exec(await readFile(join(root, 'etc/passwd'), 'utf8')) ?? []
    const state = await lstat(join(root, 'var/lib/pixelgate'))
    t.same([state.uid, state.mode & 0o777], [Number(uid), 0o750])
    t.same([config.uid, config.gid], [0, state.gid])
    t.same([(await lstat(join(root, lib))).uid, (await lstat(join(root, lib, 'dist/main.js'))).uid], [0, 0])
  }

  await writeFile(join(root, 'etc/pixelgate/config.json'), '{ "discovery": "all" }')
  const installed = await treeHash(root)
  const second = await run(source, ['--prefix', root])
  t.equal(second.status, 0, second.err)
  t.match(second.out, /Nothing changed: everything was in place/)
  t.equal(await treeHash(root), installed, 'not a byte, not a moment')
  t.equal((await run(source, [], { DESTDIR: root })).status, 0)
  t.equal(await treeHash(root), installed, 'DESTDIR is the same')
})

t.test('an update keeps the program before, and a roll-back brings it back', { skip }, async t => {
  const [older, newer, root] = [await release(t, '1.0.0'), await release(t, '1.1.0'), await machine(t)]
  await run(older, ['--prefix', root])
  await writeFile(join(root, 'etc/pixelgate/config.json'), '{ "discovery": "all" }')
  await mkdir(join(root, 'var/lib/pixelgate'), { recursive: true })
  await writeFile(join(root, 'var/lib/pixelgate/gateway.db'), 'rows')
  await writeFile(join(newer, 'systemd/60-pixelgate.rules'), '# newer\n')
  const update = await run(newer, ['--prefix', root])
  t.equal(update.status, 0, update.err)
  const version = async (path: string) =>
    JSON.parse(await readFile(join(root, path, 'package.json'), 'utf8')).version as string
  t.same([await version(lib), await version(`${lib}.previous`)], ['1.1.0', '1.0.0'])
  t.equal(await readFile(join(root, 'etc/pixelgate/config.json'), 'utf8'), '{ "discovery": "all" }')
  t.equal(await readFile(join(root, 'usr/lib/udev/rules.d/60-pixelgate.rules'), 'utf8'), '# newer\n')

  const updated = await treeHash(root)
  t.equal((await run(newer, ['--roll-back', '--dry-run', '--prefix', root])).status, 0)
  t.equal(await treeHash(root), updated, 'a dry run leaves no trace')
  const back = await run(join(root, lib), ['--roll-back', '--prefix', root])
  t.equal(back.status, 0, back.err)
  t.same([await version(lib), await version(`${lib}.previous`)], ['1.0.0', '1.1.0'])
  t.not(await readFile(join(root, 'usr/lib/udev/rules.d/60-pixelgate.rules'), 'utf8'), '# newer\n')
  t.equal(await readFile(join(root, 'var/lib/pixelgate/gateway.db'), 'utf8'), 'rows')

  const itself = await run(join(root, lib), ['--prefix', root])
  t.equal(itself.status, 1)
  t.match(itself.err, /this is the installed copy itself/)
})

t.test('a file that was changed or lost is put back', { skip }, async t => {
  const [source, root] = [await release(t, '1.2.3'), await machine(t)]
  await run(source, ['--prefix', root])
  const wholesome = await readFile(join(root, lib, 'dist/main.js'), 'utf8')
  await writeFile(join(root, lib, 'dist/main.js'), 'damaged')
  await rm(join(root, 'usr/local/bin/pixelgate'))
  const repaired = await run(source, ['--prefix', root])
  t.match(repaired.out, /\/usr\/local\/bin\/pixelgate: written/)
  t.equal(await readFile(join(root, lib, 'dist/main.js'), 'utf8'), wholesome)
  t.same(
    (await readdir(join(root, 'usr/lib'))).filter(name => name.startsWith('pixelgate')).sort(),
    ['pixelgate', 'pixelgate.previous'],
    'nothing half-done is left',
  )
})

t.test('what is uninstalled leaves the data only, and a purge leaves nothing', { skip }, async t => {
  const [source, root] = [await release(t, '1.2.3'), await machine(t)]
  const before = await filesBelow(root)
  await run(source, ['--prefix', root])
  await mkdir(join(root, 'var/lib/pixelgate'), { recursive: true })
  await writeFile(join(root, 'var/lib/pixelgate/gateway.db'), 'rows')
  const installed = await treeHash(root)
  t.equal((await run(source, ['--uninstall', '--purge', '--dry-run', '--prefix', root])).status, 0)
  t.equal(await treeHash(root), installed, 'a dry run leaves no trace')

  const gone = await run(join(root, lib), ['--uninstall', '--prefix', root])
  t.equal(gone.status, 0, gone.err)
  t.match(gone.out, /Kept: \/var\/lib\/pixelgate, \/etc\/pixelgate and the user pixelgate/)
  // Copies and locks of the user database belong to the tools that change it.
  const left = async () =>
    (await filesBelow(root)).filter(path => !/^etc\/(\.pwd\.lock|g?shadow-?|passwd-|group-)$/.test(path))
  t.same(await left(), [...before, 'etc/pixelgate/config.json', 'var/lib/pixelgate/gateway.db'].sort())
  t.match(
    (await run(source, ['--uninstall', '--prefix', root])).out,
    /Nothing changed: pixelgate is not installed/,
  )

  t.equal((await run(source, ['--uninstall', '--purge', '--prefix', root])).status, 0)
  t.same(await left(), before)
  if (isRoot) t.notMatch(await readFile(join(root, 'etc/passwd'), 'utf8'), /pixelgate/)
})

t.test(
  'the launcher leads commands to the service, and leaves a daemon of your own alone',
  { skip },
  async t => {
    const [source, root] = [await release(t, '1.2.3'), await machine(t)]
    await run(source, ['--prefix', root])
    const text = (await readFile(join(root, 'usr/local/bin/pixelgate'), 'utf8'))
      .replaceAll('/usr/lib/pixelgate', join(root, lib))
      .replaceAll('/run/pixelgate', join(root, 'run/pixelgate'))
    const script = join(root, 'launcher')
    await writeFile(script, text)
    await chmod(script, 0o755)
    const launch = (args: readonly string[], env: Record<string, string> = {}) =>
      new Promise<string>((resolve, reject) => {
        execFile(
          script,
          args,
          { timeout: timeoutMs, env: { PATH: '/usr/bin:/bin', ...env } },
          (error, out) => (error ? reject(error) : resolve(out)),
        )
      })
    t.equal(await launch(['boards', '--json']), '1.2.3 boards,--json undefined', 'there is no service')
    await mkdir(join(root, 'run/pixelgate'), { recursive: true })
    const socket = join(root, 'run/pixelgate/control.sock')
    t.equal(await launch(['boards']), `1.2.3 boards ${socket}`)
    t.equal(await launch(['serve']), '1.2.3 serve undefined')
    t.equal(await launch(['jobs'], { PIXELGATE_CONTROL_SOCKET: '/x' }), '1.2.3 jobs /x', 'yours comes first')
  },
)

t.test('what is missing is told before anything is changed', { skip }, async t => {
  const [source, root] = [await release(t, '1.2.3'), await machine(t)]
  const before = await treeHash(root)
  const refused = async (words: RegExp, args: readonly string[], env: Record<string, string> = {}) => {
    const { status, err, out } = await run(source, args, env)
    t.not(status, 0)
    t.match(err, words)
    t.notMatch(out, /Done/)
    t.equal(await treeHash(root), before, String(words))
  }
  const bin = await mkdtemp(join(tmpdir(), 'bin-'))
  t.teardown(() => rm(bin, { recursive: true, force: true }))
  for (const tool of ['bash', 'env', 'id', 'uname', 'readlink', 'dirname', 'mktemp', 'tar', 'rm', 'cat'])
    await symlink(join('/usr/bin', tool), join(bin, tool))
  await refused(/Node\.js 20\.19 or newer is not installed.*nodesource/s, ['--prefix', root], { PATH: bin })
  await writeFile(join(bin, 'node'), '#!/usr/bin/env bash\n[ "$1" = --version ] && echo v18.20.4\nexit 1\n', {
    mode: 0o755,
  })
  await refused(/20\.19 or newer is needed, \S+ is v18\.20\.4/, ['--prefix', root], { PATH: bin })
  await refused(/does not exist/, ['--prefix', join(root, 'nowhere')])
  await refused(/--purge goes with --uninstall only/, ['--purge', '--prefix', root])
  await refused(/no earlier program/, ['--roll-back', '--prefix', root])
  await refused(/--prefix wants a folder/, ['--prefix'])
  await refused(/--dry-run +say what would be done/, ['--what'])
  await rm(join(source, 'node_modules/better-sqlite3/index.js'))
  await refused(/do not run with .*npm rebuild/s, ['--prefix', root])
  await writeFile(
    join(source, 'node_modules/better-sqlite3/index.js'),
    'module.exports = class { close() {} }\n',
  )
  await rm(join(source, 'dist'), { recursive: true })
  await refused(/dist\/main\.js is missing\. Run: npm run build/, ['--prefix', root])
})
