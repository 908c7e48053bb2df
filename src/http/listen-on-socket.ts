import { once } from 'node:events'
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises'
import { createConnection, type Server } from 'node:net'
import { dirname } from 'node:path'
import { AppError, toError } from '../kernel/errors.ts'

/** Somebody who does not take a connection within this time is there all the same, only busy. */
const probeTimeoutMs = 1000
/** sun_path holds 108 bytes with its closing zero (unix(7)); libuv cuts a longer path off without a word. */
const maxPathBytes = 107

/**
 * Listens on a Unix socket for its user and group (0660, in a folder made 0750). A socket file that a killed gateway
 * left is removed, but only when nobody answers on it. Closing the server removes the file.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > maxPathBytes) {
    const message = `the control socket ${path} has too long a path: choose one of at most ${maxPathBytes} bytes`
    throw new AppError('config_invalid', message)
  }
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o750 })
    await makeWay(path)
    server.listen(path)
    await once(server, 'listening')
    await chmod(path, 0o660)
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') throw running(path)
    const message = `cannot listen on ${path}: ${reasons[code ?? ''] ?? toError(thrown).message}`
    throw new AppError('daemon_failed', message, { cause: thrown })
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'give this user the right to write the folder, or choose another control socket',
  EROFS: 'the disk is read-only; choose another control socket',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'a part of the path is a file, not a folder',
}

const running = (path: string): AppError =>
  new AppError(
    'conflict',
    `another pixelgate is running: it answers on ${path}. Stop it first, or choose another control socket`,
  )

async function makeWay(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new AppError(
      'conflict',
      `${path} is there and is no socket: move it away, or choose another control socket`,
    )
  }
  if (await answers(path)) throw running(path)
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** Only a refused connection proves that nobody listens; full queues and missing rights do not. */
async function answers(path: string): Promise<boolean> {
  const socket = createConnection({ path, timeout: probeTimeoutMs })
  try {
    return await new Promise(resolve => {
      socket.once('connect', () => resolve(true))
      socket.once('timeout', () => resolve(true))
      socket.once('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
      })
    })
  } finally {
    socket.destroy()
  }
}
