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

/** `ended`: the sender ended by itself and was content. */
async function transfer(
  line: ModelledLine,
  source: string,
  folder: string,
  timeoutMs: number,
): Promise<{ ended: boolean; seconds: number }> {
  const [host, board] = await Promise.all([open(line.host, readWrite), open(line.board, readWrite)])
  const start = (command: string, args: string[], fd: number) => {
    const child = spawn(command, args, { cwd: folder, stdio: [fd, fd, 'ignore'] })
    const content = new Promise<boolean>(resolve => {
      child.once('error', () => resolve(false))
      child.once('exit', code => resolve(code === 0))
    })
    return { child, content }
  }
  // sz throws away what came before it was ready, and would then wait ten seconds for the receiver to ask again.
  const sz = start('sz', ['-b', '-q', source], host.fd)
  await sleep(readyMs)
  const startMs = performance.now()
  const rz = start('rz', ['-b', '-q', '-y'], board.fd)
  const deadline = setTimeout(() => void stop(sz.child), timeoutMs)
  try {
    // sz is content when rz has closed the file. Its farewell is at times lost as it exits, and rz waits for it half a minute.
    const ended = await sz.content
    return { ended, seconds: (performance.now() - startMs) / 1000 }
  } finally {
    clearTimeout(deadline)
    await stop(rz.child)
    await Promise.all([host.close(), board.close()])
  }
}
