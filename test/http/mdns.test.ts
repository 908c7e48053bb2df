import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { Bonjour, type Service as Found } from 'bonjour-service'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { AllowedHosts, machineCalled } from '../../src/http/access/allowed-hosts.ts'
import { tlsNames } from '../../src/http/tls/load-tls.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import {
  addressRecord,
  type DnsMessage,
  type DnsRecord,
  decodeMessage,
  encodeMessage,
  pointerRecord,
  recordTypes,
  serviceRecord,
  textRecord,
} from '../../src/mdns/dns-message.ts'
import { type Link, Responder, type Service } from '../../src/mdns/responder.ts'
import { type Mdns, type MdnsOptions, startMdns } from '../../src/mdns/start-mdns.ts'

const https = (port = 8443): Service => ({ type: '_https._tcp', port, texts: ['path=/'] })

/** Numbers from 0 to below 1 that one seed repeats (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Station {
  readonly responder: Responder
  readonly links: readonly Link[]
  readonly names: string[]
}

/** A network in virtual time: what one sends, all hear after a millisecond, the sender too. */
class Network {
  readonly clock = new VirtualClock()
  readonly sent: DnsMessage[] = []
  readonly #stations: Station[] = []

  station(
    addresses: readonly string[],
    more: { seed?: number; services?: readonly Service[] } = {},
  ): Station {
    const names: string[] = []
    const responder = new Responder({
      clock: this.clock,
      name: 'pixelgate',
      services: more.services ?? [https()],
      ownAddresses: () => addresses,
      onName: name => void names.push(name),
      random: randomOf(more.seed ?? addresses.length),
    })
    const links = addresses.map(
      (address): Link => ({
        addresses: () => [address],
        send: message => this.send(message),
      }),
    )
    for (const link of links) responder.addLink(link)
    const station = { responder, links, names }
    this.#stations.push(station)
    return station
  }

  send(message: DnsMessage): void {
    this.sent.push(message)
    const again = decodeMessage(encodeMessage(message))
    if (again === undefined) throw new Error('it cannot be read')
    this.clock.setTimer(1, () => {
      for (const { responder, links } of this.#stations)
        for (const link of links) responder.receive(link, again)
    })
  }

  /** What all hear of a question. */
  ask(name: string, type: number, known: readonly DnsRecord[] = []): readonly DnsMessage[] {
    const from = this.sent.length
    this.send({
      isResponse: false,
      questions: [{ name, type }],
      answers: known,
      authorities: [],
      additionals: [],
    })
    this.clock.advance(500)
    return this.sent.slice(from + 1)
  }
}

const ends = (record: DnsRecord | undefined) =>
  record && { name: record.name, type: record.type, ttlSeconds: record.ttlSeconds }

t.test('a name is asked for three times, then announced, then answered for, and given back at the end', t => {
  const network = new Network()
  const { responder, links, names } = network.station(['192.168.1.7'])
  responder.start()
  network.clock.advance(1200)
  const probes = network.sent.filter(({ isResponse }) => !isResponse)
  t.equal(probes.length, 3)
  t.match(probes[0]?.questions, [
    { name: 'pixelgate.local', type: 255 },
    { name: 'pixelgate._https._tcp.local' },
  ])
  t.ok((probes[0]?.authorities.length ?? 0) >= 3, 'with what would be announced')
  t.same(names, ['pixelgate'])
  network.clock.advance(10_000)
  t.equal(network.sent.filter(({ isResponse }) => isResponse).length, 3)

  const [address] = network.ask('PixelGate.LOCAL', recordTypes.a)
  t.match(address?.answers.map(ends), [{ name: 'pixelgate.local', type: recordTypes.a, ttlSeconds: 120 }])
  t.ok(address?.answers[0]?.flush)
  const [service] = network.ask('_https._tcp.local', recordTypes.ptr)
  t.match(service?.answers.map(ends), [{ type: recordTypes.ptr, ttlSeconds: 4500 }])
  t.same(
    service?.additionals.map(({ type }) => type).sort((a, b) => a - b),
    [recordTypes.a, recordTypes.txt, recordTypes.srv],
  )
  t.equal(network.ask('_services._dns-sd._udp.local', recordTypes.ptr)[0]?.answers.length, 1)
  t.match(
    network.ask('pixelgate.local', recordTypes.aaaa)[0]?.answers,
    [{ type: recordTypes.nsec }],
    'none of that kind',
  )
  t.same(network.ask('other.local', recordTypes.any), [])
  t.same(
    network.ask('_https._tcp.local', recordTypes.ptr, service?.answers),
    [],
    'whoever knows it is not told again',
  )

  const simple: DnsMessage[] = []
  const question = { name: 'pixelgate.local', type: recordTypes.a }
  const [link] = links
  if (link === undefined) return t.end()
  const asked = {
    id: 77,
    isResponse: false,
    questions: [question],
    answers: [],
    authorities: [],
    additionals: [],
  }
  responder.receive(link, asked, message => void simple.push(message))
  t.match(simple, [{ id: 77, questions: [question], answers: [{ ttlSeconds: 10, flush: false }] }])

  const from = network.sent.length
  responder.stop()
  const [goodbye] = network.sent.slice(from)
  t.ok((goodbye?.answers.length ?? 0) >= 5 && goodbye?.answers.every(({ ttlSeconds }) => ttlSeconds === 0))
  t.same(network.ask('pixelgate.local', recordTypes.a), [])
  return t.end()
})

t.test('a neighbour that has the name keeps it, and the newcomer takes a number', t => {
  const network = new Network()
  const first = network.station(['192.168.1.7'], { seed: 1 })
  first.responder.start()
  network.clock.advance(5_000)
  const second = network.station(['192.168.1.8'], { seed: 2 })
  second.responder.start()
  const third = network.station(['192.168.1.9'], { seed: 3 })
  third.responder.start()
  network.clock.advance(30_000)
  t.equal(first.responder.name, 'pixelgate')
  t.same([second.responder.name, third.responder.name].sort(), ['pixelgate-2', 'pixelgate-3'])
  t.same(first.names, ['pixelgate'], 'it has never lost it')
  t.end()
})

t.test('gateways that get power at the same moment end with names of their own', t => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 600 }), { minLength: 2, maxLength: 6 }),
      fc.nat(),
      fc.boolean(),
      (delays, seed, sameMachine) => {
        const network = new Network()
        const stations = delays.map((_, at) =>
          sameMachine
            ? network.station(['192.168.1.7'], { seed: seed + at, services: [https(8443 + at)] })
            : network.station([`192.168.1.${10 + at}`], { seed: seed + at }),
        )
        for (const [at, { responder }] of stations.entries())
          network.clock.setTimer(delays[at] ?? 0, () => responder.start())
        network.clock.advance(60_000)
        const names = stations.map(({ responder }) => responder.name)
        return (
          new Set(names).size === names.length && stations.every(({ responder }) => responder.isAnnounced)
        )
      },
    ),
    { numRuns: 60 },
  )
  t.end()
})

