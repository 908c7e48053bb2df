import fc from 'fast-check'
import t from 'tap'
import { decide } from '../../src/broker/policy.ts'
import { matches, overlaps } from '../../src/broker/topics/topic-filter.ts'
import { boardB, own, principals, reference, serialTopic, served } from './acl-reference.ts'
import { filters, topics } from './acl-topics.ts'
import { gw, principal } from './broker-rig.ts'

const world = {
  gatewayId: gw,
  serves: (boardId: string) => boardId === served,
  serialTopics: [serialTopic],
}
const boards = principals.filter(({ access, room }) => access === 'board' && room === undefined)
const others = principals.filter(({ access }) => access !== 'board')

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
    fc.property(fc.constantFrom(...boards), filters, topics, (who, filter, topic) => {
      const granted = decide(world, who, { type: 'subscribe', filter }).allowed
      if (!granted || !matches(filter, topic) || reference.reads(who, topic)) return true
      // `own/#` names the level `own` itself as well (MQTT 3.1.1 §4.7.1.2), and `pixelgate/+/BOARD/…` the board at another gateway:
      // both are held back at the forward.
      const [, gateway, board] = topic.split('/')
      const isElsewhere = gateway !== gw && board === who.boardId
      const held = !decide(world, who, { type: 'receive', topic }).allowed
      return held && (isElsewhere || reference.reads(who, `${topic}/level`))
    }),
    {
      numRuns: 30_000,
      examples: [
        [principal('board', 'b', boardB), `${own}/${boardB}/#`, `${own}/${boardB}`],
        [principal('board', 'b', boardB), `pixelgate/+/${boardB}/#`, `pixelgate/other/${boardB}/state`],
      ],
    },
  )
})

t.test('a filter that is refused would have brought nothing', async () => {
  fc.assert(
    fc.property(fc.constantFrom(...others), filters, topics, (who, filter, topic) => {
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
