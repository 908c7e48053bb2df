import fc from 'fast-check'
import t from 'tap'
import { agentWords } from '../../src/panel/model/agent-words.ts'
import { unseenOf, withAlerts } from '../../src/panel/model/alerts.ts'
import { actionWords, auditQuery, changesOf, noFilter } from '../../src/panel/model/audit.ts'
import { boardShape, sortBoards, stateWord, withBoard } from '../../src/panel/model/boards.ts'
import {
  emptyConversation,
  maxMessages,
  messageFault,
  sortRooms,
  unreadOf,
  withMessage,
  withNewest,
  withoutPending,
  withPage,
  withPending,
  withRoom,
} from '../../src/panel/model/chat.ts'
import { connectionWords, isExposed } from '../../src/panel/model/connection-words.ts'
import { fitOf } from '../../src/panel/model/fit.ts'
import {
  formatAgo,
  formatBytes,
  formatDuration,
  formatRate,
  formatShare,
  plural,
  shortDigest,
} from '../../src/panel/model/format.ts'
import { formatName } from '../../src/panel/model/format-names.ts'
import {
  activeJob,
  canPause,
  isFinal,
  jobCure,
  jobTone,
  jobWord,
  withJobs,
} from '../../src/panel/model/jobs.ts'
import { asTrouble, readProblem, Trouble, unreachable } from '../../src/panel/model/problem.ts'
import { doneShare, jobShare, type Track, withProgress } from '../../src/panel/model/progress.ts'
import { liveAtRest } from '../../src/panel/model/reconnect.ts'
import { parseRoute, type Route, routeHash } from '../../src/panel/model/route.ts'
import { maxSamples, withSamples } from '../../src/panel/model/samples.ts'
import { readScopes } from '../../src/panel/model/scopes.ts'
import { matchingCommands } from '../../src/panel/model/slash-commands.ts'
import { hideAfterMs, mayTell, stillTyping, typingWords, withTypist } from '../../src/panel/model/typing.ts'
import { readWiring, wiringPath, wiringText } from '../../src/panel/model/wiring.ts'
import { parseWiring, wiringMap } from '../../src/pattern/wiring.ts'
import type { AlertView } from '../../src/wire/alert.ts'
import type { BoardView } from '../../src/wire/board.ts'
import type { MessageView, RoomView } from '../../src/wire/chat.ts'
import type { MetricsSample } from '../../src/wire/health.ts'
import type { JobView } from '../../src/wire/job.ts'
import type { ProgressView } from '../../src/wire/live.ts'

const board = (name: string, part: Partial<BoardView> = {}): BoardView => ({
  id: `id of ${name}`,
  name,
  state: 'connected',
  address: '/dev/ttyUSB0',
  leds: 64,
  width: 8,
  height: 8,
  wiring: 'row-serpentine-tl',
  layout: null,
  colorOrder: 'GRB',
  powerCapMa: null,
  firmware: '1.0.0',
  trusted: false,
  trust: 'untrusted',
  lastSeenAt: '2026-01-01T00:00:00.000Z',
  status: null,
  ...part,
})

const job = (id: string, part: Partial<JobView> = {}): JobView => ({
  id,
  batchId: 'batch',
  boardId: 'board',
  patternId: null,
  name: 'lantern.leds',
  state: 'queued',
  raw: false,
  blocks: 0,
  durableBlocks: 0,
  imageBytes: 0,
  payloadBytes: 0,
  attempts: 0,
  createdBy: null,
  retryOf: null,
  errorCode: null,
  errorMessage: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: null,
  ...part,
})

const message = (id: string, part: Partial<MessageView> = {}): MessageView => ({
  id,
  roomId: 'room',
  author: 'Ada',
  kind: 'text',
  text: id,
  clientId: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  ...part,
})

