import fc from 'fast-check'
import t from 'tap'
import type { MqttPrincipal } from '../../src/account/mqtt-users.ts'
import { decide } from '../../src/broker/policy.ts'
import { matches, overlaps } from '../../src/broker/topic-filter.ts'
import { boardId } from '../../src/kernel/ids.ts'
import { BrokerRig, gw, type Heard, type Listener, principal, until } from './broker-rig.ts'

const own = `pixelgate/${gw}`
const [boardA, boardB, served] = ['a', 'b', 'd'].map(
  digit => `${digit.repeat(8)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(12)}`,
) as [string, string, string]
const world = { gatewayId: gw, serves: (boardId: string) => boardId === served }

/** The rules a second time, as patterns over the whole topic (docs/mqtt.md). */
const one = '[^/]+'
const commandPattern = new RegExp(`^${own}/(${one}/)?cmd/${one}$`)
const reference = {
  reads: ({ access, boardId }: MqttPrincipal, topic: string): boolean => {
    if (access === 'board') return topic.startsWith(`${own}/${boardId}/`)
    if (topic.startsWith(`${own}/`) || topic.startsWith('homeassistant/')) return true
    return access !== 'watch' && topic.startsWith('$SYS/broker/')
  },
  writes: ({ access, boardId }: MqttPrincipal, topic: string, retain: boolean): boolean => {
    if (access === 'watch') return false
    if (access !== 'board') return commandPattern.test(topic) && !retain
    if (new RegExp(`^${own}/${boardId}/(telemetry(/${one})+|cmd/${one}/result)$`).test(topic)) return !retain
    return boardId !== served && new RegExp(`^${own}/${boardId}/(state|availability|info)$`).test(topic)
  },
}

const principals: readonly MqttPrincipal[] = [
  principal('watch', 'watch'),
  principal('control', 'control'),
  principal('anonymous', ''),
  principal('board', 'board-a', boardA),
  principal('board', 'board-b', boardB),
  principal('board', 'board-d', served),
]
const levels = fc.constantFrom(
  ...['pixelgate', gw, '00000000', boardA, boardB, served, 'gpio', 'cmd', 'play', 'result', 'state', 'info'],
  ...[
    'availability',
    'telemetry',
    'volts',
    'upload',
    'status',
    'homeassistant',
    '$SYS',
    'broker',
    'uptime',
    'x',
  ],
)
const tail = fc.oneof(
  fc.constantFrom(
    'cmd/play',
    'cmd/play/result',
    'state',
    'availability',
    'info',
    'telemetry/volts',
    'telemetry',
  ),
  fc.constantFrom('telemetry/a/b', 'upload/1/status', 'upload/1/offer', 'status', 'x', 'cmd', 'state/x'),
  fc.array(levels, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/')),
)
/** Mostly topics that come close to what is allowed. */
const topics = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom(boardA, boardB, served), tail)
      .map(([id, rest]) => `${own}/${id}/${rest}`),
  },
  { weight: 2, arbitrary: tail.map(rest => `${own}/${rest}`) },
  { weight: 1, arbitrary: tail.map(rest => `pixelgate/00000000/${rest}`) },
  { weight: 1, arbitrary: fc.array(levels, { minLength: 1, maxLength: 6 }).map(parts => parts.join('/')) },
)
const filters = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom('#', '+/#', `${own}/#`, 'pixelgate/+/+/cmd/#', '$SYS/#', '+/+/+/+/+'),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(topics, fc.array(fc.boolean(), { maxLength: 6 }), fc.boolean(), fc.nat({ max: 6 }))
      .map(([topic, pluses, hash, keep]) => {
        const parts = topic.split('/').map((part, i) => (pluses[i] === true ? '+' : part))
        return hash ? [...parts.slice(0, keep), '#'].join('/') : parts.join('/')
      }),
  },
)

