import fc from 'fast-check'
import t from 'tap'
import {
  type KeptUpload,
  keptForMs,
  mostKept,
  readKept,
  withKept,
  withoutKept,
} from '../../src/panel/model/kept-uploads.ts'
import { emptyMark, markText, textMark, withBytes } from '../../src/panel/model/mark.ts'
import { Trouble } from '../../src/panel/model/problem.ts'
import { withDone } from '../../src/panel/model/progress.ts'
import {
  beginUpload,
  delayMs,
  isPassing,
  largestPieceBytes,
  smallestPieceBytes,
  stepUpload,
  type TusAnswer,
  type UploadState,
} from '../../src/panel/model/resumable.ts'

const answer = (status: number, part: Partial<TusAnswer> = {}): TusAnswer => ({
  status,
  fileId: null,
  offset: null,
  sizeBytes: null,
  fileState: null,
  patternId: null,
  retryAfterMs: 0,
  trouble: status >= 200 && status < 300 ? null : new Trouble(status, 'code', 'Words.'),
  ...part,
})

const sending = (part: Partial<UploadState> = {}): UploadState => ({
  ...beginUpload('f1'),
  phase: 'send',
  ...part,
})

t.test('waits double from half a second up to a minute, and a busy gateway may ask for more', async t => {
  t.same([0, 1, 2, 3, 6, 7, 8, 2000].map(delayMs), [500, 1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000])
  let state = sending()
  const waits: number[] = []
  for (let i = 0; i < 9; i++) {
    state = stepUpload(state, answer(0), 100)
    waits.push(state.waitMs)
    t.equal(state.phase, 'ask')
    state = stepUpload(state, answer(200, { offset: 0, sizeBytes: 100 }), 100)
  }
  t.same(
    waits,
    [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000],
    'an answer alone is no progress',
  )
  t.equal(stepUpload(sending(), answer(503, { retryAfterMs: 5000 }), 100).waitMs, 5000)
  t.equal(stepUpload(sending(), answer(429, { retryAfterMs: 1e9 }), 100).waitMs, 60_000)
})

t.test('each answer leads to what the protocol wants', async t => {
  const step = (state: UploadState, said: TusAnswer) => stepUpload(state, said, 100)
  t.match(step(beginUpload(null), answer(201, { fileId: 'f1' })), { phase: 'send', fileId: 'f1', offset: 0 })
  t.match(step(beginUpload(null), answer(0)), { phase: 'create', waitMs: 500 })
  t.match(
    step(beginUpload(null), answer(409)),
    { phase: 'failed', trouble: { message: 'Words.' } },
    'too many',
  )
  t.match(step(beginUpload(null), answer(201)), { phase: 'failed' }, 'an answer without a name')
  for (const status of [0, 423, 429, 460, 500, 502, 503, 504])
    t.match(
      step(sending({ offset: 40 }), answer(status)),
      { phase: 'ask', offset: 40, waitMs: 500 },
      `${status}`,
    )
  t.match(step(sending(), answer(409)), { phase: 'ask', waitMs: 0 })
  t.match(step(sending({ attempt: 3 }), answer(409)), { phase: 'ask', waitMs: 2000 }, 'not over and over')
  for (const status of [404, 410])
    for (const phase of ['ask', 'send'] as const)
      t.match(step(sending({ phase, offset: 40 }), answer(status)), {
        phase: 'create',
        fileId: null,
        offset: 0,
      })
  for (const status of [400, 401, 403, 412, 413, 415, 422])
    t.match(step(sending(), answer(status)), { phase: 'failed', trouble: { status } }, `${status}`)
  t.match(step(sending(), answer(204, { offset: 60 })), { phase: 'send', offset: 60, attempt: 0, waitMs: 0 })
  t.match(step(sending(), answer(204)), { phase: 'ask' }, 'whatever stood between has dropped the offset')
  t.match(step(sending(), answer(204, { offset: 101 })), { phase: 'ask' })
  t.match(step(sending(), answer(204, { offset: 100, patternId: 'p1' })), { phase: 'done', patternId: 'p1' })
  const asking = beginUpload('f1')
  t.match(step(asking, answer(200, { offset: 30, sizeBytes: 100 })), { phase: 'send', offset: 30 })
  t.match(step(asking, answer(200, { offset: 30, sizeBytes: 99 })), { phase: 'create' }, 'another file')
  t.match(step(asking, answer(200, { offset: 100, fileState: 'complete', patternId: 'p1' })), {
    phase: 'done',
  })
  t.match(
    step(asking, answer(200, { offset: 100, fileState: 'complete' })),
    { phase: 'create' },
    'removed since',
  )
  t.match(step(asking, answer(200, { offset: 99, fileState: 'refused' })), { phase: 'send' }, 'it says why')
})

t.test('pieces shrink where the line breaks and grow where it holds', async t => {
  let state = sending()
  for (let i = 0; i < 10; i++) state = { ...stepUpload(state, answer(0), 1e9), phase: 'send' }
  t.equal(state.pieceBytes, smallestPieceBytes)
  for (let i = 1; i < 10; i++) state = stepUpload(state, answer(204, { offset: i }), 1e9)
  t.equal(state.pieceBytes, largestPieceBytes)
  t.equal(stepUpload(state, answer(423), 1e9).pieceBytes, smallestPieceBytes)
  t.equal(stepUpload(state, answer(503), 1e9).pieceBytes, largestPieceBytes)
})

