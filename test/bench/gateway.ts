import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const buildTimeoutMs = 300_000

/** Preloaded, it delays each fsync by SLOW_FSYNC_MS. */
export const slowFsyncLibrary = join(root, 'test/bench/build/slow-fsync.so')

/** Builds the line model with its boards, and the library to preload. */
export async function buildModel(): Promise<void> {
  await run('make', ['-s', '-C', join(root, 'firmware-protocol'), 'build/libpixelgate.a'], {
    timeout: buildTimeoutMs,
  })
  await run('make', ['-s', '-C', join(root, 'test/bench')], { timeout: buildTimeoutMs })
}

/** Builds the gateway if it is stale; the path of its main file. */
export async function buildGateway(): Promise<string> {
  const main = join(root, 'dist/main.js')
  const builtMs = await stat(main).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
  const sources = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true })
  const changedMs = await Promise.all(
    sources
      .filter(entry => entry.isFile())
      .map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).mtimeMs),
  )
  if (changedMs.some(ms => ms > builtMs)) {
    await run('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: root, timeout: buildTimeoutMs })
  }
  return main
}
