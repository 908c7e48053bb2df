import fc from 'fast-check'
import t from 'tap'
import { isErrorCode } from '../../src/kernel/errors.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import type { SenderProgress } from '../../src/protocol/sender/sender.ts'
import { errorCodes, explainError } from '../../src/protocol/wire-errors.ts'
import { finalStates, unfinishedStates } from '../../src/store/tables/job-record.ts'
import {
  isFinal,
  isRunning,
  type Job,
  type JobInput,
  maxIdleInterruptions,
  maxIdleResets,
  stepJob,
  wantsReset,
} from '../../src/upload/job-state.ts'
import { addRun, lineShare, noStats, parseStats } from '../../src/upload/run-stats.ts'
import { judgeFault } from '../../src/upload/sender-fault.ts'

const states = [...unfinishedStates, ...finalStates]
const inputs: fc.Arbitrary<JobInput> = fc.oneof(
  fc.constantFrom<JobInput>(
    { type: 'board_absent' },
    { type: 'started' },
    { type: 'succeeded' },
    { type: 'failed', code: 'does_not_fit' },
    { type: 'pause' },
    { type: 'resume' },
    { type: 'cancel' },
  ),
  fc.record({
    type: fc.constant('phase' as const),
    phase: fc.constantFrom('transferring' as const, 'verifying' as const, 'trial' as const),
  }),
  fc.record({
    type: fc.constant('interrupted' as const),
    code: fc.constant('link_lost' as const),
    progressed: fc.boolean(),
    reset: fc.boolean(),
  }),
)
const fresh: Job = { state: 'queued', idleInterruptions: 0, idleResets: 0 }

t.test('whatever happens, a job keeps legal states, and a final state never changes', async () => {
  fc.assert(
    fc.property(fc.array(inputs, { maxLength: 60 }), sequence => {
      let job = fresh
      for (const input of sequence) {
        const next = stepJob(job, input)
        if (isFinal(job.state) && next !== undefined) return false
        if (next === undefined) continue
        const { act, ...to } = next
        if (
          !states.includes(to.state) ||
          to.idleInterruptions < 0 ||
          to.idleInterruptions > maxIdleInterruptions
        )
          return false
        if (act === 'stop' && !isRunning(job.state)) return false
        if (act === 'run' && to.state !== 'queued' && to.state !== 'waiting') return false
        // Only a run that was under way can be proven, and only a person stops a pause.
        if (to.state === 'done' && !isRunning(job.state)) return false
        if (job.state === 'paused' && !['queued', 'cancelled'].includes(to.state)) return false
        job = to
      }
      return true
    }),
  )
})

t.test(
  'eight interruptions in a row without a new block are the end; one new block starts the count again',
  async t => {
    let job: Job = fresh
    const run = () => {
      job = stepJob(job, { type: 'started' }) ?? job
    }
    const interrupted = (progressed: boolean) => {
      run()
      job = stepJob(job, { type: 'interrupted', code: 'link_lost', progressed }) ?? job
    }
    for (let i = 0; i < 7; i++) interrupted(false)
    t.match(job, { state: 'waiting', idleInterruptions: 7 })
    interrupted(true)
    t.match(job, { state: 'waiting', idleInterruptions: 0 })
    for (let i = 0; i < 8; i++) interrupted(false)
    t.equal(job.state, 'failed')
    const paused = stepJob({ state: 'paused', idleInterruptions: 7, idleResets: 2 }, { type: 'resume' })
    t.match(
      paused,
      { state: 'queued', act: 'run', idleInterruptions: 0, idleResets: 0 },
      'a person who resumes has done something about it',
    )
  },
)

t.test(
  'a mute board is worth three resets without a block, and any job one before it is given up',
  async t => {
    const interrupt = (job: Job, code: 'board_mute' | 'link_lost', progressed: boolean) => {
      const running: Job = { ...job, state: 'transferring' }
      const reset = wantsReset(running, code, progressed)
      return { reset, job: stepJob(running, { type: 'interrupted', code, progressed, reset }) ?? running }
    }
    const run = (code: 'board_mute' | 'link_lost') => {
      const resets: number[] = []
      let job = fresh
      let count = 0
      while (job.state !== 'failed') {
        count++
        const next = interrupt(job, code, false)
        if (next.reset) resets.push(count)
        job = next.job
      }
      return { resets, count }
    }
    t.same(run('board_mute'), { resets: [1, 2, 3], count: 8 })
    t.same(run('link_lost'), { resets: [8], count: 9 }, 'one more chance, not eight')
    const spent: Job = { state: 'transferring', idleInterruptions: 4, idleResets: maxIdleResets }
    t.equal(wantsReset(spent, 'board_mute', false), false)
    t.match(interrupt(spent, 'board_mute', true), {
      reset: true,
      job: { idleInterruptions: 0, idleResets: 1 },
    })
    t.equal(wantsReset({ ...spent, state: 'paused' }, 'board_mute', true), false, 'only a job that runs')
    const without = stepJob(
      { ...spent, idleInterruptions: 7 },
      { type: 'interrupted', code: 'board_mute', progressed: false },
    )
    t.equal(without?.state, 'failed', 'without a line it is as it was')
  },
)

