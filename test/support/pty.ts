import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/kernel/clock.ts'
import { withDeadline } from '../../src/kernel/deadline.ts'

const startTimeoutMs = 60_000

/** Two raw pseudo-terminals joined by socat: what goes in at one comes out at the other. */
export interface PtyPair {
  /** Paths of the terminals, /dev/pts/N. */
  readonly a: string
  readonly b: string
  /** Ends socat, so both terminals hang up, as at an unplug. May be called again. */
  unplug(): Promise<void>
}

/** Call `unplug` at teardown. */
export async function openPtyPair(): Promise<PtyPair> {
  const folder = await mkdtemp(join(tmpdir(), 'pty-'))
  const links = [join(folder, 'a'), join(folder, 'b')] as const
  const ends = links.map(link => `PTY,raw,echo=0,link=${link}`)
  const child = spawn('socat', ['-d', '-d', ...ends], { stdio: ['ignore', 'ignore', 'pipe'] })
  try {
    await withDeadline(systemClock, startTimeoutMs, transferring(child), 'link_failed', 'socat made no ptys')
    const [a, b] = await Promise.all([realpath(links[0]), realpath(links[1])])
    return { a, b, unplug: () => stop(child).then(() => rm(folder, { recursive: true, force: true })) }
  } catch (error) {
    await stop(child)
    throw error
  }
}

/** A raw pseudo-terminal whose far end reads nothing, so that writes soon block, and says what it is told to. */
export interface DeafPty {
  /** Path of the terminal, /dev/pts/N. */
  readonly device: string
  /** Sends a text from the far end; once only. */
  speak(text: string): Promise<void>
  unplug(): Promise<void>
}

/** Call `unplug` at teardown. */
export async function openDeafPty(): Promise<DeafPty> {
  const folder = await mkdtemp(join(tmpdir(), 'pty-'))
  const [link, said] = [join(folder, 'a'), join(folder, 'said')]
  execFileSync('mkfifo', [said])
  const child = spawn(
    'socat',
    ['-d', '-d', `PTY,raw,echo=0,link=${link}`, `SYSTEM:cat ${said}; exec sleep 60`],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    },
  )
  const unplug = async () => {
    await stop(child, 'group')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await withDeadline(systemClock, startTimeoutMs, transferring(child), 'link_failed', 'socat made no pty')
    return { device: await realpath(link), speak: text => writeFile(said, text), unplug }
  } catch (error) {
    await unplug()
    throw error
  }
}

function transferring(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let told = ''
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`socat ended: ${told}`)))
    child.stderr?.on('data', chunk => {
      told += chunk
      if (told.includes('starting data transfer loop')) resolve()
    })
  })
}

/** Ends a child by its own id, or with `group` a detached one and all that it started. */
export async function stop(child: ChildProcess, whole: 'alone' | 'group' = 'alone'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  if (whole === 'group') killGroup(child.pid)
  else child.kill('SIGKILL')
  await exited
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (thrown) {
    // It has ended already, and its exit is about to be told.
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}