t.test('quantities stand in units that people read', async t => {
  const bytes: [number, string][] = [
    [0, '0 B'],
    [812, '812 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [12_420, '12.4 kB'],
    [99_960, '100 kB'],
    [999_600, '1.0 MB'],
    [3_100_000, '3.1 MB'],
    [5e12, '5000 GB'],
  ]
  for (const [value, words] of bytes) t.equal(formatBytes(value), words)
  t.equal(formatRate(42_100), '42.1 kB/s')
  t.equal(formatShare(0.974), '97 %')
  t.equal(formatShare(1.02), '100 %', 'a clock that rounds makes no 102 %')
  t.equal(formatShare(-1), '0 %')
  const durations: [number, string][] = [
    [480, '480 ms'],
    [4210, '4.2 s'],
    [59_960, '1 min'],
    [125_000, '2 min 5 s'],
    [3 * 3_600_000 + 600_000, '3 h 10 min'],
    [2 * 86_400_000 + 4 * 3_600_000, '2 d 4 h'],
    [86_400_000, '1 d'],
  ]
  for (const [value, words] of durations) t.equal(formatDuration(value), words)
  const now = Date.parse('2026-06-01T12:00:00Z')
  const ago = (ms: number) => formatAgo(new Date(now - ms).toISOString(), now)
  t.equal(ago(-5000), 'just now', 'a clock that is ahead')
  t.equal(ago(40_000), 'just now')
  t.equal(ago(180_000), '3 min ago')
  t.equal(ago(3_580_000), '1 h ago')
  t.equal(ago(84_700_000), '1 d ago')
  t.equal(formatAgo('nonsense', now), 'unknown')
  t.equal(shortDigest('0123456789abcdef'), '0123456789abcdef')
  t.equal(shortDigest('0123456789abcdef00'), '01234567…abcdef00')
  t.equal(plural(1, 'board'), '1 board')
  t.equal(plural(1200, 'board'), '1,200 boards')
  t.equal(plural(2, 'person', 'people'), '2 people')
  t.equal(formatName('leds'), 'LED Matrix Studio')
  t.equal(formatName('new-format'), 'new-format')
})

t.test('a problem becomes the words that it brings', async t => {
  const read = readProblem(
    422,
    JSON.stringify({
      type: 'about:blank',
      title: 'Unprocessable Content',
      status: 422,
      detail: 'the pattern is 16×16, the board 8×8',
      code: 'does_not_fit',
      requestId: 'r-1',
      neededBytes: 12,
    }),
  )
  t.match(read, { status: 422, code: 'does_not_fit', requestId: 'r-1', extensions: { neededBytes: 12 } })
  t.equal(read.message, 'The pattern is 16×16, the board 8×8.', 'as a sentence')
  t.equal(readProblem(400, '{"title":"Bad Request"}').message, 'Bad Request.')
  t.equal(readProblem(400, '{"detail":"Choose one (a)"}').message, 'Choose one (a)')
  for (const text of ['', '<html>', '[]', 'null', '"text"']) {
    const trouble = readProblem(502, text)
    t.equal(trouble.code, 'unreadable')
    t.match(trouble.message, /status 502/, 'what stands between us and the gateway answers anything')
  }
  t.match(readProblem(413, '').message, /more than the gateway takes/)
  t.match(readProblem(429, '{}').message, /Wait a moment/)
  t.equal(unreachable().status, 0)
  const own = new Trouble(401, 'unauthenticated', 'Sign in.')
  t.equal(asTrouble(own), own)
  t.match(asTrouble(new Error('x is undefined')).message, /fault of its own: x is undefined/)
  t.match(asTrouble('thrown text').message, /thrown text/)
})

t.test('every place has an address and comes back from it', async t => {
  const places: Route[] = [
    { page: 'boards' },
    { page: 'upload', patternId: null },
    { page: 'upload', patternId: '0190f5a0-0201-7000-8000-000000000000' },
    { page: 'jobs', jobId: null },
    { page: 'jobs', jobId: '0190f5a0-0108-7000-8000-000000000000' },
    { page: 'gpio' },
    { page: 'metrics' },
    { page: 'settings' },
  ]
  for (const place of places) t.same(parseRoute(routeHash(place)), place)
  for (const page of ['alerts', 'audit'] as const) t.same(parseRoute(routeHash({ page })), { page })
  t.same(parseRoute(''), { page: 'boards' })
  t.same(parseRoute('#/nowhere'), { page: 'boards' })
  t.same(parseRoute('#/jobs/../../users'), { page: 'jobs', jobId: null }, 'an id is hexadecimal digits')
  t.same(parseRoute('#/upload/<script>'), { page: 'upload', patternId: null })
})

t.test('boards stand by name, and a change leaves them in their places', async t => {
  const list = sortBoards([board('Wall 10'), board('wall 2', { state: 'away' }), board('Bar')])
  t.same(
    list.map(({ name }) => name),
    ['Bar', 'wall 2', 'Wall 10'],
    'numbers count as numbers',
  )
  const changed = withBoard(list, board('wall 2', { state: 'connected' }))
  t.same(
    changed.map(({ name, state }) => `${name} ${state}`),
    ['Bar connected', 'wall 2 connected', 'Wall 10 connected'],
  )
  const twins = [board('Same', { id: 'b' }), board('Same', { id: 'a' })]
  t.same(
    sortBoards(twins).map(({ id }) => id),
    ['a', 'b'],
  )
  t.equal(boardShape(board('Bar')), '8 × 8')
  t.equal(boardShape(board('Strip', { width: 0, height: 0, leds: 144 })), '144 LEDs')
  t.equal(stateWord.away, 'Away')
})

t.test('of two pictures of a job the younger stays, newest job first', async t => {
  const older = job('1', { state: 'transferring', updatedAt: '2026-01-01T00:00:02.000Z' })
  const stale = job('1', { state: 'queued', updatedAt: '2026-01-01T00:00:01.000Z' })
  const list = withJobs(withJobs([], [older]), [stale, job('2')])
  t.same(
    list.map(({ id, state }) => `${id} ${state}`),
    ['2 queued', '1 transferring'],
  )
  t.equal(activeJob(list, 'board')?.id, '1', 'the running one before those that wait')
  t.equal(activeJob([job('3'), job('2')], 'board')?.id, '2', 'or the one whose turn is next')
  t.equal(activeJob([job('3', { state: 'done' })], 'board'), undefined)
  t.equal(activeJob(list, 'another board'), undefined)
  for (const state of ['queued', 'waiting', 'transferring', 'verifying', 'trial', 'paused'] as const) {
    t.equal(isFinal(state), false)
    t.equal(canPause(state), state !== 'paused')
  }
  for (const state of ['done', 'failed', 'cancelled'] as const) t.equal(isFinal(state), true)
  t.same((['done', 'failed', 'paused', 'cancelled', 'queued', 'waiting'] as const).map(jobTone), [
    'ok',
    'bad',
    'warn',
    'quiet',
    'quiet',
    'busy',
  ])
  t.equal(jobWord.done, 'Verified')
  t.equal(jobCure(null), null)
  t.equal(jobCure('never_heard_of'), null)
  t.match(jobCure('board_mute'), /power and the cable/)
})

t.test('a rate is that of the last seconds and forgets a run that began anew', async t => {
  const progress = (doneBytes: number): ProgressView => ({
    jobId: 'job',
    boardId: 'board',
    phase: 'transferring',
    doneBytes,
    totalBytes: 100_000,
    durableBlocks: 0,
    blocks: 10,
    lineShare: null,
  })
  let track: Track | undefined
  track = withProgress(track, progress(0), 0)
  t.equal(track.bytesPerSecond, null, 'one sample is no rate')
  track = withProgress(track, progress(400), 100)
  t.equal(track.bytesPerSecond, null, 'a tenth of a second is no rate')
  for (let atMs = 200; atMs <= 10_000; atMs += 100) track = withProgress(track, progress(atMs * 4), atMs)
  t.equal(track.bytesPerSecond, 4000)
  t.ok(track.samples.length <= 32, 'samples go out of the window')
  for (let atMs = 10_100; atMs <= 14_000; atMs += 100) track = withProgress(track, progress(40_000), atMs)
  t.equal(track.bytesPerSecond, 0, 'a line that stands still has no speed')
  track = withProgress(track, progress(10), 14_100)
  t.equal(track.bytesPerSecond, null)
  t.equal(doneShare(progress(25_000)), 0.25)
  t.equal(doneShare({ ...progress(0), totalBytes: 0 }), 0)
  t.equal(jobShare(job('1', { state: 'verifying' }), undefined), 1)
  t.equal(jobShare(job('1', { state: 'paused', blocks: 4, durableBlocks: 1 }), undefined), 0.25)
  t.equal(jobShare(job('1'), undefined), 0)
  t.equal(jobShare(job('1', { state: 'transferring' }), withProgress(undefined, progress(50_000), 0)), 0.5)
})

t.test('a hint says beforehand whether a reading goes onto a board', async t => {
  const drawing = (width: number | null, height: number | null, leds: number, picture?: true) => ({
    ...(picture === true ? { picture } : {}),
    width,
    height,
    leds,
  })
  const matrix = board('Matrix')
  const strip = board('Strip', { width: 0, height: 0 })
  t.equal(fitOf(drawing(8, 8, 64), matrix).kind, 'fits')
  t.equal(fitOf(drawing(16, 16, 256), matrix).kind, 'not')
  t.equal(fitOf(drawing(16, 16, 256, true), matrix).kind, 'scaled', 'pictures are scaled')
  t.match(fitOf(drawing(4, 16, 64), board('Wide', { width: 16, height: 4 })), {
    kind: 'not',
    words: /quarter/,
  })
  t.match(fitOf(drawing(8, 8, 64), strip), { kind: 'not', words: /width and height/ })
  t.equal(fitOf(drawing(null, null, 64), matrix).kind, 'fits')
  t.match(fitOf(drawing(50, 1, 50), strip), { kind: 'partly', words: 'lights 50 of 64 LEDs' })
  t.equal(fitOf(drawing(null, null, 65), strip).kind, 'not')
})

t.test('the picture of the wiring is the wiring that patterns are laid out for', async t => {
  const wirings = ['row', 'column'].flatMap(along =>
    ['straight', 'serpentine'].flatMap(style =>
      ['tl', 'tr', 'bl', 'br'].map(start => `${along}-${style}-${start}`),
    ),
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...wirings),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      (text, width, height) => {
        const parsed = parseWiring(text)
        if (!parsed.ok) throw new Error(text)
        const map = wiringMap(width, height, parsed.value)
        const path = wiringPath(readWiring(text), width, height)
        t.same(
          path.map(([x, y]) => y * width + x),
          [...map],
        )
      },
    ),
  )
  for (const text of wirings) t.equal(wiringText(readWiring(text)), text)
  t.equal(wiringText(readWiring('nonsense')), 'row-serpentine-tl')
})

