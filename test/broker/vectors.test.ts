import t, { type Test } from 'tap'
import { BrokerRig, gw, RawClient, until } from './broker-rig.ts'
import { acknowledgementVectors } from './vectors/acknowledgements.ts'
import { connect31Vectors, connected31Vectors, connectVectors } from './vectors/connect.ts'
import { headerVectors } from './vectors/headers.ts'
import { publishVectors, textVectors } from './vectors/publish.ts'
import { deliveryVectors, subscribeVectors } from './vectors/subscribe.ts'
import { closed, more, type Own, packets, type Vector, welcome } from './vectors/vector.ts'

const connectedVectors = [
  ...headerVectors,
  ...acknowledgementVectors,
  ...publishVectors,
  ...textVectors,
  ...subscribeVectors,
  ...deliveryVectors,
]
const firstVectors = [...connectVectors, ...connect31Vectors]
const abreast = 24

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const ping = bytes('c0 00')
const pong = 'd000'

interface Run {
  readonly vector: Vector
  /** Level of the CONNECT in front; otherwise the vector begins the connection. */
  readonly level?: 3 | 4
}

const runs: readonly Run[] = [
  ...firstVectors.map(vector => ({ vector })),
  ...connectedVectors.map(vector => ({ vector, level: 4 as const })),
  ...connected31Vectors.map(vector => ({ vector, level: 3 as const })),
]

const hello = { 3: "10 * 'MQIsdp' 03 02 0000 '%'", 4: "10 * 'MQTT' 04 02 0000 '%'" } as const

/** How the bytes reach the broker. */
const ways = {
  /** Each packet by itself. */
  whole: async (raw: RawClient, sent: readonly Buffer[]) => {
    for (const packet of sent) {
      if (raw.closed) return
      raw.socket.write(packet)
      await new Promise(setImmediate)
    }
  },
  /** A byte at a time; of long packets the first and the last 300. */
  'byte by byte': async (raw: RawClient, sent: readonly Buffer[]) => {
    const all = Buffer.concat(sent)
    const middle = all.length > 2000 ? [all.subarray(300, all.length - 300)] : []
    const cut = all.length > 2000 ? [all.subarray(0, 300), all.subarray(-300)] : [all, Buffer.alloc(0)]
    const singles = (part: Buffer | undefined) => Array.from(part ?? [], byte => Buffer.of(byte))
    for (const piece of [...singles(cut[0]), ...middle, ...singles(cut[1])]) {
      if (raw.closed) return
      raw.socket.write(piece)
      await new Promise(setImmediate)
    }
  },
  /** Everything at once, CONNECT in front. */
  'glued together': async (raw: RawClient, sent: readonly Buffer[]) => {
    raw.socket.write(Buffer.concat(sent))
  },
} as const

/** Each packet of a stream as hexadecimal digits; what is left over is the last. */
function split(hex: string): string[] {
  const found: string[] = []
  for (let at = 0; at < hex.length; ) {
    let [length, shift, end] = [0, 0, at + 2]
    for (let byte = 128; byte > 127; end += 2, shift += 7) {
      byte = Number.parseInt(hex.slice(end, end + 2), 16)
      length += (byte & 127) << shift
    }
    found.push(hex.slice(at, end + 2 * length))
    at = end + 2 * length
  }
  return found
}

/** undefined: as expected. */
function difference(
  got: readonly string[],
  expected: readonly string[],
  besides: boolean,
): string | undefined {
  const left = [...got]
  for (const packet of expected) {
    const fits = (each: string) =>
      each === packet || (packet.includes('?') && new RegExp(`^${packet.replaceAll('?', '.')}$`).test(each))
    const at = left.findIndex(fits)
    if (at < 0) return `${packet.slice(0, 120)} is missing in ${got.map(each => each.slice(0, 120))}`
    left.splice(at, 1)
  }
  const surplus = besides ? left.filter(each => !each.startsWith('3')) : left
  return surplus.length > 0 ? `${surplus} was not expected` : undefined
}

async function outcome(
  t: Test,
  port: number,
  run: Run,
  own: Own,
  way: keyof typeof ways,
): Promise<string | undefined> {
  const [, , send, expected] = run.vector
  const first = run.level && packets(hello[run.level], own).map(bytes)
  const sent = packets(send, own).map(bytes)
  const answers = packets(first === undefined ? expected : `${welcome} | ${expected}`, own)
  const raw = await RawClient.open(t, port)
  raw.socket.setNoDelay(true)
  try {
    if (first === undefined || way === 'glued together') {
      await ways[way](raw, [...(first ?? []), ...sent])
    } else {
      raw.send(...first)
      await raw.gets(welcome)
      await ways[way](raw, sent)
    }
    if (expected.includes(closed)) {
      await raw.ends()
      // What was right before the fault may have been answered, or not.
      return first === undefined ? difference(split(raw.received), answers, false) : undefined
    }
    await until(() => raw.closed || split(raw.received).length >= answers.length, 'an answer')
    raw.socket.write(ping)
    const pongs = [...answers, pong].filter(each => each === pong).length
    await until(
      () => raw.closed || split(raw.received).filter(each => each === pong).length >= pongs,
      'PINGRESP',
    )
    return difference(split(raw.received), [...answers, pong], expected.includes(more))
  } catch (error) {
    return `${error instanceof Error ? error.message : error}; got ${raw.received.slice(0, 200)}`
  } finally {
    raw.socket.destroy()
  }
}

const limits = { maxMessagesPerSecond: 100_000, maxRefusalsPerMinute: 1_000_000 }

t.test('there are more than 300 vectors, each with its clause and a name of its own', async t => {
  const all = runs.map(({ vector }) => vector)
  t.ok(all.length >= 450, `${all.length} vectors`)
  const names = runs.map(({ vector: [clause, name], level }) => `${clause} ${name} ${level}`)
  t.same(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  )
  for (const [clause] of all) t.match(clause, /^(MQTT-\d\.\d+\.\d-\d+|\d\.\d+(\.\d+)*|3\.1:\d\.\d+|limit)$/)
  t.comment(`${all.length} vectors, ${new Set(all.map(([clause]) => clause)).size} clauses`)
})

for (const way of Object.keys(ways) as (keyof typeof ways)[])
  t.test(`a live broker answers each vector as MQTT 3.1.1 has it, ${way}`, async t => {
    const rig = await BrokerRig.start(t, { limits })
    const todo = [...runs]
    const wrong: string[] = []
    const work = async () => {
      for (let run = todo.pop(); run !== undefined; run = todo.pop()) {
        const clientId = `c${String(todo.length).padStart(3, '0')}`
        const own = { clientId, root: `pixelgate/${gw}/${clientId}/cmd` }
        const why = await outcome(t, rig.openPort, run, own, way)
        if (why !== undefined) wrong.push(`[${run.vector[0]}] ${run.vector[1]}: ${why}`)
      }
    }
    await Promise.all(Array.from({ length: abreast }, work))
    t.same(wrong, [])
    t.same(
      rig.lines.filter(({ level }) => level === 'error'),
      [],
    )
  })
