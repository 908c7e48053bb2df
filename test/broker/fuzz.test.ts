/** `--streams N --seed S` behind the file's name: longer, at night. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { BrokerRig, until } from './broker-rig.ts'
import { type Credential, connectBytes, types } from './conformance-peer.ts'
import { bytesOf, type Stream, streams } from './fuzz-streams.ts'

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(name)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const seed = option('--seed', 311)
const total = option('--streams', 5000)
const timeout = total < 10_000 ? 150_000 : 24 * 3_600_000
const batch = 200
const abreast = 40
/** What a client may be kept waiting on a machine that does other things as well. */
const maxRoundTripMs = 5000
/**
 * Once 20 KB stayed for each stream: what a gone client was still owed held on to who came before it. What may grow is the
 * cache of mqtt-packet, up to 16,384 lengths of packets, each of which may hold a page of 8 KiB.
 */
const maxGrowthBytes = (total < 10_000 ? 24 : 24 + 128) * 1024 * 1024

t.setTimeout(timeout)
setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Sends it all, and goes. */
async function play(port: number, stream: Stream, credential: Credential): Promise<void> {
  const hello = connectBytes(
    {
      clientId: `f${stream.client}`,
      clean: !stream.lasts,
      keepAlive: stream.keepAlive,
      ...(stream.will ? { will: { topic: 'fuzz/a', payload: 'bye', qos: stream.client % 3 } } : {}),
    },
    stream.user === 'anonymous'
      ? undefined
      : stream.user === 'room'
        ? credential
        : { ...credential, password: 'wrong' },
  )
  const bytes = bytesOf(stream, hello)
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', () => undefined)
  const gone = once(socket, 'close').catch(() => undefined)
  if (stream.reads) socket.on('data', (chunk: Buffer) => answer(socket, chunk, stream.answers))
  const cuts = stream.cuts.map(share => Math.floor(share * bytes.length)).toSorted((a, b) => a - b)
  for (const [i, from] of [0, ...cuts].entries()) {
    if (socket.destroyed) break
    socket.write(bytes.subarray(from, cuts[i] ?? bytes.length))
    await new Promise(setImmediate)
  }
  await Promise.race([gone, new Promise(resolve => setTimeout(resolve, stream.end === 'stay' ? 30 : 3))])
  if (stream.end === 'fin') {
    socket.resume().end()
    await Promise.race([gone, new Promise(resolve => setTimeout(resolve, 20))])
  }
  if (stream.end === 'reset') socket.resetAndDestroy()
  socket.destroy()
  await gone
}

/** To what looks like a message at the beginning of a chunk. */
function answer(socket: Socket, chunk: Buffer, how: Stream['answers']): void {
  const first = chunk[0] ?? 0
  const qos = (first >> 1) & 3
  if (how === 'none' || first >> 4 !== types.publish || qos === 0 || (chunk[1] ?? 128) > 127) return
  const at = 4 + chunk.readUInt16BE(2)
  if (at + 2 > chunk.length) return
  const id = chunk.readUInt16BE(at)
  const type = how === 'any' ? ([0x40, 0x50, 0x62, 0x70][id % 4] ?? 0) : qos === 1 ? 0x40 : 0x50
  if (!socket.destroyed) socket.write(Buffer.of(type, 2, id >> 8, id & 255))
}

/** A client that says something to itself ten times a second, with every QoS. */
async function healthy(t: Test, rig: BrokerRig, qos: 0 | 1 | 2) {
  const { password } = await rig.users.add({
    name: `healthy${qos}`,
    access: 'device',
    publish: [`healthy/${qos}`],
    subscribe: [`healthy/${qos}`],
  })
  const { client } = await rig.connect({ username: `healthy${qos}`, password, keepalive: 5 })
  await client.subscribeAsync(`healthy/${qos}`, { qos })
  const sentMs = new Map<string, number>()
  let longestMs = 0
  let count = 0
  let lost = 0
  client.on('message', (_topic, payload) => {
    const began = sentMs.get(payload.toString())
    if (began === undefined || !sentMs.delete(payload.toString())) lost++
    else longestMs = Math.max(longestMs, performance.now() - began)
  })
  const timer = setInterval(() => {
    const text = String(count++)
    sentMs.set(text, performance.now())
    client.publish(`healthy/${qos}`, text, { qos })
  }, 100)
  t.teardown(() => clearInterval(timer))
  return {
    async end(): Promise<void> {
      clearInterval(timer)
      await until(
        () => sentMs.size === 0,
        () => `${sentMs.size} round trips of QoS ${qos}`,
      )
      t.ok(count > 5 && lost === 0, `${count} round trips, none twice`)
      t.ok(longestMs < maxRoundTripMs, `QoS ${qos}: the longest took ${Math.round(longestMs)} ms`)
      t.ok(client.connected)
    },
  }
}

t.test(
  'whatever is sent, the broker stands, others are served, and nothing is left behind',
  { timeout },
  async t => {
    const rig = await BrokerRig.start(t, { limits: { maxMessagesPerSecond: 2000 } })
    const { password } = await rig.users.add({
      name: 'room',
      access: 'device',
      publish: ['fuzz/#'],
      subscribe: ['#'],
    })
    const credential = { username: 'room', password }
    const clients = await Promise.all([0, 1, 2].map(qos => healthy(t, rig, qos as 0 | 1 | 2)))
    const errors: unknown[] = []
    let violations = 0
    const heap = () => {
      collect()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    let before = 0
    for (let done = 0, round = 0; done < total && errors.length === 0; done += batch, round++) {
      const todo = fc.sample(streams, { numRuns: batch, seed: seed + round })
      const work = async () => {
        for (let stream = todo.pop(); stream !== undefined; stream = todo.pop())
          await play(stream.user === 'anonymous' ? rig.openPort : rig.port, stream, credential)
      }
      await Promise.all(Array.from({ length: abreast }, work))
      for (const line of rig.lines.splice(0)) {
        if (line.level === 'error') errors.push({ seed: seed + round, line })
        if (/cut off/.test(line.message)) violations++
      }
      if (round === 2) before = heap()
      if (total > 10_000 && round % 100 === 0) t.comment(`${done} streams, seed ${seed + round}`)
    }
    t.same(errors, [], 'no fault of the program')
    t.ok(violations > total / 20, `${violations} were cut off for what they sent`)
    await until(
      () => rig.broker.stats().connections === 3,
      () => `the others to be gone; ${rig.broker.stats().connections} are there`,
    )
    for (const client of clients) await client.end()
    const grown = heap() - before
    t.ok(grown < maxGrowthBytes, `${Math.round(grown / 1024 / 1024)} MB more than at first`)
    t.ok((await rig.broker.ping()) < maxRoundTripMs)
    t.comment(`seed ${seed}: ${total} streams, ${violations} cut off, ${Math.round(grown / 1024)} KiB grown`)
  },
)
