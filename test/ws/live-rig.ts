import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import { localPrincipal, type Principal } from '../../src/account/principal.ts'
import { toProblem } from '../../src/http/problem.ts'
import { rawProblem } from '../../src/http/raw-problem.ts'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { withDeadline } from '../../src/kernel/deadline.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { LiveMessage, LiveRequest } from '../../src/wire/live.ts'
import { LiveHub, type LiveHubOptions } from '../../src/ws/live-hub.ts'

export const person = (name: string, role: Principal['role'] = 'operator'): Principal => ({
  kind: 'user',
  id: `id-of-${name}`,
  name,
  role,
})

const deadlineMs = 60_000

/** A browser's end of a WebSocket. */
export class LiveCaller {
  readonly socket: WebSocket
  readonly messages: LiveMessage[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #heard = new Set<() => void>()
  #pings = 1_000_000

  constructor(url: string, headers: Record<string, string>) {
    this.socket = new WebSocket(url, { headers, perMessageDeflate: false })
    this.socket.on('message', data => {
      this.messages.push(JSON.parse(String(data)))
      for (const look of [...this.#heard]) look()
    })
    this.closed = new Promise(resolve => {
      this.socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }))
    })
    this.socket.on('error', () => undefined)
  }

  send(request: LiveRequest): void {
    this.socket.send(JSON.stringify(request))
  }

  /** The end, within the deadline. */
  end(): Promise<{ code: number; reason: string }> {
    return withDeadline(systemClock, deadlineMs, this.closed, 'link_lost', 'the socket did not close')
  }

  of(topic: string, type?: string): LiveMessage[] {
    return this.messages.filter(each => each.topic === topic && (type === undefined || each.type === type))
  }

  data(topic: string, type?: string): unknown[] {
    return this.of(topic, type).map(({ data }) => data)
  }

  /** The first message that fits, now or within the deadline. */
  until(fits: (message: LiveMessage) => boolean, what: string): Promise<LiveMessage> {
    const found = new Promise<LiveMessage>(resolve => {
      const look = () => {
        const message = this.messages.find(fits)
        if (message === undefined) return
        this.#heard.delete(look)
        resolve(message)
      }
      this.#heard.add(look)
      look()
    })
    return withDeadline(
      systemClock,
      deadlineMs,
      found,
      'link_lost',
      `no ${what}: ${JSON.stringify(this.messages).slice(0, 500)}`,
    )
  }

  /** Everything that was sent before has arrived when this resolves. */
  async settle(): Promise<void> {
    const id = ++this.#pings
    this.send({ type: 'ping', id })
    await this.until(({ type, data }) => type === 'pong' && (data as { id: number }).id === id, 'pong')
  }

  async subscribe(...topics: string[]): Promise<this> {
    const before = this.of('session', 'subscribed').length
    this.send({ type: 'subscribe', topics })
    await this.until(() => this.of('session', 'subscribed').length > before, 'subscribed')
    return this
  }
}

/** Whether each message has a higher number than the one before. */
export const isRising = ({ messages }: LiveCaller): boolean =>
  messages.every(({ seq }, i) => seq > (messages[i - 1]?.seq ?? 0))

export interface LiveRig {
  readonly hub: LiveHub
  readonly clock: VirtualClock
  readonly port: number
  /** Ends of the server, in order of arrival. */
  readonly sockets: Socket[]
  /** Without a principal nobody is known when the socket opens. */
  connect(principal?: Principal, jobId?: string): LiveCaller
  /** Signed in. */
  join(principal: Principal): Promise<LiveCaller>
}

/**
 * A hub behind a real server. The header of the upgrade stands for the cookie that the account module checks;
 * the hub's own time is virtual unless a clock is given.
 */
export async function liveRig(
  t: Test,
  { clock, ...options }: Partial<Omit<LiveHubOptions, 'clock'>> & { clock?: Clock } = {},
): Promise<LiveRig> {
  const virtual = new VirtualClock()
  const hub = new LiveHub({
    clock: clock ?? virtual,
    log: silentLog,
    version: '1.2.3',
    epoch: 'epoch',
    authenticate: async token => (token.startsWith('token-') ? person(token.slice(6)) : undefined),
    ...options,
  })
  const known = new Map<string, Principal>([['local', localPrincipal]])
  const server = createServer()
  const sockets: Socket[] = []
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.push(socket)
    const [, jobId] = /^\/ws\/jobs\/(.+)$/.exec(request.url ?? '') ?? []
    const principal = known.get(String(request.headers['x-test-caller'] ?? ''))
    const address = socket.remoteAddress ?? 'local'
    try {
      hub.handleUpgrade(request, socket, head, principal, { jobId, address, agent: 'rig' })
    } catch (thrown) {
      socket.end(rawProblem(toProblem(thrown, 'rig')))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const callers: LiveCaller[] = []
  t.teardown(async () => {
    for (const { socket } of callers) socket.terminate()
    void hub.stop()
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const connect = (principal?: Principal, jobId?: string): LiveCaller => {
    if (principal !== undefined) known.set(principal.id, principal)
    const headers = principal === undefined ? {} : { 'x-test-caller': principal.id }
    const caller = new LiveCaller(
      `ws://127.0.0.1:${port}/ws${jobId === undefined ? '' : `/jobs/${jobId}`}`,
      headers,
    )
    callers.push(caller)
    return caller
  }
  const join = async (principal: Principal): Promise<LiveCaller> => {
    const caller = connect(principal)
    await caller.until(({ type }) => type === 'welcome', 'welcome')
    return caller
  }
  return { hub, clock: virtual, port, sockets, connect, join }
}

/** Resolves when the condition holds; a bounded wait for what no event tells. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await new Promise(setImmediate)
  }
}