t.test('a conversation holds each message once, in order, and gives the oldest back', async t => {
  let conversation = withNewest(emptyConversation, {
    messages: [message('5'), message('4')],
    nextBefore: '4',
  })
  t.same(ids(conversation.messages), ['4', '5'])
  conversation = withPage(conversation, { messages: [message('3'), message('2')], nextBefore: null })
  conversation = withMessage(withMessage(conversation, message('6')), message('6'))
  t.same(ids(conversation.messages), ['2', '3', '4', '5', '6'])
  t.equal(conversation.nextBefore, null)
  conversation = withNewest(conversation, { messages: [message('8'), message('6')], nextBefore: '6' })
  t.same(ids(conversation.messages), ['2', '3', '4', '5', '6', '8'], 'a page that joins fills the gap')
  t.equal(conversation.nextBefore, null)
  conversation = withNewest(conversation, { messages: [message('99'), message('98')], nextBefore: '98' })
  t.same(ids(conversation.messages), ['98', '99'], 'one that does not join begins anew')
  t.equal(conversation.nextBefore, '98')

  let long = emptyConversation
  for (let n = 0; n < maxMessages + 10; n++) long = withMessage(long, message(String(n).padStart(6, '0')))
  t.equal(long.messages.length, maxMessages)
  t.equal(long.nextBefore, '000010', 'the cursor stands where the cap has cut')
})

