import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Gateway, GatewayFolder } from '../daemon/gateway-process.ts'
import { serviceSettings } from '../daemon/idle-memory.ts'
import { type StartedProcess, startProcess } from '../daemon/started-process.ts'
import type { Credentials } from './packets.ts'

/** Who may publish, and where. */
export interface Source extends Credentials {
  readonly clientId: string
  readonly topic: string
}

/** A broker as a process of its own. */
export interface Peer {
  readonly name: string
  readonly process: StartedProcess
  readonly port: number
  readonly sources: readonly Source[]
  /** May hear all of them. */
  readonly reader: Credentials
  /** Fits every source. */
  readonly filter: string
  stop(): Promise<void>
}

export const maxSources = 50

/** The daemon as the unit starts it; what the limits are for is measured on its own, so they are set beyond the load here. */
export async function startPixelgate(main: string): Promise<Peer> {
  const folder = await GatewayFolder.make({
    ports: [],
    baudRate: 0,
    mqtt: { maxClients: 10_000, maxClientsPerAddress: 10_000, maxMessagesPerSecond: 1_000_000 },
  })
  let gateway: Gateway | undefined
  const stop = async () => {
    await gateway?.process.end()
    await folder.remove()
  }
  try {
    gateway = await folder.start(main, await serviceSettings())
    const sources: Source[] = []
    for (let i = 0; i < maxSources; i++) {
      const boardId = `0b0a4d00-0000-4000-8000-0000000000${i.toString(16).padStart(2, '0')}`
      const { user, password, settings } = await gateway.mqttBoard(`board-${i}`, boardId)
      const topic = `${settings.topic}/telemetry/load`
      sources.push({ clientId: boardId, username: user.name, password, topic })
    }
    const { user, password, settings } = await gateway.mqttUser('reader', 'watch')
    return {
      name: 'pixelgate',
      process: gateway.process,
      port: Number(new URL(gateway.mqtt).port),
      sources,
      reader: { username: user.name, password },
      filter: `${settings.topic}/+/telemetry/load`,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** In memory, without accounts; its queues are unbounded so that it loses nothing either. */
export async function startMosquitto(): Promise<Peer> {
  const folder = await mkdtemp(join(tmpdir(), 'mosquitto-'))
  const config = join(folder, 'mosquitto.conf')
  const port = await freePort()
  const settings = [
    `listener ${port} 127.0.0.1`,
    'log_dest stderr',
    'allow_anonymous true',
    'set_tcp_nodelay true',
  ]
  await writeFile(config, [...settings, 'max_queued_messages 0', 'persistence false', ''].join('\n'))
  try {
    const isReady = (line: string) => line.endsWith(' running')
    const process = await startProcess('mosquitto', ['-c', config], isReady, { PATH: daemonPath })
    const sources = Array.from({ length: maxSources }, (_, i) => ({
      clientId: `board-${i}`,
      topic: `pixelgate/0badcafe/board-${i}/telemetry/load`,
    }))
    const filter = 'pixelgate/0badcafe/+/telemetry/load'
    const stop = async () => {
      await process.end()
      await rm(folder, { recursive: true, force: true })
    }
    return { name: 'mosquitto', process, port, sources, reader: {}, filter, stop }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** Debian keeps daemons where the path of a person does not lead. */
const daemonPath = `${process.env['PATH'] ?? ''}:/usr/sbin`

/** One that was free a moment ago: mosquitto cannot choose for itself. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
