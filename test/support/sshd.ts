import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { eventually, type Workplace } from './pixelgate.ts'

/** Of the machine, or unpacked from its package by scripts/test: installing it would start a server on every address. */
const places = [
  '/usr/sbin/sshd',
  fileURLToPath(new URL('../../node_modules/.cache/sshd/usr/sbin/sshd', import.meta.url)),
]
const program = places.find(existsSync)

const isRoot = process.getuid?.() === 0
/** The user that sshd becomes before a key was shown; comes with the package. */
const hasOwnUser = spawnSync('getent', ['passwd', 'sshd']).status === 0

/** For the options of a test. */
export const withoutSsh = (): string | false => {
  if (isRoot && !hasOwnUser && spawnSync('unshare', ['--mount', 'true']).status !== 0)
    return 'there is no user sshd, and none can be shown to it'
  if (program === undefined) return 'there is no sshd (scripts/test fetches it where apt can)'
  if (spawnSync(program, ['-V']).error !== undefined) return 'sshd does not start here'
  return spawnSync('ssh', ['-V']).error !== undefined && 'there is no ssh'
}

/** Runs commands over SSH as the user of the test. */
export interface SshServer {
  /** With a terminal, as somebody who has signed in. */
  session(command: string): ChildProcess
}

/** An SSH server on a free port of 127.0.0.1 with keys of its own, which lets only the one key in; it ends with the test. */
export async function startSshd(t: Test, place: Workplace): Promise<SshServer> {
  const key = (name: string) => {
    const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', place.path(name)])
    if (made.status !== 0) throw new Error(String(made.stderr))
    return place.path(name)
  }
  const [host, client] = [key('host-key'), key('client-key')]
  const port = await freePort()
  // sshd wants it where it gives up its rights; systemd makes it elsewhere.
  if (isRoot) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const config = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${host}`,
    `AuthorizedKeysFile ${client}.pub`,
    `PidFile ${place.path('sshd.pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
  ]
  await writeFile(place.path('sshd_config'), `${config.join('\n')}\n`)
  await chmod(place.path('client-key'), 0o600)
  const command = [String(program), '-D', '-e', '-f', place.path('sshd_config')]
  const bound = ['--pdeathsig', 'KILL', ...(isRoot && !hasOwnUser ? await withUser(place) : []), ...command]
  const server = spawn('setpriv', bound, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  server.stderr?.on('data', chunk => {
    log += chunk
  })
  t.teardown(() => void server.kill())
  await eventually(() => {
    if (server.exitCode !== null) throw new Error(`sshd has ended: ${log}`)
    return log.includes('Server listening')
  }, 'sshd')
  const options = [
    `-p${port}`,
    `-i${client}`,
    '-tt',
    '-oStrictHostKeyChecking=no',
    '-oUserKnownHostsFile=/dev/null',
    '-oIdentitiesOnly=yes',
    '-oBatchMode=yes',
    '-oLogLevel=ERROR',
  ]
  return {
    session: command => {
      const args = ['-F', 'none', ...options, `${userInfo().username}@127.0.0.1`, command]
      const child = spawn('ssh', args, { stdio: ['pipe', 'pipe', 'pipe'] })
      t.teardown(() => void child.kill('SIGKILL'))
      return child
    },
  }
}

/** Shows the user to sshd alone: in a mount namespace, so that the machine's own list stays as it is. */
async function withUser(place: Workplace): Promise<readonly string[]> {
  const users = `${await readFile('/etc/passwd', 'utf8')}sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n`
  const script = 'mount --bind "$0" /etc/passwd && exec "$@"'
  return ['unshare', '--mount', 'sh', '-c', script, await place.file('passwd', users)]
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
