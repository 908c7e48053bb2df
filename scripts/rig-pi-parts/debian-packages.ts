import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache } from './places.ts'
import { runCommand } from './run-command.ts'

const updateTimeoutMs = 120_000
const downloadTimeoutMs = 600_000
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** The machine's userland; apt adds what they depend on. */
const wanted = [
  'base-files',
  'base-passwd',
  'bash',
  'busybox-static',
  'coreutils',
  'dash',
  'debianutils',
  'diffutils',
  'findutils',
  'gpiod',
  'grep',
  'gzip',
  'hostname',
  'kmod',
  'libstdc++6',
  'login',
  'mawk',
  'mount',
  'passwd',
  'procps',
  'sed',
  'systemd',
  'systemd-sysv',
  'tar',
  'udev',
  'usr-is-merged',
  'util-linux',
  'util-linux-extra',
]

export interface Packages {
  readonly userland: readonly string[]
  readonly kernel: string
}

/**
 * Downloads Debian 12 for arm64 with apt in a folder of its own: neither a foreign architecture nor root rights are needed
 * on this machine. apt checks the archive's signatures.
 */
export async function downloadPackages(mirror: string | undefined): Promise<Packages> {
  const folder = join(cache, 'apt')
  const archives = join(folder, 'cache/archives')
  for (const each of ['state/lists/partial', 'cache/archives/partial', 'kernel', 'parts'])
    mkdirSync(join(folder, each), { recursive: true })
  writeFileSync(join(folder, 'status'), '')
  writeFileSync(join(folder, 'sources.list'), sources(mirror ?? (await mirrorHere())))
  writeFileSync(join(folder, 'apt.conf'), settings(folder))
  const env = { APT_CONFIG: join(folder, 'apt.conf'), LC_ALL: 'C' }
  const apt = (command: string, args: readonly string[], timeoutMs: number, cwd = folder) =>
    runCommand(command, args, { timeoutMs, cwd, env })
  await apt('apt-get', ['update', '-q'], updateTimeoutMs)
  const planned = await apt('apt-get', ['install', '--simulate', '-q', ...wanted], updateTimeoutMs)
  await apt('apt-get', ['install', '--download-only', '-y', '-q', ...wanted], downloadTimeoutMs)
  const userland = plannedFiles(planned).map(name => join(archives, name))
  const absent = userland.filter(path => !existsSync(path))
  if (absent.length > 0) throw new Error(`apt has not downloaded ${absent.join(', ')}`)
  return { userland, kernel: await downloadKernel(apt, join(folder, 'kernel')) }
}

/** Debian's archive as this machine's apt knows it. */
async function mirrorHere(): Promise<string> {
  const format = '$(REPO_URI) $(LABEL) $(COMPONENT)'
  const known = await runCommand('apt-get', ['indextargets', '--format', format], {
    timeoutMs: updateTimeoutMs,
  })
  const found = /^(\S+?)\/? Debian main$/m.exec(known)?.[1]
  if (found !== undefined) return found
  throw new Error('apt on this machine uses no Debian archive. Name one: npm run rig:pi -- --mirror URL')
}

type Apt = (command: string, args: readonly string[], timeoutMs: number, cwd?: string) => Promise<string>

/** Debian's present kernel; installing it would pull in what makes its initramfs. */
async function downloadKernel(apt: Apt, folder: string): Promise<string> {
  const depends = await apt('apt-cache', ['depends', 'linux-image-arm64'], updateTimeoutMs)
  const image = /Depends: (linux-image-\S+)/.exec(depends)?.[1]
  if (image === undefined) throw new Error('linux-image-arm64 depends on no kernel')
  const uri = await apt('apt-get', ['download', '--print-uris', image], updateTimeoutMs)
  const file = /^'\S+' (\S+\.deb) /m.exec(uri)?.[1]
  if (file === undefined) throw new Error(`apt knows no file of ${image}`)
  const path = join(folder, file)
  if (!existsSync(path)) await apt('apt-get', ['download', image], downloadTimeoutMs, folder)
  return path
}

/** Archives that apt would install, from lines such as "Inst gpiod (1.6.3-1+b3 Debian:12.11/stable [arm64])". */
export const plannedFiles = (simulated: string): string[] =>
  [...simulated.matchAll(/^Inst (\S+) \((\S+) .*\[(\S+)\]\)/gm)].map(
    ([, name, version = '', architecture]) => `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`,
  )

const sources = (mirror: string): string =>
  [
    [mirror, 'bookworm'],
    [mirror, 'bookworm-updates'],
    [`${mirror}-security`, 'bookworm-security'],
  ]
    .map(([uri, suite]) => `deb [signed-by=${keyring}] ${uri} ${suite} main\n`)
    .join('')

const settings = (folder: string): string => `APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Dir::State "${folder}/state";
Dir::State::status "${folder}/status";
Dir::Cache "${folder}/cache";
Dir::Etc::sourcelist "${folder}/sources.list";
Dir::Etc::sourceparts "${folder}/parts";
Dir::Etc::preferencesparts "${folder}/parts";
Dir::Etc::parts "${folder}/parts";
`