t.test('a machine with two ways into one network does not fight with itself', t => {
  const network = new Network()
  const { responder, names } = network.station(['192.168.1.7', '192.168.1.8'])
  responder.start()
  network.clock.advance(60_000)
  t.same([responder.name, responder.isAnnounced], ['pixelgate', true])
  t.same(names, ['pixelgate'])
  t.ok(network.sent.length < 30, `${network.sent.length} messages`)
  t.end()
})

t.test('two networks that are joined later sort it out; a packet that is old changes nothing', t => {
  const network = new Network()
  const { responder, names } = network.station(['192.168.1.7'])
  responder.start()
  network.clock.advance(5_000)
  const stranger = addressRecord('pixelgate.local', '192.168.1.99')
  const says = (answers: readonly DnsRecord[]) =>
    network.send({ isResponse: true, questions: [], answers, authorities: [], additionals: [] })
  says([{ ...stranger, ttlSeconds: 0 }])
  network.clock.advance(5_000)
  t.same(names, ['pixelgate'], 'a goodbye is no claim')
  says([stranger])
  network.clock.advance(5_000)
  t.same(names, ['pixelgate', 'pixelgate'], 'asked again, and nobody answered')
  says([stranger])
  network.clock.advance(100)
  says([stranger])
  network.clock.advance(5_000)
  t.equal(responder.name, 'pixelgate-2')
  t.end()
})

t.test(
  'whoever claims every name only makes it slow, and whoever asks without end is not always answered',
  t => {
    const network = new Network()
    const { responder } = network.station(['192.168.1.7'])
    const liar = setLiar(network, responder)
    responder.start()
    network.clock.advance(120_000)
    t.ok(liar() < 60, `${liar()} names in two minutes`)
    t.notOk(responder.isAnnounced)

    const calm = new Network()
    const one = calm.station(['192.168.1.7'])
    one.responder.start()
    calm.clock.advance(10_000)
    const from = calm.sent.length
    for (let at = 0; at < 1000; at++)
      calm.send({
        isResponse: false,
        questions: [{ name: 'pixelgate.local', type: 1 }],
        answers: [],
        authorities: [],
        additionals: [],
      })
    calm.clock.advance(500)
    t.ok(calm.sent.length - from - 1000 <= 50)
    t.end()
  },
)

