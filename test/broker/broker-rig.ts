import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import type { Test } from 'tap'
import { type MqttPrincipal, MqttUsers } from '../../src/account/mqtt-users.ts'
import { BoardConnection } from '../../src/board/connection.ts'
import { type Broker, type BrokerOptions, startBroker } from '../../src/broker/start-broker.ts'
import { pairingKeyFile } from '../../src/config/pairing-key-file.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { type BoardId, boardId, formatUuid } from '../../src/kernel/ids.ts'
import type { Log } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { type MemoryLinkPair, memoryLinkPair } from '../../src/link/memory-link.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { createCore, type GatewayCore } from '../../src/upload/gateway-core.ts'
import { type BoardConfig, defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { noFaults } from '../../src/virtual/board-faults.ts'
import { Flash } from '../../src/virtual/flash.ts'
import { VirtualBoard } from '../../src/virtual/virtual-board.ts'
import { entered } from './entered.ts'

export const gw = '0badcafe'
const waitMs = 60_000

export interface LogLine {
  readonly level: keyof Log
  readonly fields: Record<string, unknown>
  readonly message: string
}

/** Waits until the condition holds; fails with `what` after a minute. */
export async function until(
  condition: () => boolean,
  what: string | (() => string),
  limitMs = waitMs,
): Promise<void> {
  const end = Date.now() + limitMs
  while (!condition()) {
    if (Date.now() > end)
      throw new Error(`not within ${limitMs} ms: ${typeof what === 'string' ? what : what()}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** Of this machine, for a program that cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export interface Heard {
  readonly topic: string
  readonly text: string
  readonly retain: boolean
  readonly qos: number
}

/** A real client that remembers what it hears. */
export class Listener {
  readonly client: MqttClient
  readonly heard: Heard[] = []

  private constructor(client: MqttClient) {
    this.client = client
    client.on('message', (topic, payload, { retain, qos }) =>
      this.heard.push({ topic, text: payload.toString(), retain, qos }),
    )
  }

  /** Rejects with what the broker answered. */
  static async connect(t: Test, options: IClientOptions): Promise<Listener> {
    const listener = new Listener(connect({ host: '127.0.0.1', reconnectPeriod: 0, ...options }))
    await entered(listener.client)
    t.teardown(() => listener.client.endAsync(true))
    return listener
  }

  on(topic: string): string[] {
    return this.heard.filter(each => each.topic === topic).map(({ text }) => text)
  }

  async hears(topic: string, text?: string | RegExp): Promise<string> {
    const fits = (each: string) =>
      text === undefined || (typeof text === 'string' ? each === text : text.test(each))
    await until(
      () => this.on(topic).some(fits),
      () => `${topic} ${text}; heard ${JSON.stringify(this.heard.slice(-8))}`,
    )
    return this.on(topic).find(fits) ?? ''
  }
}

/** For parts of the broker that want more than its port. */
export interface RigParts {
  readonly store: Store
  readonly core: GatewayCore
  readonly users: MqttUsers
  readonly log: Log
}

export class BrokerRig {
  readonly lines: LogLine[] = []
  readonly store: Store
  readonly core: GatewayCore
  readonly users: MqttUsers
  readonly t: Test
  readonly log: Log
  broker: Broker
  readonly #keepalive: number

  private constructor(
    t: Test,
    parts: {
      keepalive: number
      store: Store
      core: GatewayCore
      users: MqttUsers
      broker: Broker
      lines: LogLine[]
      log: Log
    },
  ) {
    this.t = t
    this.store = parts.store
    this.core = parts.core
    this.users = parts.users
    this.broker = parts.broker
    this.lines = parts.lines
    this.log = parts.log
    this.#keepalive = parts.keepalive
  }

  /** Two listeners: the first asks for a user name, the second does not. */
  static async start(
    t: Test,
    given: Partial<BrokerOptions> | ((made: RigParts) => Partial<BrokerOptions>) = {},
  ): Promise<BrokerRig> {
    const folder = await mkdtemp(join(tmpdir(), 'broker-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const lines: LogLine[] = []
    const at = (level: keyof Log) => (fields: object, message: string) =>
      void lines.push({ level, fields: { ...fields }, message })
    const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
    const store = await openStore(join(folder, 'gateway.db'))
    t.teardown(() => store.close())
    const keyFile = pairingKeyFile(folder)
    const core = createCore({ store, clock: systemClock, log, maxBody: 1024, keyFile })
    const users = await MqttUsers.open(store, systemClock)
    const options = typeof given === 'function' ? given({ store, core, users, log }) : given
    const host = '127.0.0.1'
    const broker = await startBroker({
      listeners: [
        { host, port: 0, anonymous: false },
        { host, port: 0, anonymous: true },
      ],
      gatewayId: gw,
      core,
      users,
      clock: systemClock,
      log,
      version: '1.2.3',
      database: { path: join(folder, 'broker.db') },
      ...options,
    })
    const rig = new BrokerRig(t, {
      keepalive: options.clock instanceof VirtualClock ? 0 : 60,
      store,
      core,
      users,
      broker,
      lines,
      log,
    })
    t.teardown(async () => {
      const { clock } = options
      let stopped = false
      const stopping = rig.broker.stop().finally(() => {
        stopped = true
      })
      // Virtual time passes only when it is told to.
      while (!stopped && clock instanceof VirtualClock) {
        clock.advance(10)
        await new Promise(setImmediate)
      }
      await stopping
    })
    t.teardown(() => core.queue.close())
    return rig
  }

  get port(): number {
    return Number(new URL(this.broker.urls[0] ?? '').port)
  }

  get openPort(): number {
    return Number(new URL(this.broker.urls[1] ?? '').port)
  }

  /** Name and secret as client options. */
  async user(
    name: string,
    access: 'watch' | 'control' | 'home-assistant' | { boardId: string },
  ): Promise<IClientOptions> {
    const { password } = await this.users.add(
      typeof access === 'string' ? { name, access } : { name, access: 'watch', boardId: access.boardId },
    )
    return { username: name, password }
  }

  /** Rejects with what the broker answered. */
  async connect(options: IClientOptions = {}): Promise<Listener> {
    return Listener.connect(this.t, {
      port: options.username === undefined ? this.openPort : this.port,
      connectTimeout: waitMs,
      keepalive: this.#keepalive,
      ...options,
    })
  }

  /** A board of the real library behind a link in memory, met by the gateway. */
  async board(
    uuidByte: number,
    config: Partial<BoardConfig> = {},
    baudRate: number | null = null,
  ): Promise<RigBoard> {
    const board = new RigBoard(this.core, uuidByte, { ...config, baudRate }, this.log)
    this.t.teardown(() => board.stop())
    board.connection.start()
    await until(() => this.core.registry.session(board.id) !== undefined, 'the board')
    return board
  }

  logged(message: RegExp): LogLine[] {
    return this.lines.filter(line => message.test(line.message))
  }
}

export class RigBoard {
  readonly id: BoardId
  readonly connection: BoardConnection
  readonly #board: VirtualBoard
  plugged = true
  #line: MemoryLinkPair | undefined

  /** `baudRate` null: bytes arrive at once. */
  constructor(
    core: GatewayCore,
    uuidByte: number,
    { baudRate, ...config }: Partial<BoardConfig> & { readonly baudRate: number | null },
    log: Log,
  ) {
    const uuid = new Uint8Array(16).fill(uuidByte)
    this.id = boardId(formatUuid(uuid))
    const built: BoardConfig = {
      ...defaultBoardConfig,
      uuid,
      storageBytes: 1024 * 1024,
      boardName: `board ${uuidByte}`,
      ...config,
    }
    this.#board = new VirtualBoard({
      config: built,
      flash: new Flash({ sizeBytes: built.storageBytes, eraseUnit: built.eraseUnit }),
      faults: noFaults,
      clock: systemClock,
      onSend: bytes => this.#line?.board.write(bytes.slice()),
    })
    this.#board.start()
    this.connection = new BoardConnection({
      open: async () => {
        if (!this.plugged) throw new Error('unplugged')
        const line = memoryLinkPair({ clock: systemClock, baudRate })
        line.board.onData(chunk => this.#board.receive(chunk))
        this.#line = line
        return line.host
      },
      clock: systemClock,
      log,
      onSession: core.onSession,
    })
  }

  unplug(): void {
    this.plugged = false
    this.#line?.cut()
  }

  async stop(): Promise<void> {
    this.#board.stop()
    await this.connection.stop()
  }
}

/** A socket for packets that no client library would send. */
export class RawClient {
  readonly socket: Socket
  #received: Buffer = Buffer.alloc(0)
  closed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closed = true
    })
  }

  static async open(t: Test, port: number): Promise<RawClient> {
    const socket = connectSocket({ host: '127.0.0.1', port })
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  send(...packets: readonly (string | Uint8Array)[]): void {
    for (const packet of packets)
      this.socket.write(typeof packet === 'string' ? Buffer.from(packet.replaceAll(' ', ''), 'hex') : packet)
  }

  get received(): string {
    return this.#received.toString('hex')
  }

  async gets(hex: string): Promise<void> {
    const wanted = hex.replaceAll(' ', '')
    await until(
      () => this.received.includes(wanted),
      () => `${wanted} from the broker, got ${this.received}`,
    )
  }

  async ends(): Promise<void> {
    await until(() => this.closed, 'the end of the connection')
  }
}

const text = (value: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

/** A packet with its fixed header. */
export function packet(first: number, ...parts: readonly (number | string | Uint8Array)[]): Buffer {
  const body = Buffer.concat(
    parts.map(part => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))),
  )
  const length: number[] = []
  let rest = body.length
  do {
    length.push((rest % 128) + (rest >= 128 ? 128 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.concat([Buffer.from([first, ...length]), body])
}

export const connectPacket = (
  clientId: string | Uint8Array,
  {
    flags = 2,
    level = 4,
    payload = [],
  }: { flags?: number; level?: number; payload?: (string | Uint8Array)[] } = {},
): Buffer =>
  packet(
    0x10,
    text(level === 3 ? 'MQIsdp' : 'MQTT'),
    level,
    flags,
    // Time that is told to pass is no silence of a client.
    0,
    0,
    text(clientId),
    ...payload.map(text),
  )

export const publishPacket = (
  topic: string | Uint8Array,
  body = '',
  { qos = 0, id = 1, retain = false } = {},
): Buffer =>
  packet(
    0x30 | (qos << 1) | (retain ? 1 : 0),
    text(topic),
    ...(qos > 0 ? [Buffer.from([id >> 8, id & 255])] : []),
    body,
  )

export const subscribePacket = (
  id: number,
  ...filters: readonly (readonly [string | Uint8Array, number])[]
): Buffer =>
  packet(0x82, Buffer.from([id >> 8, id & 255]), ...filters.flatMap(([filter, qos]) => [text(filter), qos]))

export const welcome = '20 02 00 00'
export const principal = (
  access: MqttPrincipal['access'],
  name = 'x',
  boardId: string | null = null,
): MqttPrincipal => ({
  name,
  access,
  boardId,
})
