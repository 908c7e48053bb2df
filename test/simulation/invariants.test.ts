import t from 'tap'
import { writeCapBytes } from '../../src/link/link.ts'
import { encodeBoardMessage, encodeHostMessage } from '../../src/protocol/message-codec.ts'
import { type BoardMessage, type HostMessage, messageTypes } from '../../src/protocol/messages.ts'
import type { JobRecord } from '../../src/store/tables/job-record.ts'
import type { Fault, SessionPlan } from './faults.ts'
import { planSession } from './faults.ts'
import { layoutOf, readRecord, slotAddress } from './flash-layout.ts'
import { runWorld } from './run-session.ts'
import { WireWatch } from './wire-watch.ts'
import type { World } from './world.ts'

t.setTimeout(800_000)

/** A session in which nothing goes wrong by itself: two slots, the old pattern in slot 0, a quick line. */
function calm(faults: readonly Fault[], raw: boolean): SessionPlan {
  for (let seed = 1; ; seed++) {
    const plan = planSession(seed)
    const { config, old, file } = plan
    const fits = config.slots === 2 && old !== undefined && file.how.raw === raw && file.bytes.length > 600
    if (!fits) continue
    return {
      ...plan,
      faults,
      baudRate: 115_200,
      raiseTo: undefined,
      latencyMs: [0, 0],
      slowFlashMs: 0,
      storeMs: 1,
    }
  }
}

/** What the session is accused of when `spoil` has had its way, at its start or at a job state. */
async function accused(
  spoil: (world: World, job: JobRecord | undefined) => void,
  at?: JobRecord['state'],
  faults: readonly Fault[] = [],
  raw = false,
): Promise<string> {
  let spoilt = false
  const { violations } = await runWorld(calm(faults, raw), {
    onWorld: world => {
      if (at === undefined) return spoil(world, undefined)
      const { invariants } = world
      const { onJob } = invariants
      invariants.onJob = (host, job) => {
        if (job.state === at && !spoilt) {
          spoilt = true
          spoil(world, job)
        }
        onJob.call(invariants, host, job)
      }
    },
  })
  return violations.join('; ')
}

const black = new Uint8Array(16)

t.test('a session in which nothing is spoilt is accused of nothing', async t => {
  t.equal(await accused(() => undefined), '')
})

t.test('memory: timers, calls of the store and queues that grow are seen', async t => {
  const grow = (field: 'timers' | 'calls' | 'queuedBytes', by: number) => (world: World) => {
    world.host[field] += by
  }
  t.match(await accused(grow('timers', 100)), /has set 1\d\d timers/)
  t.match(await accused(grow('calls', 100)), /1\d\d calls of host wait for the store/)
  t.match(await accused(grow('queuedBytes', writeCapBytes + 1)), /has queued/)
})

t.test('the active pattern: another, a broken one and none are seen in the flash', async t => {
  const slot0 = ({ board }: World) => slotAddress(layoutOf(board.config), 0)
  const breakImage = (world: World) => world.board.flash.write(slot0(world) + 100, new Uint8Array(200))
  t.match(await accused(breakImage, 'transferring'), /a broken pattern is active/)
  const forget = ({ board }: World) =>
    board.flash.write(0, new Uint8Array(2 * layoutOf(board.config).areaBytes))
  t.match(await accused(forget, 'transferring'), /nothing is active any more/)
  const disallow = ({ board }: World) => {
    board.watch.allowed.clear()
    board.watch.look()
  }
  t.match(await accused(disallow, 'transferring'), /is active, neither old nor new/)
})

t.test('what is shown: other light than that of the active pattern is seen', async t => {
  const show = (id: Uint8Array, frame: number, pixels: Uint8Array) => (world: World) =>
    world.board.watch.onShown({ id, frame, pixels, delayMs: 1 })
  t.match(await accused(show(black, 0, Uint8Array.of(1))), /light without a pattern/)
  t.match(await accused(show(new Uint8Array(16).fill(3), 0, black)), /neither active nor in trial/)
  const wrong = (world: World) =>
    show(Buffer.from(world.board.watch.activeId, 'hex'), 0, Uint8Array.of(1, 2, 3))(world)
  t.match(await accused(wrong), /is shown wrong/)
  const late = (world: World) => {
    const { flash, watch, config } = world.board
    const tell = flash.onChange
    flash.onChange = (address, sizeBytes) => {
      tell(address, sizeBytes)
      const layout = layoutOf(config)
      const { trial } = readRecord(flash.view(0, 2 * layout.areaBytes), layout)
      if (trial === 255) return
      watch.trialBegins(-5)
      show(Buffer.from(world.host.job?.transferId ?? '', 'hex'), 0, Uint8Array.of(1))(world)
    }
  }
  t.match(await accused(late), /a trial that nobody confirmed goes on/)
})

t.test(
  'done: said without an image, of another hash, of what the board does not hold, or after a lie',
  async t => {
    const say = (fields: Partial<JobRecord>) => (world: World, job: JobRecord | undefined) => {
      if (job === undefined) throw new Error('there is no job')
      world.invariants.onJob(world.host, { ...(world.host.job ?? job), state: 'done', ...fields })
    }
    t.match(await accused(say({ imageSha: null }), 'transferring'), /done, but there is no image/)
    t.match(await accused(say({}), 'verifying'), /the board does not hold the image as active/)
    const otherHash = say({ digestAlg: 'sha256', digestValue: '00' })
    t.match(await accused(otherHash, 'verifying'), /another hash than the image has/)
    t.match(
      await accused(say({}), 'transferring', [{ kind: 'liar', about: 'hash' }]),
      /though the board lied/,
    )
  },
)