/** Answers for each name that is asked for; tells how many there were. */
function setLiar(network: Network, responder: Responder): () => number {
  const claimed = new Set<string>()
  const look = () => {
    const name = `${responder.name}.local`
    claimed.add(name)
    const answers = [addressRecord(name, '192.168.1.66')]
    network.send({ isResponse: true, questions: [], answers, authorities: [], additionals: [] })
    network.clock.setTimer(50, look)
  }
  look()
  return () => claimed.size
}

t.test('messages come out as they went in, and no bytes break the reader', t => {
  const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/)
  const name = fc.array(label, { minLength: 1, maxLength: 5 }).map(labels => labels.join('.'))
  const record = fc.oneof(
    fc.tuple(name, fc.oneof(fc.ipV4(), fc.ipV6())).map(([at, address]) => addressRecord(at, address)),
    fc.tuple(name, name).map(([at, to]) => pointerRecord(at, to)),
    fc.tuple(name, name, fc.nat({ max: 65_535 })).map(([at, to, port]) => serviceRecord(at, to, port)),
    fc.tuple(name, fc.array(label)).map(([at, texts]) => textRecord(at, texts)),
  )
  const records = fc.array(record, { maxLength: 6 })
  const message = fc.record({
    id: fc.nat({ max: 65_535 }),
    isResponse: fc.boolean(),
    questions: fc.array(fc.record({ name, type: fc.nat({ max: 65_535 }) }), { maxLength: 4 }),
    answers: records,
    authorities: records,
    additionals: records,
  })
  fc.assert(
    fc.property(message, each => t.same(decodeMessage(encodeMessage(each)), each)),
    { numRuns: 200 },
  )
  const damage = fc.array(fc.tuple(fc.nat({ max: 2000 }), fc.nat({ max: 255 })), { maxLength: 8 })
  fc.assert(
    fc.property(message, damage, fc.nat({ max: 2000 }), (each, hits, cut) => {
      const bytes = encodeMessage(each)
      for (const [at, byte] of hits) if (at < bytes.length) bytes[at] = byte
      const read = decodeMessage(bytes.subarray(0, Math.max(0, bytes.length - (cut % 40))))
      if (read !== undefined) encodeMessage(read)
      decodeMessage(Buffer.from(hits.flat()))
    }),
    { numRuns: 1000 },
  )
  const loop = Buffer.from('00000000000100000000000001610c'.replace('01610c', '0161c00c00010001'), 'hex')
  t.equal(decodeMessage(loop), undefined, 'a name that points at itself')
  t.end()
})

t.test('the name of the moment is a host of ours and a name of the certificate', t => {
  let current: string | undefined
  const machine = machineCalled('stage', () => current, {
    hostname: () => 'lamps',
    addresses: () => ['192.168.1.7'],
  })
  const clock = new VirtualClock()
  const hosts = new AllowedHosts([], clock, machine)
  t.ok(hosts.has('stage.local'))
  t.notOk(hosts.has('stage-2.local'))
  t.notOk(tlsNames({ hosts: [] }, machine).includes('stage-2.local'))
  current = 'stage-2'
  clock.advance(3_000)
  t.ok(hosts.has('stage-2.local'))
  t.ok(tlsNames({ hosts: [] }, machine).includes('stage-2.local'))
  t.ok(machine.spareNames?.().includes('stage-2.local'), 'so that no other authority is needed for it')
  t.end()
})

const networks = Object.values(networkInterfaces()).flatMap(list => list ?? [])
const outward = networks.find(({ internal, family }) => family === 'IPv4' && !internal)

/** Whether a message to the group comes back to this machine, as it does in any network that has multicast. */
async function hasMulticast(): Promise<boolean> {
  if (outward === undefined) return false
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    socket.bind(5353)
    await once(socket, 'listening')
    socket.addMembership('224.0.0.251', outward.address)
    socket.setMulticastInterface(outward.address)
    const heard = once(socket, 'message').then(() => true)
    socket.send(
      encodeMessage({ isResponse: false, questions: [], answers: [], authorities: [], additionals: [] }),
      5353,
      '224.0.0.251',
    )
    return await Promise.race([
      heard,
      new Promise<boolean>(resolve => setTimeout(resolve, 1000, false).unref()),
    ])
  } catch {
    return false
  } finally {
    socket.close()
  }
}
const noMulticast = (await hasMulticast()) ? false : 'no network here carries multicast'