t.test('what I write is on its way until it comes back or is refused', async t => {
  const pending = { clientId: 'c1', text: 'hello', trouble: null }
  let conversation = withPending(emptyConversation, pending)
  conversation = withPending(conversation, { ...pending, trouble: 'Wait a moment.' })
  t.same(conversation.pending, [{ ...pending, trouble: 'Wait a moment.' }])
  t.same(withoutPending(conversation, 'c1').pending, [])
  t.same(withMessage(conversation, message('1', { clientId: 'c1' })).pending, [])
  const page = { messages: [message('1', { clientId: 'c1' })], nextBefore: null }
  t.same(withNewest(conversation, page).pending, [], 'also when it came back during a gap')
  t.equal(messageFault('  \n'), 'Message cannot be empty')
  t.equal(messageFault('😀'.repeat(10_000)), null, 'characters, not code units')
  t.equal(messageFault('😀'.repeat(10_001)), 'Message too long (max 10000 characters)')
})

t.test('rooms and unread messages', async t => {
  const room = (id: string, kind: RoomView['kind'] = 'group'): RoomView => ({
    id,
    name: id,
    kind,
    members: [],
    createdAt: '',
    createdBy: null,
  })
  const rooms = sortRooms([room('Stage'), room('Zoo', 'common'), room('Bar')])
  t.same(ids(rooms), ['Zoo', 'Bar', 'Stage'], 'the common room first')
  t.same(ids(withRoom(rooms, room('Bar'))), ['Zoo', 'Bar', 'Stage'])
  const messages = [message('1'), message('2', { author: 'Bo' }), message('3', { author: null })]
  t.equal(unreadOf(messages, '', 'Bo'), 2, "one's own do not count, the gateway's do")
  t.equal(unreadOf(messages, '2', 'Bo'), 1)
})

