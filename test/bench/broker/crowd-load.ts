import { once } from 'node:events'
import { connect } from 'node:net'
import { generate } from '../daemon/generate.ts'
import { FastClient } from './fast-client.ts'
import type { Credentials } from './packets.ts'

export interface CrowdConfig extends Credentials {
  readonly port: number
  readonly clients: number
  /** Not let in, but declaring so much. */
  readonly declares?: string
}

export interface CrowdFigures {
  /** Connections that the broker has left open. */
  readonly open: number
}

/** Connects so many and lets them be. */
await generate<CrowdConfig, CrowdFigures>(async ({ clients, declares, ...who }) => {
  let open = 0
  for (let i = 0; i < clients; i++) {
    const socket =
      declares === undefined
        ? (await FastClient.connect({ ...who, clientId: `idle-${i}` })).socket
        : connect({ host: '127.0.0.1', port: who.port }).on('error', () => undefined)
    if (declares !== undefined) {
      await Promise.race([once(socket, 'connect'), once(socket, 'close')])
      socket.write(Buffer.from(declares, 'hex'))
    }
    open++
    socket.once('close', () => open--)
    socket.resume()
  }
  return { begin: () => undefined, end: () => ({ open }) }
})
