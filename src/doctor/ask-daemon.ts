import { request } from 'node:http'

/** What the daemon says on its control socket. */
export type DaemonAnswer =
  | { readonly runs: false; readonly reason: 'absent' | 'denied' | 'silent' }
  | { readonly runs: true; readonly health: Health | undefined; readonly openPorts: readonly string[] }

interface Health {
  readonly status: string
  readonly score: number
  readonly checks: readonly { readonly name: string; readonly status: string; readonly message: string }[]
}

const answerTimeoutMs = 4_000
const maxAnswerBytes = 1024 * 1024

/** Never rejects. */
export async function askDaemon(socketPath: string): Promise<DaemonAnswer> {
  const live = await get(socketPath, '/api/v1/health/live')
  if (live.code !== undefined) {
    const absent = live.code === 'ENOENT' || live.code === 'ECONNREFUSED' || live.code === 'ENOTSOCK'
    return { runs: false, reason: absent ? 'absent' : live.code === 'EACCES' ? 'denied' : 'silent' }
  }
  const [health, ports] = await Promise.all([
    get(socketPath, '/api/v1/health'),
    get(socketPath, '/api/v1/ports?limit=100'),
  ])
  const { status, score, checks } = asObject(health.value)
  const list = asObject(ports.value)['ports']
  return {
    runs: true,
    health: Array.isArray(checks)
      ? { status: String(status), score: Number(score), checks: checks as Health['checks'] }
      : undefined,
    openPorts: (Array.isArray(list) ? list : [])
      .filter(port => asObject(port)['open'] === true)
      .map(port => String(asObject(port)['path'])),
  }
}

interface Answer {
  readonly value?: unknown
  /** Why there is none. */
  readonly code?: string
}

function get(socketPath: string, path: string): Promise<Answer> {
  return new Promise(resolve => {
    const asked = request({ socketPath, path, timeout: answerTimeoutMs }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > maxAnswerBytes) asked.destroy()
      })
      response.on('close', () => resolve({ value: parse(text) }))
    })
    asked.on('timeout', () => asked.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })))
    asked.on('error', (error: NodeJS.ErrnoException) => resolve({ code: error.code ?? 'unknown' }))
    asked.end()
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const asObject = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