/** What the next request meets. */
const luck = fc.record({
  fault: fc.constantFrom('none', 'none', 'lost', 'torn', 'away', 'busy', 'full', 'forgotten', 'back'),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
})

t.test('whatever comes in between, the gateway has the file in the end, each byte at its place', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000_000 }), fc.array(luck, { maxLength: 60 }), (size, course) => {
      /** Of the gateway: where each byte came from is its place in the file. */
      let there: { id: string; offset: number; ended: boolean } | undefined
      let made = 0
      let forgotten = 0
      let lostCreates = 0
      const request = (
        { phase, fileId, offset, pieceBytes }: UploadState,
        fault: string,
        share: number,
      ): TusAnswer => {
        if (fault === 'away') return answer(0)
        if (fault === 'busy') return answer(423)
        if (fault === 'full') return answer(503, { retryAfterMs: 1000 })
        if (fault === 'forgotten' && there !== undefined) {
          there = undefined
          forgotten++
        }
        // A power cut may cost what was not yet on the disk.
        if (fault === 'back' && there && !there.ended) there.offset = Math.floor(there.offset * share)
        const lost = fault === 'lost' ? answer(0) : undefined
        if (phase === 'create') {
          there = { id: `f${++made}`, offset: 0, ended: false }
          if (lost) lostCreates++
          return lost ?? answer(201, { fileId: there.id })
        }
        if (there === undefined || there.id !== fileId) return answer(404)
        const said = () => ({ offset: there?.offset ?? 0, ...(there?.ended && { patternId: 'p1' }) })
        if (phase === 'ask')
          return (
            lost ??
            answer(200, { ...said(), sizeBytes: size, fileState: there.ended ? 'complete' : 'receiving' })
          )
        if (offset !== there.offset) return answer(409)
        const piece = Math.min(pieceBytes, size - offset)
        if (fault === 'torn') {
          there.offset = Math.min(size - 1, offset + Math.floor(piece * share))
          return answer(0)
        }
        there.offset += piece
        there.ended = there.offset === size
        return lost ?? answer(204, said())
      }
      let state = beginUpload(null)
      let steps = 0
      for (const { fault, share } of course) {
        if (state.phase === 'done') break
        state = stepUpload(state, request(state, fault, share), size)
        if (state.phase === 'failed') return false
        if (state.waitMs < 0 || state.waitMs > 60_000 || state.offset > size) return false
      }
      while (state.phase !== 'done' && steps++ < 200)
        state = stepUpload(state, request(state, 'none', 0), size)
      return state.patternId === 'p1' && there?.offset === size && made <= 1 + forgotten + lostCreates
    }),
    { numRuns: 2000 },
  )
})

t.test('the mark of a file tells how it begins', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(255), (bytes, at, other) => {
      const cut = at % (bytes.length + 1)
      const parts = withBytes(withBytes(emptyMark, bytes.subarray(0, cut)), bytes.subarray(cut))
      const whole = withBytes(emptyMark, bytes)
      const changed = Uint8Array.from(bytes)
      if (cut < bytes.length) changed[cut] = other
      const same = cut === bytes.length || bytes[cut] === other
      return (
        markText(parts) === markText(whole) &&
        parts.atBytes === bytes.length &&
        (markText(withBytes(emptyMark, changed)) === markText(whole)) === same
      )
    }),
  )
  t.match(textMark('night.ledm'), /^[0-9a-f]{16}$/)
})

t.test(
  'what this browser keeps of uploads is bounded, expires, and is nothing where it was not written here',
  async t => {
    const one = (key: string, untilMs = 1000): KeptUpload => ({
      key,
      fileId: 'f-1',
      atBytes: 5,
      mark: 'm',
      untilMs,
    })
    let all: readonly KeptUpload[] = []
    for (let i = 0; i < 2 * mostKept; i++) all = withKept(all, one(`k${i}`))
    t.equal(all.length, mostKept)
    t.equal(all.at(-1)?.key, `k${2 * mostKept - 1}`, 'the oldest went')
    t.equal(withKept(all, one('k20')).filter(({ key }) => key === 'k20').length, 1)
    t.equal(withoutKept(all, 'k20').length, mostKept - 1)
    const text = JSON.stringify([one('a', 1000), one('b', 2000), one('c', 1000 + keptForMs + 1)])
    t.same(
      readKept(text, 1000).map(({ key }) => key),
      ['b'],
      'expired, or of another time of day',
    )
    const bad = [{ fileId: '../users' }, { atBytes: -1 }, { atBytes: 0.5 }, { key: 1 }, { untilMs: 'soon' }]
    for (const part of bad) t.same(readKept(JSON.stringify([{ ...one('a', 2000), ...part }]), 1000), [])
    for (const other of [null, '', '{', '{}', '[null]', '[1]']) t.same(readKept(other, 0), [], String(other))
  },
)

t.test('the pace begins anew where an upload does', async t => {
  const first = withDone(undefined, 0, 0)
  const second = withDone(first, 500_000, 1000)
  t.equal(second.bytesPerSecond, 500_000)
  t.equal(withDone(second, 100_000, 1500).bytesPerSecond, null)
})

t.test('what passes by itself is told from what a person must mend', async t => {
  t.same([0, 408, 423, 425, 429, 460, 500, 503].filter(isPassing).length, 8)
  t.same([200, 400, 401, 403, 404, 409, 410, 413, 422].filter(isPassing), [])
})
