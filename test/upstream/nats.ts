import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { eventually } from '../support/pixelgate.ts'
import { answers, freePort } from './mosquitto.ts'

const unpacked = fileURLToPath(
  new URL('../../node_modules/.cache/nats/usr/sbin/nats-server', import.meta.url),
)
const program = existsSync(unpacked) ? unpacked : '/usr/sbin/nats-server'

/** false: it is there; else why a test is skipped. */
export const noNats = existsSync(program) ? false : 'nats-server is neither installed nor unpacked'

/** One of the nodes of a cluster. */
export class NatsNode {
  readonly name: string
  readonly mqttPort: number
  readonly monitorPort: number
  readonly #config: string
  #child: ChildProcess | undefined

  constructor(name: string, ports: { mqtt: number; monitor: number }, config: string) {
    this.name = name
    this.mqttPort = ports.mqtt
    this.monitorPort = ports.monitor
    this.#config = config
  }

  start(): void {
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', program, '-c', this.#config], { stdio: 'ignore' })
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.runs) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  get runs(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.mqttPort}`
  }

  /** Name of the node that leads the stream of all MQTT messages; undefined: none does at this moment. */
  async leader(): Promise<string | undefined> {
    try {
      const url = `http://127.0.0.1:${this.monitorPort}/jsz?accounts=true&streams=true`
      const json = (await (await fetch(url)).json()) as {
        readonly account_details?: readonly {
          readonly stream_detail?: readonly {
            readonly name: string
            readonly cluster?: { readonly leader?: string }
          }[]
        }[]
      }
      const streams = json.account_details?.flatMap(account => account.stream_detail ?? []) ?? []
      return streams.find(({ name }) => name === '$MQTT_msgs')?.cluster?.leader
    } catch {
      return undefined
    }
  }
}

/** Three nodes with JetStream and MQTT 3.1.1 on loopback, every message on a majority of them. */
export async function natsCluster(t: Test): Promise<readonly NatsNode[]> {
  for (;;) {
    const nodes = await startNodes(t)
    // A port that was free a moment ago may be somebody else's by now: the node ends then.
    const all = () => nodes.every(({ runs }) => runs)
    const up = async () =>
      !all() || (await Promise.all(nodes.map(node => answers(node.mqttPort)))).every(Boolean)
    await eventually(up, 'the nodes')
    if (all()) return nodes
    for (const node of nodes) await node.kill()
  }
}

async function startNodes(t: Test): Promise<readonly NatsNode[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nats-'))
  const names = ['n1', 'n2', 'n3']
  const ports = await Promise.all(Array.from({ length: 4 * names.length }, () => freePort()))
  const routes = ports.splice(0, names.length)
  const nodes: NatsNode[] = []
  for (const [at, name] of names.entries()) {
    const [client = 0, mqtt = 0, monitor = 0] = ports.splice(0, 3)
    const config = join(folder, `${name}.conf`)
    await writeFile(
      config,
      `server_name: ${name}
host: 127.0.0.1
port: ${client}
http: 127.0.0.1:${monitor}
jetstream { store_dir: "${join(folder, name)}", max_memory_store: 64MB, max_file_store: 1GB }
cluster { name: room, host: 127.0.0.1, port: ${routes[at]}
  routes: [${routes.map(port => `"nats://127.0.0.1:${port}"`).join(', ')}] }
mqtt { host: 127.0.0.1, port: ${mqtt}, ack_wait: "5s" }
`,
    )
    nodes.push(new NatsNode(name, { mqtt, monitor }, config))
  }
  t.teardown(async () => {
    await Promise.all(nodes.map(node => node.kill()))
    await rm(folder, { recursive: true, force: true })
  })
  for (const node of nodes) node.start()
  return nodes
}