t.test(
  'the end: no progress, a lie that was not caught, a mute board and bits that were not erased',
  async t => {
    t.match(await accused(({ board }) => board.stop()), /no progress on a fair line/)
    t.match(
      await accused(({ board }) => board.stop(), undefined, [{ kind: 'liar', about: 'hash' }]),
      /the board lied and the job is/,
    )
    const deaf = (world: World) =>
      Object.defineProperty(world, 'present', { get: () => true, set: () => undefined })
    t.match(
      await accused(deaf, undefined, [{ kind: 'mute', atFrame: 6, forMs: 20_000 }]),
      /a mute board was not noticed/,
    )
    const overwrite = ({ board }: World) => {
      const free = slotAddress(layoutOf(board.config), 2) - 1
      board.flash.write(free, Uint8Array.of(0))
      board.flash.write(free, Uint8Array.of(0xff))
    }
    t.match(await accused(overwrite, 'trial'), /programmed what it had not erased/)
  },
)

t.test('the file: other bytes than those of the user, and a transfer that nobody ordered', async t => {
  const onceCompiled = (act: (world: World, job: JobRecord) => void) => (world: World) => {
    const { invariants } = world
    const { afterStep } = invariants
    invariants.afterStep = () => {
      const { job } = world.host
      if (job !== undefined && job.transferId !== null) act(world, job)
      afterStep.call(invariants)
    }
  }
  const lose = onceCompiled(({ host }, { manifestSha }) => host.tables.blobs.delete(manifestSha ?? ''))
  t.match(await accused(lose), /begins a transfer that its database does not know/)
  const change = onceCompiled(({ host }) => host.file.bytes.fill(0))
  t.match(await accused(change, undefined, [], true), /sends other bytes than the file has/)
})

/** A line on which four blocks are sent, and what the watch says of it. */
function line(mayForget = false) {
  const violations: string[] = []
  const watch = new WireWatch({ mayForget, acknowledged: new Map(), violate: what => violations.push(what) })
  const frame = (message: HostMessage | BoardMessage, seq: number, body: Uint8Array) => ({
    version: 1,
    session: 9,
    type: messageTypes[message.type],
    seq,
    body,
  })
  const write = (message: HostMessage, seq = 1) =>
    watch.onWrite(frame(message, seq, encodeHostMessage(message)))
  const hear = (message: BoardMessage, seq = 1) =>
    watch.onHeard(frame(message, seq, encodeBoardMessage(message)))
  const begin = (fresh: boolean, state: number) => {
    write({
      type: 'BEGIN',
      id: new Uint8Array(16).fill(1),
      manifestBytes: 136,
      manifestCrc: 1,
      imageBytes: 400,
      blocks: 4,
      slot: 255,
      fresh,
    })
    hear({ type: 'BEGIN', slot: 0, state })
  }
  const have = (firstSeq: number, missing: number) => {
    const fields = { start: true, firstSeq, bodyBytes: 64, from: 0 }
    write({ type: 'HAVEQ', ...fields })
    hear({ type: 'HAVE', ...fields, block: 4 - missing, offset: 0, missing, bitmap: Uint8Array.of(15) })
  }
  const data = (seq: number) => write({ type: 'DATA', bytes: new Uint8Array(64) }, seq)
  const ack = (next: number, durable: number, bitmap = 0) =>
    hear({ type: 'ACK', next, bitmap, credit: 1000, durable })
  write({ type: 'HELLO', minVersion: 1, maxVersion: 1, hostMaxBody: 4096, page: 0 }, 0)
  return { violations, watch, begin, have, data, ack }
}

t.test('the wire: nothing acknowledged is sent or forgotten again', async t => {
  const good = line()
  good.begin(false, 0)
  good.have(0, 4)
  for (const seq of [0, 1, 2]) good.data(seq)
  good.ack(1, 1, 1)
  good.data(1)
  good.have(3, 3)
  t.same(good.violations, [])

  const again = line()
  again.begin(false, 0)
  again.have(0, 4)
  for (const seq of [0, 1, 2]) again.data(seq)
  again.ack(1, 1, 1)
  again.data(0)
  again.data(2)
  t.same(again.violations.length, 2)
  t.match(again.violations[0], /sent again after it was acknowledged/)

  const outside = line()
  outside.begin(false, 0)
  outside.data(0)
  t.match(outside.violations[0], /DATA outside a segment/)

  const ahead = line()
  ahead.begin(false, 0)
  ahead.have(0, 4)
  ahead.data(32)
  t.same(ahead.violations, [])
  ahead.data(33)
  t.match(ahead.violations[0], /33 frames ahead of the board/)

  for (const [missing, bad] of [
    [2, 0],
    [3, 1],
  ] as const) {
    const forgetful = line()
    forgetful.begin(false, 0)
    forgetful.have(0, 4)
    forgetful.ack(4, 3)
    forgetful.begin(false, 1)
    forgetful.have(9, missing)
    t.equal(forgetful.violations.length, bad, `${missing} of 4 are missing after 3 were durable`)
    t.equal(forgetful.watch.mostForgotten, missing - 1)
  }
  for (const [fresh, words] of [
    [true, /the host starts afresh without cause/],
    [false, /the board has begun afresh unasked/],
  ] as const) {
    const lost = line()
    lost.begin(false, 0)
    lost.have(0, 4)
    lost.ack(4, 3)
    lost.begin(fresh, 0)
    t.match(lost.violations[0], words)
    const excused = line(true)
    excused.begin(false, 0)
    excused.have(0, 4)
    excused.ack(4, 3)
    excused.begin(fresh, 0)
    t.same(excused.violations, [])
  }
})
