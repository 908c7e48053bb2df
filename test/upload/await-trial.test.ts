import t from 'tap'
import { noise, raw, uploadRig } from './upload-rig.ts'

type Test = Parameters<typeof uploadRig>[0]

/** A board with two slots: one plays, and the other is in trial for so many seconds. */
async function onTrial(t: Test, trialSeconds: number) {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1, { config: { slots: 2 } }))
  const [first] = await rig.submit([bench], noise(2000, 1))
  const { transferId } = await rig.ends(first, 'done')
  const [second] = await rig.submit([bench], noise(2000, 2))
  await rig.ends(second, 'done')
  const ask = (message: Parameters<NonNullable<typeof bench.session>['request']>[0]) => {
    if (bench.session === undefined) throw new Error('there is no session')
    return rig.until(bench.session.request(message))
  }
  await ask({ type: 'ACTIVATE', slot: 0, id: Buffer.from(transferId ?? '', 'hex'), trialSeconds })
  const startedMs = rig.clock.now()
  const [job] = await rig.submit([bench], noise(2000, 3), raw)
  if (job === undefined) throw new Error('there is no job')
  return { rig, bench, job, startedMs }
}

t.test('an upload for which a trial leaves no slot waits until the trial is over', async t => {
  const { rig, job, startedMs } = await onTrial(t, 8)
  t.match(await rig.ends(job, 'done'), { attempts: 1, errorCode: null })
  const tookMs = rig.clock.now() - startedMs
  t.ok(tookMs >= 8000 && tookMs < 11_000, `${tookMs} ms`)
})

t.test('it can be paused and cancelled meanwhile', async t => {
  const { rig, job } = await onTrial(t, 30)
  await rig.pass(3000)
  t.equal((await rig.job(job.id)).state, 'transferring')
  t.equal((await rig.until(rig.core.queue.command(job.id, 'pause'))).state, 'paused')
  await rig.pass(3000)
  t.equal((await rig.job(job.id)).state, 'paused')
  await rig.until(rig.core.queue.command(job.id, 'resume'))
  await rig.pass(3000)
  t.equal((await rig.until(rig.core.queue.command(job.id, 'cancel'))).state, 'cancelled')
})

t.test('a cable that is pulled meanwhile is an interruption', async t => {
  const { rig, bench, job } = await onTrial(t, 20)
  await rig.pass(3000)
  bench.unplug()
  await rig.when(() => rig.statesOf(job.id).includes('waiting'), 'an interruption')
  bench.plug()
  t.match(await rig.ends(job, 'done'), { attempts: 2 })
})
