import fc from 'fast-check'
import t from 'tap'
import {
  type LiveEffect,
  type LiveInput,
  type LiveState,
  liveAtRest,
  retryDelayMs,
  stepLive,
} from '../../src/panel/model/reconnect.ts'
import { brightestFrame, decodePreview, frameOf } from '../../src/panel/preview/decode.ts'
import { ledGrid } from '../../src/panel/preview/led-grid.ts'
import { frameAt, timelineOf } from '../../src/panel/preview/timeline.ts'

/** Feeds inputs at their times and collects the effects. */
function run(
  steps: readonly (readonly [atMs: number, input: LiveInput])[],
  from: LiveState = liveAtRest,
): { state: LiveState; effects: LiveEffect[] } {
  let state = from
  const effects: LiveEffect[] = []
  for (const [atMs, input] of steps) {
    const step = stepLive(state, input, atMs, 0.5)
    state = step.state
    effects.push(...step.effects)
  }
  return { state, effects }
}

const start: LiveInput = { type: 'start' }
const welcome: LiveInput = { type: 'welcome', epoch: 'one', seq: 7 }
const tick: LiveInput = { type: 'tick' }
const closed: LiveInput = { type: 'closed', code: 1006, reason: '' }
const open = run([
  [0, start],
  [20, welcome],
]).state

t.test('a connection subscribes and measures its way there and back', async t => {
  const { state, effects } = run([
    [0, start],
    [20, welcome],
    [32, { type: 'pong', id: 1 }],
  ])
  t.same(effects, ['open', 'subscribe', 'ping'], 'there is nothing to go on from at the first welcome')
  t.match(state, { phase: 'open', latencyMs: 12, pingSentMs: null, position: { epoch: 'one', seq: 7 } })
  t.match(
    run([[40, { type: 'pong', id: 7 }]], open).state,
    { pingSentMs: 20 },
    'the answer to another ping is none',
  )
  t.same(run([[2000, tick]], state).effects, [])
  t.same(run([[3100, tick]], state).effects, ['ping'], 'soon again, when the page has settled')
  const settled = run(
    [
      [3100, tick],
      [3110, { type: 'pong', id: 2 }],
    ],
    state,
  ).state
  t.same(run([[18_000, tick]], settled).effects, [])
  t.same(run([[18_200, tick]], settled).effects, ['ping'], 'then every 15 s')
})

t.test('after a cut one goes on from the message that was heard last', async t => {
  const cut = run(
    [
      [30, { type: 'received', seq: 9 }],
      [1000, closed],
      [1100, tick],
      [1400, tick],
    ],
    open,
  )
  const back: LiveInput = { type: 'welcome', epoch: 'two', seq: 3 }
  const { state, effects } = run([[1500, back]], cut.state)
  t.same([...cut.effects, ...effects], ['open', 'resume', 'ping'])
  t.match(state, { phase: 'open', attempt: 0, epoch: 'two' })
  t.same(state.position, { epoch: 'one', seq: 9 }, 'a greeting is no answer to the question')
  t.same(
    run(
      [
        [1510, closed],
        [9999, tick],
        [9999, { type: 'received', seq: 8 }],
      ],
      state,
    ).state.position,
    { epoch: 'one', seq: 9 },
    'cut off again before that',
  )
  t.same(run([[1510, { type: 'received', seq: 4 }]], state).state.position, { epoch: 'two', seq: 4 })
  t.equal(run([[1600, { type: 'stop' }]], state).state.position, null, 'the next person begins anew')
})

t.test('a connection without an answer is given up', async t => {
  const silent = run(
    [
      [7000, tick],
      [8100, tick],
    ],
    open,
  )
  t.same(silent.effects, ['close'], 'no pong within 8 s')
  t.equal(silent.state.phase, 'waiting')
  const stuck = run([
    [0, start],
    [9000, tick],
    [10_000, tick],
  ])
  t.same(stuck.effects, ['open', 'close', 'check-session'], 'no welcome within 10 s')
})

t.test('who may no longer come asks whether the session has ended', async t => {
  t.same(
    run([
      [0, start],
      [10, closed],
    ]).effects,
    ['open', 'check-session'],
    'refused before the welcome',
  )
  const out = run([[50, { type: 'closed', code: 4401, reason: 'Signed out' }]], open)
  t.same(out.effects, ['check-session'])
  t.equal(out.state.reason, 'Signed out')
  t.same(run([[50, closed]], open).effects, [], 'a line that was cut says nothing about the session')
})

t.test('a phone that wakes up does not wait', async t => {
  const waiting = run([[100, closed]], open).state
  t.same(run([[101, { type: 'wake' }]], waiting).effects, ['open'])
  const quiet = run([[30, { type: 'pong', id: 1 }]], open).state
  t.same(run([[101, { type: 'wake' }]], quiet).effects, ['ping'])
  t.same(run([[101, { type: 'wake' }]], open).effects, [], 'one ping is under way already')
})

t.test('stopping ends it, and what comes late changes nothing', async t => {
  const stopped = run([[100, { type: 'stop' }]], open)
  t.same(stopped.effects, ['close'])
  t.same(stopped.state, liveAtRest)
  const late: LiveInput[] = [
    welcome,
    closed,
    tick,
    { type: 'wake' },
    { type: 'stop' },
    { type: 'pong', id: 1 },
  ]
  for (const input of late) t.same(run([[200, input]], stopped.state).effects, [])
  t.same(run([[300, start]], open).effects, [], 'started once')
})