t.test('typing is told every 2 s and hidden after 3 s', async t => {
  t.equal(mayTell(null, 5), true)
  t.equal(mayTell(1000, 2999), false)
  t.equal(mayTell(1000, 3000), true)
  const ada = { roomId: 'room', name: 'Ada', atMs: 0 }
  let typists = withTypist([], ada)
  typists = withTypist(typists, { ...ada, atMs: 1000 })
  typists = withTypist(typists, { ...ada, name: 'Bo', atMs: 2000 })
  t.equal(typists.length, 2)
  t.equal(stillTyping(typists, 1000 + hideAfterMs - 1).length, 2)
  t.same(
    stillTyping(typists, 1000 + hideAfterMs).map(({ name }) => name),
    ['Bo'],
  )
  t.equal(typingWords([]), '')
  t.equal(typingWords(['Ada']), 'Ada is typing')
  t.equal(typingWords(['Ada', 'Bo']), 'Ada and Bo are typing')
  t.equal(typingWords(['Ada', 'Bo', 'Cy']), '3 people are typing')
})

t.test('a slash shows the commands that it may become', async t => {
  t.ok(matchingCommands('/').length >= 4)
  t.same(
    matchingCommands('/ST').map(({ name }) => name),
    ['/status'],
  )
  t.same(matchingCommands('/upload comet'), [], 'what follows is the command’s own')
  t.same(matchingCommands('text /boards'), [])
  t.same(matchingCommands('/nothing'), [])
})

t.test('the connection is always in words', async t => {
  const words = (part: Partial<typeof liveAtRest>, nowMs = 0) =>
    connectionWords({ ...liveAtRest, ...part }, true, nowMs)
  t.match(connectionWords(liveAtRest, false, 0), { tone: 'bad', text: 'Signed out' })
  t.match(words({ phase: 'open' }), { tone: 'ok', text: 'Connected', detail: 'measuring' })
  t.match(words({ phase: 'open', latencyMs: 12.4 }), { detail: '12 ms' })
  t.match(words({ phase: 'open', latencyMs: 0.2 }), { detail: '1 ms' })
  t.match(words({ phase: 'waiting', retryAtMs: 2500 }), { tone: 'bad', text: 'Reconnecting in 3 s' })
  t.match(words({ phase: 'waiting', retryAtMs: 2500, reason: 'The gateway stops' }), {
    detail: 'The gateway stops',
  })
  t.match(words({ phase: 'waiting', retryAtMs: 0 }, 900), { text: 'Reconnecting in 1 s' })
  t.match(words({ phase: 'connecting' }), { tone: 'warn', text: 'Connecting' })
  t.match(words({ phase: 'connecting', attempt: 2 }), { text: 'Reconnecting' })
})

t.test('plain HTTP is warned of, except on the machine itself', async t => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]', 'gate.localhost'])
    t.equal(isExposed('http:', host), false, host)
  for (const host of ['192.168.1.5', 'gateway.local', '127.0.0.1.example.org', 'localhost.example.org'])
    t.equal(isExposed('http:', host), true, host)
  t.equal(isExposed('https:', '192.168.1.5'), false)
})

t.test('a series holds each moment once, oldest first, up to its cap', async t => {
  const sample = (ts: number) => ({ ts }) as MetricsSample
  const stamps = (samples: readonly MetricsSample[]) => samples.map(({ ts }) => ts)
  let series = withSamples([], [1, 2, 3].map(sample))
  series = withSamples(series, [sample(4)])
  series = withSamples(series, [2, 3, 5].map(sample))
  t.same(stamps(series), [1, 2, 3, 4, 5], 'a page that overlaps')
  series = withSamples(
    [],
    Array.from({ length: maxSamples + 5 }, (_, ts) => sample(ts)),
  )
  t.equal(series.length, maxSamples)
  t.equal(series[0]?.ts, 5)
})

const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id)

