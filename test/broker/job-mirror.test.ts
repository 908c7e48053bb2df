import t from 'tap'
import { JobMirror } from '../../src/broker/devices/job-mirror.ts'
import { Publisher } from '../../src/broker/publisher.ts'
import { gatewayTopics } from '../../src/broker/topics/topics.ts'
import { Bus } from '../../src/kernel/bus.ts'
import { boardId, jobId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { JobFilter } from '../../src/store/tables/job-list.ts'
import type { JobRecord } from '../../src/store/tables/job-record.ts'
import type { GatewayCore, GatewayEvents } from '../../src/upload/gateway-core.ts'
import { gw } from './broker-rig.ts'

const minuteMs = 60_000

/** A mirror over jobs that the database holds, the newest first, and what it has retained. */
async function mirror(clock: VirtualClock, jobs: readonly JobRecord[]) {
  const bus = new Bus<GatewayEvents>()
  const retained = new Map<string, string>()
  const said: string[] = []
  const publisher = new Publisher(
    {
      publish: ({ topic, payload }, done) => {
        const job = topic.split('/').at(-2) ?? ''
        said.push(payload.length === 0 ? `${job} cleared` : job)
        if (payload.length === 0) retained.delete(job)
        else retained.set(job, JSON.parse(payload.toString()).state)
        done()
      },
    },
    silentLog,
  )
  const list = async ({ states = [], limit }: JobFilter) => {
    const found = jobs.filter(({ state }) => states.includes(state))
    return { jobs: found.slice(0, limit), total: found.length }
  }
  const core = { bus, uploads: { jobs: list } } as unknown as GatewayCore
  const jobMirror = new JobMirror({ core, topics: gatewayTopics(gw), publisher, clock })
  await jobMirror.start()
  return { jobMirror, bus, retained, said }
}

const job = (id: string, state: JobRecord['state'], finishedMs: number | null = null): JobRecord =>
  ({
    ...{ id: jobId(id), boardId: boardId('b'), state, name: 'fire.leds', patternId: null, imageBytes: 10 },
    ...{ errorCode: null, errorMessage: null, finishedMs },
  }) as JobRecord

t.test('a job is told twice a second at most, its end at once, and is cleared ten minutes later', async t => {
  const clock = new VirtualClock()
  const bus = new Bus<GatewayEvents>()
  const said: { topic: string; message: { state?: string; percent?: number; bytes?: number } | undefined }[] =
    []
  const jobMirror = new JobMirror({
    core: { bus, uploads: { jobs: async () => ({ jobs: [], total: 0 }) } } as unknown as GatewayCore,
    topics: gatewayTopics(gw),
    clock,
    publisher: {
      retain: async (topic: string, said_: object | undefined) => void said.push({ topic, message: said_ }),
    } as never,
  })
  await jobMirror.start()
  const record = (id: string, state: JobRecord['state']) =>
    ({
      id: jobId(id),
      boardId: boardId('b'),
      state,
      name: 'x',
      patternId: null,
      imageBytes: 1000,
      errorCode: null,
    }) as JobRecord
  const progress = (doneBytes: number) =>
    bus.emit('job.progress', {
      jobId: jobId('1'),
      boardId: boardId('b'),
      phase: 'transferring',
      doneBytes,
      totalBytes: 1000,
      durableBlocks: 0,
      blocks: 1,
      bodyBytes: 100,
      lineShare: 0.9,
      retransmittedBytes: 0,
    })
  progress(1)
  bus.emit('job.changed', record('1', 'transferring'))
  for (let ms = 0; ms < 9990; ms += 10) {
    progress(ms / 10)
    clock.advance(10)
  }
  t.equal(said.length, 20)
  t.match(said.at(-1)?.message, { state: 'transferring', percent: 94, bytes: 949 })
  progress(1000)
  clock.advance(500)
  t.match(said.at(-1)?.message, { percent: 99 }, '100 is for what is proven')
  bus.emit('job.changed', record('1', 'done'))
  t.match(said.at(-1)?.message, { state: 'done', percent: 100, bytes: 1000, lineShare: 0.9 })
  const count = said.length
  bus.emit('job.changed', record('1', 'done'))
  progress(5)
  clock.advance(599_000)
  t.equal(said.length, count, 'the end is the last word')
  clock.advance(1001)
  t.same(said.at(-1), { topic: `pixelgate/${gw}/b/upload/1/status`, message: undefined })
  for (let i = 0; i < 257; i++) bus.emit('job.changed', record(`n${i}`, 'done'))
  t.same(
    said.at(-1),
    { topic: `pixelgate/${gw}/b/upload/n0/status`, message: undefined },
    'the oldest of 257 ends',
  )
  bus.emit('job.changed', record('2', 'queued'))
  progress(5)
  await jobMirror.stop()
  const last = said.length
  clock.advance(1_000_000)
  t.equal(said.length, last, 'nothing is said after the stop')
})

t.test('after a restart the end of an upload can be read for what is left of its ten minutes', async t => {
  const clock = new VirtualClock()
  const nowMs = clock.wallTime()
  const { bus, retained, said, jobMirror } = await mirror(clock, [
    job('waits', 'waiting'),
    job('future', 'done', nowMs + 3_600_000),
    job('done', 'done', nowMs - minuteMs),
    job('failed', 'failed', nowMs - 4 * minuteMs),
    job('old', 'done', nowMs - 10 * minuteMs),
  ])
  t.same(
    [...retained],
    [
      ['failed', 'failed'],
      ['done', 'done'],
      ['future', 'done'],
      ['waits', 'waiting'],
    ],
  )
  clock.advance(6 * minuteMs - 1)
  t.ok(retained.has('failed'))
  clock.advance(1)
  t.notOk(retained.has('failed'))
  clock.advance(3 * minuteMs)
  t.same([...retained.keys()], ['future', 'waits'])
  clock.advance(minuteMs)
  t.same([...retained.keys()], ['waits'], 'a clock that was set back keeps none longer than that')
  bus.emit('job.changed', job('waits', 'done', clock.wallTime()))
  t.same([...retained], [['waits', 'done']])
  said.length = 0
  await jobMirror.stop()
  t.same(said, ['waits cleared'], 'nobody would clear it while the gateway is away')
  t.equal(clock.step(), false, 'no timer is left')
})

t.test('of many uploads that have ended the newest are shown', async t => {
  const clock = new VirtualClock()
  const jobs = Array.from({ length: 300 }, (_, i) => job(`${i}`, 'done', clock.wallTime() - 1000 * i))
  const { retained, jobMirror } = await mirror(clock, jobs)
  t.same(
    [...retained.keys()].reverse(),
    jobs.slice(0, 256).map(({ id }) => id),
  )
  await jobMirror.stop()
})