t.test('the policy says what its rules say', async t => {
  let allowed = 0
  fc.assert(
    fc.property(fc.constantFrom(...principals), topics, fc.boolean(), (who, topic, retain) => {
      const publish = decide(world, who, { type: 'publish', topic, retain }).allowed
      const receive = decide(world, who, { type: 'receive', topic }).allowed
      if (publish) allowed++
      return publish === reference.writes(who, topic, retain) && receive === reference.reads(who, topic)
    }),
    { numRuns: 30_000 },
  )
  t.ok(allowed > 300, 'both sides of the rules are met')
  t.notOk(decide(world, undefined, { type: 'publish', topic: `${own}/cmd/play`, retain: false }).allowed)
  t.notOk(decide(world, undefined, { type: 'subscribe', filter: '#' }).allowed)
  const nobody = principal('board', 'odd', null)
  t.notOk(decide(world, nobody, { type: 'publish', topic: `${own}//state`, retain: false }).allowed)
})

t.test('a filter that is granted to a board reaches nothing beyond it', async () => {
  fc.assert(
    fc.property(fc.constantFrom(...principals.slice(3)), filters, topics, (who, filter, topic) => {
      const granted = decide(world, who, { type: 'subscribe', filter }).allowed
      if (!granted || !matches(filter, topic) || reference.reads(who, topic)) return true
      // `own/#` names the level `own` itself as well (MQTT 3.1.1 §4.7.1.2); it is held back at the forward.
      return reference.reads(who, `${topic}/level`) && !decide(world, who, { type: 'receive', topic }).allowed
    }),
    {
      numRuns: 30_000,
      examples: [[principal('board', 'board-b', boardB), `${own}/${boardB}/#`, `${own}/${boardB}`]],
    },
  )
})

t.test('a filter that is refused would have brought nothing', async () => {
  fc.assert(
    fc.property(fc.constantFrom(...principals.slice(0, 3)), filters, topics, (who, filter, topic) => {
      const granted = decide(world, who, { type: 'subscribe', filter }).allowed
      return granted || !matches(filter, topic) || !reference.reads(who, topic)
    }),
    { numRuns: 30_000 },
  )
})

t.test('filters fit as MQTT 3.1.1 §4.7 has it', async t => {
  const cases: readonly [filter: string, topic: string, fits: boolean][] = [
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'a/b', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/broker', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/monitor/Clients', true],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
    ['a/b', 'a/b/c', false],
    ['a/b/c', 'a/b', false],
    ['A', 'a', false],
  ]
  for (const [filter, topic, fits] of cases) t.equal(matches(filter, topic), fits, `${filter} ${topic}`)
  fc.assert(
    fc.property(filters, filters, topics, (a, b, topic) =>
      matches(a, topic) && matches(b, topic) ? overlaps(a, b) && overlaps(b, a) : true,
    ),
    { numRuns: 5000 },
  )
  for (const [a, b, meet] of [
    ['a/b', 'a/b', true],
    ['a', 'a/#', true],
    ['a/+', '+/b', true],
    ['a/b', 'a/c', false],
    ['a/b', 'a', false],
    ['#', '$SYS/#', false],
  ] as const)
    t.equal(overlaps(a, b), meet, `${a} ${b}`)
})

/** One step of the campaign: who does what. */
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      topic: topics,
      retain: fc.boolean(),
      qos: fc.constantFrom(0, 1, 2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      filters: fc.array(filters, { minLength: 1, maxLength: 3 }),
      qos: fc.constantFrom(0, 1, 2),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('unsubscribe' as const),
      filters: fc.array(filters, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('reconnect' as const),
      clean: fc.boolean(),
      will: fc.option(topics),
      retain: fc.boolean(),
      abrupt: fc.boolean(),
    }),
  },
)

