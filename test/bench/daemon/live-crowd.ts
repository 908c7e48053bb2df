import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { LiveMessage } from '../../../src/wire/live.ts'
import { generate } from './generate.ts'
import { quantile } from './quantile.ts'

export interface CrowdConfig {
  readonly http: string
  readonly tokens: readonly string[]
  readonly clients: number
  /** Of them never read after they have subscribed. */
  readonly paused: number
}

export interface CrowdFigures {
  readonly messages: number
  /** Of one message, mean. */
  readonly messageBytes: number
  /** From the moment that the message names to its arrival. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly slowestMs: number
  /** Reading clients that still listened at the end. */
  readonly connected: number
  /** Messages whose number was not higher than that of the one before. */
  readonly disordered: number
}

const handshakesAtOnce = 50

await generate<CrowdConfig, CrowdFigures>(async ({ http, tokens, clients, paused }) => {
  let [counting, disordered, bytes] = [false, 0, 0]
  let delaysMs: number[] = []
  const open = async (client: number) => {
    const socket = new WebSocket(`${http.replace(/^http/, 'ws')}/ws`, {
      headers: { authorization: `Bearer ${tokens[client % tokens.length]}` },
      perMessageDeflate: false,
    })
    let lastSeq = 0
    const subscribed = new Promise<void>(resolve => {
      socket.on('message', data => {
        // The same clock as that of the gateway, which steps with the time of day.
        const atMs = Date.now()
        const text = String(data)
        const { seq, ts, topic, type } = JSON.parse(text) as LiveMessage
        if (seq <= lastSeq) disordered++
        lastSeq = seq
        if (type === 'subscribed') resolve()
        if (!counting || topic !== 'chat') return
        delaysMs.push(atMs - Date.parse(ts))
        bytes += text.length
      })
    })
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'subscribe', topics: ['chat'] }))
    await subscribed
    if (client < paused) socket.pause()
    return socket
  }
  const sockets: WebSocket[] = []
  while (sockets.length < clients) {
    const more = Array.from({ length: Math.min(handshakesAtOnce, clients - sockets.length) }, (_, n) => n)
    sockets.push(...(await Promise.all(more.map(n => open(sockets.length + n)))))
  }
  return {
    begin() {
      ;[counting, delaysMs, bytes] = [true, [], 0]
    },
    end() {
      counting = false
      return {
        messages: delaysMs.length,
        messageBytes: bytes / delaysMs.length,
        p50Ms: quantile(delaysMs, 0.5),
        p99Ms: quantile(delaysMs, 0.99),
        slowestMs: quantile(delaysMs, 1),
        connected: sockets.slice(paused).filter(({ readyState }) => readyState === WebSocket.OPEN).length,
        disordered,
      }
    },
  }
})
