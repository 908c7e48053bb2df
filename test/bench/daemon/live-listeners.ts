import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { LiveMessage } from '../../../src/wire/live.ts'
import { generate, wallMs } from './generate.ts'
import { quantile } from './quantile.ts'

export interface ListenerConfig {
  readonly http: string
  readonly tokens: readonly string[]
  readonly clients: number
}

export interface ListenerFigures {
  readonly messages: number
  readonly progressMessages: number
  /** From the moment that the message names to its arrival. */
  readonly p99Ms: number
  readonly slowestMs: number
  /** Clients that still listened at the end. */
  readonly connected: number
  /** Messages whose number was not higher than that of the one before. */
  readonly disordered: number
}

const topics = ['boards', 'jobs', 'progress', 'chat', 'presence', 'typing', 'gpio', 'metrics', 'health']

await generate<ListenerConfig, ListenerFigures>(async ({ http, tokens, clients }) => {
  const url = `${http.replace(/^http/, 'ws')}/ws`
  let [counting, disordered, progressMessages] = [false, 0, 0]
  let delaysMs: number[] = []
  const sockets = await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const socket = new WebSocket(url, {
        headers: { authorization: `Bearer ${tokens[client % tokens.length]}` },
      })
      let lastSeq: number | undefined
      socket.on('message', data => {
        const { seq, ts, topic } = JSON.parse(String(data)) as LiveMessage
        if (lastSeq !== undefined && seq <= lastSeq) disordered++
        lastSeq = seq
        if (!counting) return
        delaysMs.push(wallMs() - Date.parse(ts))
        if (topic.startsWith('progress')) progressMessages++
      })
      await once(socket, 'open')
      socket.send(JSON.stringify({ type: 'subscribe', topics }))
      return socket
    }),
  )
  return {
    begin() {
      ;[counting, delaysMs, progressMessages] = [true, [], 0]
    },
    end() {
      counting = false
      return {
        messages: delaysMs.length,
        progressMessages,
        p99Ms: quantile(delaysMs, 0.99),
        slowestMs: quantile(delaysMs, 1),
        connected: sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length,
        disordered,
      }
    },
  }
})