t.test(
  'whatever happens on a live broker, nobody hears or says what is not theirs',
  { timeout: 150_000 },
  async t => {
    const rig = await BrokerRig.start(t, {
      limits: { maxMessagesPerSecond: 100_000, maxRefusalsPerMinute: 1_000_000 },
    })
    rig.core.bus.emit('board.down', { boardId: boardId(served), error: undefined })
    const named = principals.filter(({ access }) => access !== 'anonymous')
    const credentials = new Map(
      await Promise.all(
        named.map(async who => {
          const { name, access, boardId: board } = who
          return [
            name,
            await rig.user(name, access === 'board' ? { boardId: board ?? '' } : (access as 'watch')),
          ] as const
        }),
      ),
    )
    let operations = 0
    let delivered = 0
    const leaks: string[] = []
    /** Payloads of ours tell who said what, where and how. */
    const judge = (who: MqttPrincipal, heard: Heard) => {
      delivered++
      if (!reference.reads(who, heard.topic)) leaks.push(`${who.name} heard ${heard.topic}`)
      const said = /^said (\S*) (true|false) (.*)$/.exec(heard.text)
      if (said === null) return
      const by = principals.find(({ name }) => name === said[1])
      if (
        by === undefined ||
        said[3] !== heard.topic ||
        !reference.writes(by, heard.topic, said[2] === 'true')
      )
        leaks.push(`${heard.topic} was said by ${by?.name}`)
    }
    const clients = new Map<MqttPrincipal, Listener>()
    const enter = async (
      who: MqttPrincipal,
      clean: boolean,
      will: { topic: string; retain: boolean } | null,
    ) => {
      const client = await rig.connect({
        ...credentials.get(who.name),
        clean,
        clientId: who.access === 'board' ? who.name : 'same',
        ...(will && {
          will: { ...will, qos: 1, payload: Buffer.from(`said ${who.name} ${will.retain} ${will.topic}`) },
        }),
      })
      client.client.on('message', (topic, payload, { retain, qos }) =>
        judge(who, { topic, text: payload.toString(), retain, qos }),
      )
      clients.set(who, client)
    }
    const reenter = async (
      who: MqttPrincipal,
      {
        clean,
        will,
        retain,
        abrupt,
      }: { clean: boolean; will: string | null; retain: boolean; abrupt: boolean },
    ) => {
      const old = clients.get(who)
      if (abrupt) old?.client.stream.destroy()
      await old?.client.endAsync(abrupt)
      const wanted = will === null ? null : { topic: will, retain }
      const refused = await enter(who, clean, wanted).catch((error: { code?: number }) => error)
      if ((refused === undefined) !== (will === null || reference.writes(who, will, retain)))
        leaks.push(`${who.name} with the will ${will} was ${refused === undefined ? 'let in' : 'refused'}`)
      if (refused !== undefined) await enter(who, clean, null)
    }
    for (const who of principals) await enter(who, true, null)

    const seed = 20_240_117
    const campaign = fc.sample(fc.tuple(fc.constantFrom(...principals), step), { numRuns: 20_500, seed })
    const waiting: Promise<unknown>[] = []
    for (const [who, act] of campaign) {
      operations++
      const client = clients.get(who)?.client
      if (client === undefined) throw new Error('nobody there')
      switch (act.do) {
        case 'publish':
          waiting.push(
            client.publishAsync(act.topic, `said ${who.name} ${act.retain} ${act.topic}`, {
              qos: act.qos as 0 | 1 | 2,
              retain: act.retain,
            }),
          )
          break
        case 'subscribe':
          waiting.push(
            client.subscribeAsync(act.filters, { qos: act.qos as 0 | 1 | 2 }).catch(() => undefined),
          )
          break
        case 'unsubscribe':
          waiting.push(client.unsubscribeAsync(act.filters))
          break
        case 'reconnect':
          await Promise.allSettled(waiting.splice(0))
          await reenter(who, act)
      }
      if (waiting.length >= 200) await Promise.allSettled(waiting.splice(0))
    }
    await Promise.allSettled(waiting)
    for (const who of principals)
      await reenter(who, { clean: false, will: null, retain: false, abrupt: false })
    const all = await rig.connect(credentials.get('control'))
    await all.client.subscribeAsync(`${own}/#`)
    await all.hears(`${own}/status`, 'online')
    t.same(leaks.slice(0, 5), [])
    t.ok(operations >= 20_000, `${operations} operations`)
    t.ok(delivered > 5000, `${delivered} messages were delivered`)
    t.notOk(
      all.heard.some(({ topic, retain }) => retain && topic.includes('/cmd/')),
      'no command was kept',
    )
    t.same(
      rig.lines.filter(({ level }) => level === 'error'),
      [],
    )
    await until(() => rig.broker.stats().commandsRunning === 0, 'the commands to end')
    t.comment(`${operations} operations, ${delivered} deliveries, ${leaks.length} leaks`)
  },
)