t.test('alerts stand newest first, each once, the worst unseen one before all', async t => {
  const alert = (id: string, part: Partial<AlertView> = {}): AlertView => ({
    ...{ id, code: 'slow_answers', subject: 'api', severity: 'INFO', message: 'slow', state: 'raised' },
    ...{ raisedAt: '2026-01-01T00:00:00.000Z', clearedAt: null, acknowledgedAt: null, acknowledgedBy: null },
    ...part,
  })
  const all = withAlerts([alert('a')], [alert('c'), alert('b', { severity: 'CRITICAL' })])
  t.same(
    all.map(({ id }) => id),
    ['c', 'b', 'a'],
  )
  t.same(
    unseenOf(all).map(({ id }) => id),
    ['b', 'c', 'a'],
  )
  const seen = withAlerts(all, [alert('b', { state: 'acknowledged' }), alert('a', { state: 'cleared' })])
  t.equal(seen.length, 3)
  t.same(
    unseenOf(seen).map(({ id }) => id),
    ['c'],
  )
  const many = Array.from({ length: 1200 }, (_, at) => alert(String(at).padStart(4, '0')))
  t.equal(withAlerts([], many).length, 1000)
  t.equal(withAlerts([], many)[0]?.id, '1199', 'the oldest ones go')
})

t.test('an audit entry says what differs, field by field', async t => {
  t.same(changesOf({ role: 'viewer', name: 'ada' }, { role: 'admin', name: 'ada' }), [
    { path: 'role', before: 'viewer', after: 'admin' },
  ])
  t.same(changesOf(null, { name: 'ada', tags: [1, 2], empty: '' }), [
    { path: 'name', before: '–', after: 'ada' },
    { path: 'tags', before: '–', after: '[1,2]' },
    { path: 'empty', before: '–', after: '""' },
  ])
  t.same(changesOf({ layout: { width: 8, height: 8 } }, { layout: { width: 16, height: 8 } }), [
    { path: 'layout.width', before: '8', after: '16' },
  ])
  t.same(changesOf('a', { b: 1 }), [{ path: '', before: 'a', after: '{"b":1}' }])
  t.same(changesOf(null, null), [])
  t.same(changesOf({ a: 1 }, null), [{ path: 'a', before: '1', after: '–' }])
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
      const said = changesOf(before, after)
      const equal = JSON.stringify(before) === JSON.stringify(after)
      return equal ? said.length === 0 : said.every(each => each.before !== each.after || each.path !== '')
    }),
  )
  fc.assert(fc.property(fc.jsonValue(), value => changesOf(value, value).length === 0))
  t.equal(actionWords('changeBoard'), 'Change board')
  t.equal(actionWords('signIn'), 'Sign in')
  const query = auditQuery({ ...noFilter, actor: ' ada ', span: 'hour' }, Date.parse('2026-01-01T12:00:00Z'))
  t.match(query, { actor: 'ada', since: '2026-01-01T11:00:00.000Z' })
  t.equal(auditQuery(noFilter, 0).since, null)
})

t.test('browsers and programs are called what people call them', async t => {
  const of = (system: string, rest: string) => `Mozilla/5.0 (${system}) AppleWebKit/537.36 ${rest}`
  const known: readonly (readonly [string, string])[] = [
    [of('X11; Linux x86_64', 'Chrome/140.0.0.0 Safari/537.36'), 'Chrome on Linux'],
    [of('Linux; Android 15; Pixel', 'Chrome/140.0.0.0 Mobile Safari/537.36'), 'Chrome on Android'],
    [of('Windows NT 10.0; Win64; x64', 'Chrome/140.0.0.0 Safari/537.36 Edg/140.0'), 'Edge on Windows'],
    [
      of('iPhone; CPU iPhone OS 18_0 like Mac OS X', 'Version/18.0 Mobile/15E148 Safari/604.1'),
      'Safari on an iPhone',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0',
      'Firefox on a Mac',
    ],
    ['curl/8.5.0', 'curl'],
    ['pixelgate', 'pixelgate'],
    ['', 'A program without a name'],
    ['Mozilla/5.0', 'A browser'],
  ]
  for (const [agent, words] of known) t.equal(agentWords(agent), words)
  fc.assert(fc.property(fc.string(), agent => agentWords(agent).length > 0 && agentWords(agent).length <= 40))
})

t.test('scopes are read as people write lists, and a refusal says how long to wait', async t => {
  t.same(readScopes(' boards:read, jobs:write;boards:read\n*:read '), ['boards:read', 'jobs:write', '*:read'])
  t.same(readScopes(' '), [])
  t.equal(readProblem(429, '{"detail":"Wait.","code":"rate_limited","retryAfterMs":1500}').retryAfterMs, 1500)
  t.equal(readProblem(429, '{"detail":"Wait."}').retryAfterMs, 0)
  const code = 'Ab-_9'.padEnd(43, 'x')
  t.same(parseRoute(`#/invite/${code}`), { page: 'invite', code })
})
