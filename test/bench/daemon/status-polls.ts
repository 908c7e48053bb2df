import { Agent, get } from 'node:http'
import { generate } from './generate.ts'
import { quantile } from './quantile.ts'

export interface PollConfig {
  readonly http: string
  readonly token: string
  readonly pollsPerSecond: number
}

export interface PollFigures {
  readonly polls: number
  /** Answers other than 200, and none at all. */
  readonly failed: number
  readonly p99Ms: number
  readonly slowestMs: number
}

const paths = ['/api/v1/boards', '/api/v1/health']
const timeoutMs = 10_000

await generate<PollConfig, PollFigures>(async ({ http, token, pollsPerSecond }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  let [counting, failed, number] = [false, 0, 0]
  let answersMs: number[] = []
  const poll = () => {
    const sentMs = performance.now()
    const counts = counting
    const path = paths[number++ % paths.length]
    const request = get(
      `${http}${path}`,
      { agent, headers: { authorization: `Bearer ${token}` }, timeout: timeoutMs },
      response => {
        response.resume().once('end', () => {
          if (!counts) return
          answersMs.push(performance.now() - sentMs)
          if (response.statusCode !== 200) failed++
        })
      },
    )
    request.once('timeout', () => request.destroy())
    request.once('error', () => {
      if (counts) failed++
    })
  }
  setInterval(poll, 1000 / pollsPerSecond)
  return {
    begin() {
      ;[counting, failed, answersMs] = [true, 0, []]
    },
    end() {
      counting = false
      return {
        polls: answersMs.length,
        failed,
        p99Ms: quantile(answersMs, 0.99),
        slowestMs: quantile(answersMs, 1),
      }
    },
  }
})
