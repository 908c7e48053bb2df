import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Load {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  /** Sent in turn over each connection. */
  readonly requests: readonly {
    readonly method: 'GET'
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
  }[]
}

export interface LoadFigures {
  readonly requests: number
  readonly perSecond: number
  /** 97.5 % are faster. */
  readonly p97Ms: number
  readonly p99Ms: number
  /** Neither 2xx nor 304, or no answer. */
  readonly failed: number
}

const child = fileURLToPath(new URL('load-child.ts', import.meta.url))

/** Loads a server from another process. */
export async function runLoad(load: Load): Promise<LoadFigures> {
  const timeout = (load.seconds + 30) * 1000
  const started = spawn(process.execPath, ['--import', 'tsx', child], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout,
  })
  let text = ''
  started.stdout.on('data', chunk => {
    text += chunk
  })
  started.stdin.end(JSON.stringify(load))
  const [status] = await once(started, 'close')
  if (status !== 0) throw new Error('the load generator failed')
  return JSON.parse(text)
}
