import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlClient } from '../../../src/cli/control-client.ts'
import { databaseIn } from '../../../src/store/backups.ts'
import type { DoneReport } from '../../../src/upload/report.ts'
import type { SetupView, SignedInView } from '../../../src/wire/auth.ts'
import type { BoardView } from '../../../src/wire/board.ts'
import type { JobView } from '../../../src/wire/job.ts'
import type { NewMqttUserView } from '../../../src/wire/mqtt-user.ts'
import type { StoredPatternView } from '../../../src/wire/pattern.ts'
import { until } from '../daemon.ts'
import { type StartedProcess, startProcess } from './started-process.ts'

interface Ready {
  readonly ready: boolean
  readonly controlSocket: string
  readonly http: string
  readonly mqtt: string
}

export interface GatewayOptions {
  /** The gateway's main file. */
  readonly main: string
  readonly ports: readonly string[]
  readonly baudRate: number
  /** Beside host, port and tls. */
  readonly http?: Readonly<Record<string, unknown>>
  /** Beside the listener. */
  readonly mqtt?: Readonly<Record<string, unknown>>
}

/** How Node is started: its own flags and variables. */
export interface NodeSettings {
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const connectTimeoutMs = 60_000
/** Of people who exist only in this folder. */
const password = 'only for measurements'

/** `pixelgate serve` on loopback, without TLS, with a folder of its own that outlives a start. */
export class GatewayFolder {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  static async make({
    ports,
    baudRate,
    http = {},
    mqtt = {},
  }: Omit<GatewayOptions, 'main'>): Promise<GatewayFolder> {
    const path = await mkdtemp(join(tmpdir(), 'daemon-'))
    const config = {
      stateDir: join(path, 'state'),
      controlSocket: join(path, 'control.sock'),
      links: ports.map(port => ({ kind: 'serial', path: port, baudRate })),
      discovery: 'off',
      http: { ...http, host: '127.0.0.1', port: 0, tls: 'insecure' },
      mqtt: { ...mqtt, listeners: [{ host: '127.0.0.1', port: 0, anonymous: true }] },
      log: { level: 'error' },
    }
    await writeFile(join(path, 'config.json'), JSON.stringify(config))
    return new GatewayFolder(path)
  }

  /** Where its database will be, in a folder that is there. */
  async database(): Promise<string> {
    const stateDir = join(this.#path, 'state')
    await mkdir(stateDir, { recursive: true, mode: 0o750 })
    return databaseIn(stateDir)
  }

  async start(main: string, { flags, env }: NodeSettings = { flags: [], env: {} }): Promise<Gateway> {
    const args = [...flags, main, 'serve', '--config', join(this.#path, 'config.json')]
    const isReady = (line: string) => line.startsWith('{"ready":true')
    const started = await startProcess(process.execPath, args, isReady, env)
    return new Gateway(started)
  }

  remove(): Promise<void> {
    return rm(this.#path, { recursive: true, force: true })
  }
}

/** One run of it. */
export class Gateway {
  readonly process: StartedProcess
  readonly http: string
  readonly mqtt: string
  readonly #control: ControlClient

  constructor(started: StartedProcess) {
    const { http, mqtt, controlSocket } = JSON.parse(started.readyLine) as Ready
    this.process = started
    this.http = http
    this.mqtt = mqtt
    this.#control = new ControlClient(controlSocket)
  }

  /** Claims the gateway and makes so many people; a token for each. */
  async signIn(people: number): Promise<readonly string[]> {
    const { claimCode } = await this.#control.get<SetupView>('/setup')
    const { token } = await this.#post<SignedInView>('/setup', { claimCode, name: 'first', password })
    const tokens = [token]
    while (tokens.length < people) {
      const name = `person-${tokens.length}`
      await this.#control.post('/users', { name, password, role: 'operator' })
      tokens.push((await this.#post<SignedInView>('/auth/sign-in', { name, password })).token)
    }
    return tokens
  }

  /** Credentials of a board that speaks MQTT. */
  mqttBoard(name: string, boardId: string): Promise<NewMqttUserView> {
    return this.#control.post('/mqtt-users', { name, boardId })
  }

  /** Credentials of a person or a program. */
  mqttUser(name: string, access: 'watch' | 'control'): Promise<NewMqttUserView> {
    return this.#control.post('/mqtt-users', { name, access })
  }

  async boardsConnected(count: number): Promise<void> {
    await until(connectTimeoutMs, `${count} boards`, async () => {
      const { boards } = await this.#control.get<{ boards: BoardView[] }>('/boards')
      return boards.filter(({ state }) => state === 'connected').length === count || undefined
    })
  }

  /** Uploads bytes as they are to the one board; its report, or undefined when it was not done in time. */
  async upload(bytes: Uint8Array, timeoutMs: number): Promise<DoneReport | undefined> {
    const { pattern } = await this.#control.postBytes<StoredPatternView>(
      '/patterns?name=noise.bin&raw=true',
      bytes,
    )
    const { jobs } = await this.#control.post<{ jobs: JobView[] }>('/jobs', {
      patternId: pattern.id,
      boards: 'all',
      raw: true,
    })
    const id = jobs[0]?.id
    const ended = ['done', 'failed', 'cancelled']
    const state = await until(timeoutMs, 'the end of the upload', async () => {
      const { job } = await this.#control.get<{ job: JobView }>(`/jobs/${id}`)
      return ended.includes(job.state) ? job.state : undefined
    }).catch(() => undefined)
    return state === 'done' ? this.#control.get(`/jobs/${id}/report`) : undefined
  }

  async #post<T>(path: string, body: object): Promise<T> {
    const response = await fetch(`${this.http}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(connectTimeoutMs),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
}