t.test('each input means something in some states only', async t => {
  const meaning = (input: JobInput) =>
    states.filter(state => stepJob({ ...fresh, state }, input) !== undefined)
  const running = ['transferring', 'verifying', 'trial']
  t.same(meaning({ type: 'board_absent' }), ['queued'])
  t.same(meaning({ type: 'started' }), ['queued', 'waiting'])
  t.same(meaning({ type: 'phase', phase: 'trial' }), running)
  t.same(meaning({ type: 'interrupted', code: 'link_lost', progressed: true }), running)
  t.same(meaning({ type: 'succeeded' }), running)
  t.same(meaning({ type: 'failed', code: 'usage' }), ['queued', 'waiting', ...running])
  t.same(meaning({ type: 'pause' }), ['queued', 'waiting', ...running])
  t.same(meaning({ type: 'resume' }), ['paused'])
  t.same(meaning({ type: 'cancel' }), [...unfinishedStates])
  for (const state of unfinishedStates) {
    const act = isRunning(state) ? 'stop' : 'none'
    t.match(stepJob({ ...fresh, state }, { type: 'cancel' }), { state: 'cancelled', act })
  }
})

t.test('every fault of a sender becomes an error that a person can act on', async t => {
  t.match(judgeFault({ kind: 'session_lost' }), { interrupted: true, error: { code: 'board_reset' } })
  t.match(judgeFault({ kind: 'mute' }), { interrupted: true, error: { code: 'board_mute' } })
  t.match(judgeFault({ kind: 'stalled' }), { interrupted: false, error: { code: 'board_refused' } })
  t.match(judgeFault({ kind: 'unexpected', what: 'LOG' }), {
    interrupted: false,
    error: { code: 'board_garbage', message: /LOG/ },
  })
  const digest = judgeFault({ kind: 'digest', expected: Uint8Array.of(1), got: Uint8Array.of(2) })
  t.match(digest, {
    interrupted: false,
    error: { code: 'verification_failed', detail: { expected: '01', got: '02' } },
  })
})

t.test(
  'every ERR of a board becomes its error, and none but a trial that ran out is tried again',
  async t => {
    const special: Readonly<Record<number, string>> = {
      [errorCodes.TOO_LARGE]: 'does_not_fit',
      [errorCodes.BAD_GEOMETRY]: 'does_not_fit',
      [errorCodes.UNKNOWN_CODEC]: 'does_not_fit',
      [errorCodes.DECODE_MEMORY]: 'does_not_fit',
      [errorCodes.NO_SLOT]: 'does_not_fit',
      [errorCodes.BLOCK_CRC]: 'verification_failed',
      [errorCodes.DIGEST]: 'verification_failed',
      [errorCodes.NOT_VERIFIED]: 'verification_failed',
    }
    for (const code of [...Object.values(errorCodes), 200]) {
      for (const requestType of [messageTypes.BEGIN, messageTypes.CONFIRM]) {
        const refusal = { code, requestType, detail: 3 }
        const { interrupted, error } = judgeFault({ kind: 'refused', refusal })
        const trialGone = code === errorCodes.BAD_STATE && requestType === messageTypes.CONFIRM
        t.equal(interrupted, trialGone, `${code}`)
        t.equal(error.code, trialGone ? 'board_reset' : (special[code] ?? 'board_refused'), `${code}`)
        t.ok(isErrorCode(error.code) && error.message === explainError(code, 3))
        t.same(error.detail, refusal)
      }
    }
  },
)

t.test('statistics add up over the runs, and a share is told only where a line paces', async t => {
  t.same(parseStats(null), noStats)
  t.match(parseStats('{"streamMs":5}'), { ...noStats, streamMs: 5 })
  const progress = {
    streamMs: 1000,
    payloadBytes: 9000,
    deliveredBytes: 9000,
    copiedBytes: 10,
    retransmittedBytes: 20,
    resentBlocks: 1,
    resumed: true,
  } as unknown as SenderProgress
  const wire = { bytesOut: 10_000, bytesIn: 100, baudRate: 115_200 }
  const two = addRun(addRun(noStats, { ...progress, resumed: false }, wire), progress, wire)
  t.match(two, {
    wireBytesOut: 20_000,
    wireBytesIn: 200,
    streamMs: 2000,
    streamedBytes: 18_000,
    copiedBytes: 20,
    retransmittedBytes: 40,
    resentBlocks: 2,
    resumed: true,
  })
  t.equal(lineShare(two), 180_000 / (115_200 * 2))
  t.equal(lineShare({ ...two, baudRate: null }), null)
  t.equal(lineShare(noStats), null)
})
