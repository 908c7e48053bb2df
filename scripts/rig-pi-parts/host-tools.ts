import { existsSync } from 'node:fs'
import { runCommand } from './run-command.ts'

const installTimeoutMs = 600_000

/** Command and Debian package that has it. */
const needed: readonly (readonly [string, string])[] = [
  ['qemu-system-aarch64', 'qemu-system-arm'],
  ['aarch64-linux-gnu-gcc', 'gcc-aarch64-linux-gnu'],
  ['aarch64-linux-gnu-g++', 'g++-aarch64-linux-gnu'],
  ['make', 'make'],
  ['python3', 'python3'],
  ['fakeroot', 'fakeroot'],
  ['cpio', 'cpio'],
  ['mke2fs', 'e2fsprogs'],
  ['depmod', 'kmod'],
  ['dpkg-deb', 'dpkg'],
  ['apt-get', 'apt'],
]

export const onPath = (command: string): boolean =>
  `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`.split(':').some(folder => existsSync(`${folder}/${command}`))

/**
 * Installs what is missing with apt, through sudo for who is not root. Nothing else of the rig needs root rights.
 * Throws with the line to type when that cannot be done.
 */
export async function needHostTools(tell: (text: string) => void): Promise<void> {
  const packages = needed.filter(([command]) => !onPath(command)).map(([, name]) => name)
  if (packages.length === 0) return
  tell(`Installing with apt: ${packages.join(' ')}`)
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const [command = 'apt-get', ...rest] = [
    ...asRoot,
    'apt-get',
    'install',
    '-y',
    '-q',
    '--no-install-recommends',
    ...packages,
  ]
  try {
    await runCommand(command, rest, {
      timeoutMs: installTimeoutMs,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    })
  } catch (cause) {
    throw new Error(`Not here: sudo apt-get install --no-install-recommends ${packages.join(' ')}`, { cause })
  }
}
