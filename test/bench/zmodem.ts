import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stop } from '../support/pty.ts'
import type { Delivery, ModelledLine } from './delivery.ts'

/** What sz needs to start. */
const readyMs = 300
const readWrite = constants.O_RDWR | constants.O_NOCTTY

/** Sends the payload with lrzsz over a line of the model, as `Delivery` says; 8-bit ZMODEM with its defaults. */
export async function zmodemThroughLine(
  line: ModelledLine,
  payload: Uint8Array,
  timeoutMs: number,
): Promise<Delivery> {
  const folder = await mkdtemp(join(tmpdir(), 'zmodem-'))
  const source = join(folder, 'payload')
  await writeFile(source, payload)
  const received = await mkdtemp(join(folder, 'received-'))
  try {
    const { ended, seconds } = await transfer(line, source, received, timeoutMs)
    const arrived = await readFile(join(received, 'payload')).catch(() => undefined)
    return { seconds, complete: ended && (arrived?.equals(payload) ?? false) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** `ended`: both programs ended by themselves and were content. */
async function transfer(
  line: ModelledLine,
  source: string,
  folder: string,
  timeoutMs: number,
): Promise<{ ended: boolean; seconds: number }> {
  const [host, board] = await Promise.all([open(line.host, readWrite), open(line.board, readWrite)])
  const timer = new AbortController()
  const run = async (command: string, args: string[], fd: number): Promise<boolean> => {
    const child = spawn(command, args, { cwd: folder, stdio: [fd, fd, 'ignore'] })
    timer.signal.addEventListener('abort', () => void stop(child))
    return new Promise(resolve => {
      child.once('error', () => resolve(false))
      child.once('exit', code => resolve(code === 0))
    })
  }
  const deadline = setTimeout(() => timer.abort(), timeoutMs)
  try {
    // sz throws away what came before it was ready, and would then wait ten seconds for the receiver to ask again.
    const sent = run('sz', ['-b', '-q', source], host.fd)
    await sleep(readyMs)
    const startMs = performance.now()
    const ends = await Promise.all([run('rz', ['-b', '-q', '-y'], board.fd), sent])
    return { ended: ends.every(end => end), seconds: (performance.now() - startMs) / 1000 }
  } finally {
    clearTimeout(deadline)
    await Promise.all([host.close(), board.close()])
  }
}
