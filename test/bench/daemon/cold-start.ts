import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from '../context.ts'
import { atMost, median, type Row, row } from '../row.ts'
import { GatewayFolder } from './gateway-process.ts'
import { startProcess } from './started-process.ts'

/** From the start of the process to its ready line. Files that were read before lie in the page cache. */
export async function* coldStart({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const starts = quick ? 3 : 10
  const line = `median of ${starts}`
  const of = (what: string, times: readonly number[], limitMs?: number) =>
    row({
      case: 'start',
      line,
      what,
      figure: median(times) / 1000,
      unit: 's',
      seed,
      detail: { 'fastest ms': Math.min(...times), 'slowest ms': Math.max(...times) },
      ...(limitMs && { target: atMost(limitMs / 1000) }),
    })
  yield of(
    'pixelgate, new database',
    await repeat(starts, () => withFolder(folder => startOnce(folder, main))),
    1000,
  )
  yield await withFolder(async folder => {
    await startOnce(folder, main)
    return of('pixelgate, its database', await repeat(starts, () => startOnce(folder, main)), 1000)
  })
  const bare = () => startOf(process.execPath, ['-e', 'console.log(1)'], line => line === '1')
  yield of('node -e', await repeat(starts, bare))
  yield of('mosquitto', await repeat(starts, startMosquitto))
}

async function repeat(times: number, once: () => Promise<number>): Promise<number[]> {
  const results: number[] = []
  while (results.length < times) results.push(await once())
  return results
}

async function withFolder<T>(use: (folder: GatewayFolder) => Promise<T>): Promise<T> {
  const folder = await GatewayFolder.make({ ports: [], baudRate: 500_000 })
  try {
    return await use(folder)
  } finally {
    await folder.remove()
  }
}

async function startOnce(folder: GatewayFolder, main: string): Promise<number> {
  const gateway = await folder.start(main)
  await gateway.process.end()
  return gateway.process.readyMs
}

async function startOf(program: string, args: readonly string[], isReady: (line: string) => boolean) {
  const started = await startProcess(program, args, isReady)
  await started.end()
  return started.readyMs
}

async function startMosquitto(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'mosquitto-'))
  try {
    const config = join(folder, 'mosquitto.conf')
    await writeFile(config, `listener ${await freePort()} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n`)
    return await startOf('mosquitto', ['-c', config], line => line.endsWith(' running'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One that was free a moment ago: mosquitto cannot choose for itself. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
