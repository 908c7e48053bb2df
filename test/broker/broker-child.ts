import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { MqttUsers } from '../../src/account/mqtt-users.ts'
import type { BrokerStats } from '../../src/broker/broker-stats.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { openStore } from '../../src/store/store.ts'

const board = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa'
export const boardTopic = (gateway: string) => `pixelgate/${gateway}/${board}/telemetry/n`

export interface ChildStats extends BrokerStats {
  readonly rssBytes: number
  readonly cpuMs: number
  /** Since the last question. */
  readonly longestStallMs: number
}

/** A broker in a process of its own over a folder that outlives it; the port stays the same. */
export class BrokerChild {
  readonly #folder: string
  readonly #commitDelayMs: number
  readonly #options: Readonly<Record<'desk' | 'shelf', IClientOptions>>
  #child: ChildProcess | undefined
  port = 0

  private constructor(
    folder: string,
    commitDelayMs: number,
    options: Record<'desk' | 'shelf', IClientOptions>,
  ) {
    this.#folder = folder
    this.#commitDelayMs = commitDelayMs
    this.#options = options
  }

  /** With the user `desk`, who watches, and the board `shelf`. */
  static async open(folder: string, commitDelayMs = 0): Promise<BrokerChild> {
    const store = await openStore(join(folder, 'gateway.db'))
    const users = await MqttUsers.open(store, systemClock)
    const desk = await users.add({ name: 'desk', access: 'watch' })
    const shelf = await users.add({ name: 'shelf', access: 'watch', boardId: board })
    await store.close()
    const child = new BrokerChild(folder, commitDelayMs, {
      desk: { username: 'desk', password: desk.password, clientId: 'desk' },
      shelf: { username: 'shelf', password: shelf.password, clientId: board },
    })
    await child.start()
    return child
  }

  async start(): Promise<void> {
    const main = new URL('./broker-process.ts', import.meta.url)
    const child = fork(main, [this.#folder, String(this.port), String(this.#commitDelayMs)], {
      // With the memory that the service has.
      execArgv: ['--import', 'tsx', '--max-semi-space-size=2', '--max-old-space-size=128'],
      env: { ...process.env, MALLOC_ARENA_MAX: '2' },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    this.#child = child
    if (child.stdout === null) throw new Error('no output')
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as { ready: true; port: number }
      this.port = said.port
      return
    }
    throw new Error('the broker has ended before it was ready')
  }

  /** At once, without a last word. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  async stats(): Promise<ChildStats> {
    const answer = once(this.#child ?? process, 'message')
    this.#child?.send('stats')
    return (await answer)[0] as ChildStats
  }

  /** A client with a lasting session, which comes back by itself. */
  async connect(who: 'desk' | 'shelf', options: IClientOptions = {}): Promise<MqttClient> {
    const client = await connectAsync({
      ...{ host: '127.0.0.1', port: this.port, clean: false, reconnectPeriod: 50, connectTimeout: 30_000 },
      ...this.#options[who],
      ...options,
    })
    client.on('error', () => undefined)
    return client
  }
}
