import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Upload } from 'tus-js-client'
import { ControlClient } from '../../src/cli/control-client.ts'
import { type Event, eventually, type Running, type Workplace, workplace } from '../support/pixelgate.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'

const mebibyte = 1024 * 1024
const noise = (seed: number, sizeBytes: number): Buffer => {
  const random = seededRandom(seed)
  return Buffer.from(Uint8Array.from({ length: sizeBytes }, () => Math.floor(random() * 256)))
}
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A gateway as a process of its own, which can be killed and started again behind the same address. */
class Gateway {
  readonly #place: Workplace
  readonly #proxy = createServer(socket => this.#join(socket))
  readonly #sockets = new Set<Socket>()
  #process: Running | undefined
  #port = 0
  token = ''
  url = ''
  /** Bytes that a connection may carry to the gateway before it breaks; undefined: it holds. */
  room: () => number | undefined = () => undefined
  /** Bytes that have passed to the gateway. */
  passed = 0

  constructor(place: Workplace) {
    this.#place = place
  }

  async open(): Promise<void> {
    await this.#place.file('config.json', JSON.stringify({ log: { level: 'warn' }, discovery: 'off' }))
    await this.start()
    this.#proxy.listen(0, '127.0.0.1')
    await once(this.#proxy, 'listening')
    this.url = `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}/api/v1`
    const control = this.control()
    const { claimCode } = await control.get<{ claimCode: string }>('/setup')
    const admin = { claimCode, name: 'ada', password: 'marble otter canyon' }
    this.token = (await control.post<{ token: string }>('/setup', admin)).token
  }

  async start(): Promise<void> {
    this.#process = this.#place.start('serve', '--config', this.#place.path('config.json'))
    const { http } = await this.#process.says(({ ready }: Event) => ready === true, 'ready')
    this.#port = Number(new URL(http).port)
  }

  async kill(): Promise<void> {
    await this.#process?.kill('SIGKILL')
  }

  control(): ControlClient {
    return new ControlClient(this.#place.path('control.sock'))
  }

  /** Of the process and its threads, in bytes: now, and the highest so far. */
  memory(): { readonly nowBytes: number; readonly highestBytes: number } {
    const status = readFileSync(`/proc/${this.#gatewayPid()}/status`, 'utf8')
    const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024
    return { nowBytes: kib('VmRSS'), highestBytes: kib('VmHWM') }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#proxy.close()
    await this.kill()
  }

  #gatewayPid(): number {
    return this.#process?.pid ?? 0
  }

  #join(client: Socket): void {
    const room = this.room()
    const server = connect(this.#port, '127.0.0.1')
    let carried = 0
    client.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, Math.max(0, (room ?? Number.POSITIVE_INFINITY) - carried))
      carried += part.length
      this.passed += part.length
      if (!server.write(part)) {
        client.pause()
        server.once('drain', () => client.resume())
      }
      if (part.length < chunk.length) client.destroy()
    })
    server.pipe(client)
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}

async function gateway(t: Test): Promise<Gateway> {
  const made = new Gateway(await workplace(t))
  t.teardown(() => made.close())
  await made.open()
  return made
}

interface Sent {
  readonly patternId: string
  readonly digest: string
}

/** By the client that others use; it goes on by itself after every cut. */
function send(gateway: Gateway, bytes: Buffer, name: string, chunkSize: number): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const upload = new Upload(bytes, {
      endpoint: `${gateway.url}/files`,
      headers: { authorization: `Bearer ${gateway.token}` },
      metadata: { filename: name, raw: 'true' },
      chunkSize,
      retryDelays: Array.from({ length: 1000 }, () => 50),
      onError: reject,
      onSuccess: ({ lastResponse }) =>
        resolve({
          patternId: lastResponse.getHeader('x-pattern-id') ?? '',
          digest: lastResponse.getHeader('repr-digest') ?? '',
        }),
    })
    upload.start()
  })
}

async function isWhole(t: Test, gateway: Gateway, bytes: Buffer, { patternId, digest }: Sent): Promise<void> {
  t.equal(digest, `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`)
  const { pattern } = await gateway
    .control()
    .get<{ pattern: { sha256: string; sizeBytes: number } }>(`/patterns/${patternId}`)
  t.match(pattern, { sha256: sha256(bytes), sizeBytes: bytes.length })
}

t.test('tus-js-client brings a file in over a line that breaks at any byte', async t => {
  const made = await gateway(t)
  const random = seededRandom(11)
  let cuts = 0
  for (const seed of [1, 2, 3, 4]) {
    const bytes = noise(seed, 300_000 + seed * 77_777)
    made.room = () => {
      cuts += 1
      return 500 + Math.floor(random() * 150_000)
    }
    await isWhole(t, made, bytes, await send(made, bytes, `noise-${seed}.bin`, 100_000))
  }
  t.ok(cuts > 12, `${cuts} connections`)
  const { files } = await made.control().get<{ files: { state: string }[] }>('/files')
  t.same(
    files.map(({ state }) => state),
    Array(4).fill('complete'),
  )
})

t.test('a gateway that is killed in the middle goes on with every byte that it had told', async t => {
  const made = await gateway(t)
  const bytes = noise(5, 24 * mebibyte)
  const sending = send(made, bytes, 'long.bin', 8 * mebibyte)
  let least = 0
  const offset = async () =>
    (await made.control().get<{ files: { offset: number }[] }>('/files')).files[0]?.offset ?? 0
  for (const share of [0.15, 0.4, 0.65]) {
    await eventually(async () => {
      least = await offset()
      return least > share * bytes.length
    }, 'a part of it')
    await made.kill()
    await made.start()
    const after = await offset()
    t.ok(after >= least, `${after} of at least ${least}`)
  }
  await isWhole(t, made, bytes, await sending)
})

/** Less than the file: it is never held as a whole. bench:web measures the gateway as a service runs it. */
const mostMib = 60

t.test('64 MiB cost little memory on their way', async t => {
  const made = await gateway(t)
  const bytes = noise(6, 64 * mebibyte)
  await send(made, noise(7, mebibyte), 'first.bin', mebibyte)
  const before = made.memory()
  let whileComing = 0
  const timer = setInterval(() => {
    if (made.passed < bytes.length) whileComing = Math.max(whileComing, made.memory().nowBytes)
  }, 20)
  made.passed = 0
  const sent = await send(made, bytes, 'large.bin', 8 * mebibyte)
  clearInterval(timer)
  const { highestBytes } = made.memory()
  const grown = (now: number) => Math.round((now - before.nowBytes) / mebibyte)
  t.comment(
    `before ${Math.round(before.nowBytes / mebibyte)} MiB; coming +${grown(whileComing)} MiB; highest +${grown(highestBytes)} MiB`,
  )
  t.ok(grown(whileComing) <= mostMib, `+${grown(whileComing)} MiB while it comes`)
  t.ok(grown(highestBytes) <= mostMib, `+${grown(highestBytes)} MiB in all`)
  await isWhole(t, made, bytes, sent)
})