/** A name of its own, so that a gateway in the network of whoever runs this is not in the way. */
const unique = `pg-${Math.random().toString(36).slice(2, 8)}`

async function named(t: Test, more: Partial<MdnsOptions>): Promise<Mdns & { readonly name: string }> {
  const { promise, resolve } = withResolvers<string>()
  const mdns = startMdns({
    clock: systemClock,
    log: silentLog,
    name: unique,
    services: [https()],
    onName: resolve,
    ...more,
  })
  t.teardown(() => mdns.stop())
  const name = await promise
  return { name, stop: () => mdns.stop() }
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>(done => {
    resolve = done
  })
  return { promise, resolve }
}

t.test(
  'another implementation finds the gateway, its second one, and hears them leave',
  { skip: noMulticast },
  async t => {
    const first = await named(t, { services: [https(8443)] })
    t.equal(first.name, unique)
    const second = await named(t, { services: [https(9443)] })
    t.equal(second.name, `${unique}-2`, 'on one machine the ports tell them apart')
    const client = new Bonjour()
    t.teardown(() => new Promise<void>(resolve => client.destroy(resolve)))
    const found = new Map<string, Found>()
    const gone: string[] = []
    const { promise: both, resolve: foundBoth } = withResolvers<void>()
    const { promise: left, resolve: hasLeft } = withResolvers<void>()
    const browser = client.find({ type: 'https' })
    browser.on('up', (service: Found) => {
      found.set(service.name, service)
      if (found.has(unique) && found.has(`${unique}-2`)) foundBoth()
    })
    browser.on('down', (service: Found) => {
      gone.push(service.name)
      hasLeft()
    })
    await both
    const service = found.get(`${unique}-2`)
    t.match(service, { host: `${unique}-2.local`, port: 9443, txt: { path: '/' } })
    t.ok(service?.addresses?.includes(outward?.address ?? ''))
    t.notOk(service?.addresses?.some(address => address.startsWith('127.') || address.startsWith('fe80')))
    await second.stop()
    await left
    t.same(gone, [`${unique}-2`])
  },
)

t.test('a network that goes, comes back or refuses ends nothing', { skip: noMulticast }, async t => {
  const clock = new VirtualClock()
  const said: string[] = []
  const log = { ...silentLog, warn: (fields: object) => void said.push(JSON.stringify(fields)) }
  const real = networkInterfaces()
  const foreign = {
    address: '192.0.2.250',
    netmask: '255.255.255.0',
    family: 'IPv4',
    mac: '02:00:00:00:00:01',
    internal: false,
    cidr: '192.0.2.250/24',
  } as const
  const worlds = [real, {}, { ...real, gone0: [foreign] }, real]
  let world = 0
  const interfaces = () => {
    if (world === 4) throw new Error('a sandbox')
    return worlds[world] ?? {}
  }
  const mdns = startMdns({ clock, log, name: unique, services: [https()], interfaces })
  const turns = async () => {
    for (let at = 0; at < 20; at++) {
      clock.advance(500)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
  for (; world < 5; world++) await turns()
  t.equal(mdns.name, unique)
  t.match(said, [/gone0.*(ENODEV|EADDRNOTAVAIL|ENETUNREACH)/], 'said once')
  await Promise.all([mdns.stop(), mdns.stop()])
})

t.test('a port that another program does not share costs a warning', async t => {
  const blocker: Socket = createSocket('udp4')
  blocker.bind(0)
  await once(blocker, 'listening')
  t.teardown(() => void blocker.close())
  const said: string[] = []
  const { promise, resolve } = withResolvers<void>()
  const warn = (fields: object) => {
    said.push(JSON.stringify(fields))
    resolve()
  }
  const log = { ...silentLog, warn }
  const interfaces = () => ({
    x0: [
      {
        address: '127.0.0.1',
        netmask: '',
        family: 'IPv4' as const,
        mac: '',
        internal: false,
        cidr: '127.0.0.1/8',
      },
    ],
  })
  const port = blocker.address().port
  const mdns = startMdns({
    clock: new VirtualClock(),
    log,
    name: unique,
    services: [https()],
    interfaces,
    port,
  })
  await promise
  t.match(said, [/x0.*EADDRINUSE/])
  t.equal(mdns.name, undefined)
  await mdns.stop()
})