t.test('the wait doubles up to a cap, and half of it is chance', async t => {
  t.same(
    [0, 1, 2, 3].map(attempt => retryDelayMs(attempt, 1)),
    [500, 1000, 2000, 4000],
  )
  fc.assert(
    fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const delay = retryDelayMs(attempt, random)
      return delay >= 250 && delay <= 15_000
    }),
  )
})

t.test('whatever happens, one attempt follows the other and none is lost', async () => {
  const input = fc.oneof(
    fc.constant(tick),
    fc.constant(welcome),
    fc.constant(closed),
    fc.constant<LiveInput>({ type: 'wake' }),
    fc.nat(20).map<LiveInput>(seq => ({ type: 'received', seq })),
    fc.nat(3).map<LiveInput>(id => ({ type: 'pong', id })),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20_000), input), { maxLength: 60 }), steps => {
      let state = stepLive(liveAtRest, start, 0, 0.5).state
      let now = 0
      let sockets = 1
      for (const [waitMs, one] of steps) {
        now += waitMs
        const step = stepLive(state, one, now, 0.5)
        if (one.type === 'closed' && (state.phase === 'open' || state.phase === 'connecting')) sockets--
        for (const effect of step.effects) sockets += effect === 'open' ? 1 : effect === 'close' ? -1 : 0
        state = step.state
        if (sockets < 0 || sockets > 1) return false
      }
      // Left alone, it comes to another attempt.
      for (let n = 0; n < 40 && state.phase !== 'connecting'; n++) {
        now += 1000
        state = stepLive(state, tick, now, 0.5).state
      }
      return state.phase === 'connecting' || state.phase === 'open'
    }),
  )
})

const base64 = (bytes: readonly number[]) => Buffer.from(bytes).toString('base64')

t.test('a preview is what it says, or none', async t => {
  const view = {
    width: 2,
    height: 1,
    frames: 9,
    delaysMs: [40, 0],
    pixels: base64([1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 251, 252]),
  }
  const preview = decodePreview(view)
  if (preview === undefined) throw new Error('it cannot be read')
  t.same(preview.delaysMs, [40, 10], 'no frame is shorter than a repaint')
  t.same([...frameOf(preview, 1)], [7, 8, 9, 250, 251, 252])
  t.equal(brightestFrame(preview), 1)
  for (const broken of [
    { ...view, pixels: '?!' },
    { ...view, pixels: base64([1, 2, 3]) },
    { ...view, delaysMs: [], pixels: '' },
    { ...view, width: 0, pixels: '' },
  ])
    t.equal(decodePreview(broken), undefined)
})

t.test('the frame on show is the one whose time it is', async t => {
  const timeline = timelineOf([100, 50, 250])
  t.equal(timeline.lengthMs, 400)
  const shown: [number, number][] = [
    [0, 0],
    [99, 0],
    [100, 1],
    [149, 1],
    [150, 2],
    [399, 2],
    [400, 0],
    [4_000_100, 1],
    [-1, 2],
  ]
  for (const [atMs, frame] of shown) t.equal(frameAt(timeline, atMs), frame, `${atMs} ms`)
  t.equal(frameAt(timelineOf([]), 10), 0)
  t.equal(frameAt(timelineOf([30]), 1000), 0)
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 10, max: 500 }), { minLength: 2, maxLength: 50 }),
      fc.nat(100_000),
      (delays, atMs) => {
        const line = timelineOf(delays)
        const frame = frameAt(line, atMs)
        const into = atMs % line.lengthMs
        const begins = line.startsMs[frame] ?? Number.NaN
        return begins <= into && into < begins + (delays[frame] ?? 0)
      },
    ),
  )
})

t.test('every LED has the same whole size and lies on the canvas', async t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 20, max: 900 }),
      fc.integer({ min: 20, max: 900 }),
      (width, height, canvasWidth, canvasHeight) => {
        const grid = ledGrid({ width, height }, { width: canvasWidth, height: canvasHeight })
        const whole = grid.cell < 1 || Number.isInteger(grid.cell)
        const inside =
          grid.left >= 0 &&
          grid.top >= 0 &&
          grid.cell * grid.columns <= canvasWidth + 1e-6 &&
          grid.cell * grid.rows <= canvasHeight + 1e-6
        return whole && inside && grid.columns * grid.rows >= width * height
      },
    ),
  )
  t.match(ledGrid({ width: 16, height: 16 }, { width: 330, height: 200 }), {
    cell: 12,
    left: 69,
    top: 4,
    round: true,
  })
  t.match(ledGrid({ width: 10, height: 1 }, { width: 300, height: 200 }), { columns: 10, rows: 1 })
  const strip = ledGrid({ width: 300, height: 1 }, { width: 300, height: 200 })
  t.ok(strip.rows > 5 && strip.round, 'a long strip goes on in the next line')
  t.match(ledGrid({ width: 500, height: 400 }, { width: 250, height: 200 }), { cell: 0.5, round: false })
})
