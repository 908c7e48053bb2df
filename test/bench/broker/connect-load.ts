import { generate } from '../daemon/generate.ts'
import { FastClient } from './fast-client.ts'
import { type Credentials, disconnectPacket } from './packets.ts'

export interface ConnectConfig extends Credentials {
  readonly port: number
  /** Connections that are being opened at any time. */
  readonly atOnce: number
}

export interface ConnectFigures {
  readonly connected: number
  readonly seconds: number
}

/** Connects, is let in, and leaves: again and again. */
await generate<ConnectConfig, ConnectFigures>(async ({ atOnce, ...who }) => {
  let connected = 0
  let from = { connected: 0, ms: 0 }
  const again = async (name: number): Promise<never> => {
    for (;;) {
      const client = await FastClient.connect({ ...who, clientId: `c${name}` })
      connected++
      client.socket.end(disconnectPacket)
    }
  }
  for (let i = 0; i < atOnce; i++) void again(i)
  return {
    begin() {
      from = { connected, ms: performance.now() }
    },
    end: () => ({ connected: connected - from.connected, seconds: (performance.now() - from.ms) / 1000 }),
  }
})
