import t from 'tap'
import { payloads, runCampaign } from './cut-campaign.ts'

const twoCores = { seed: 1, lanes: 4 }

t.test(
  'an upload cut after any number of bytes, in either direction, is completed and the old pattern plays until then',
  { timeout: 800_000 },
  async t => {
    const summary = await runCampaign({
      ...twoCores,
      step: 64,
      from: 64,
      directions: ['out', 'in'],
      payloads,
    })
    t.same(summary.violations, [])
    t.ok(summary.cuts >= 90, `${summary.cuts} cuts`)
    t.ok(summary.bytesOut > 4096, 'the opaque bytes passed')
    t.comment(`${summary.cuts} cuts, ${(summary.durationMs / summary.cuts).toFixed(0)} ms a cut`)
  },
)

t.test('what does not hold is told together with the line that runs it again', async t => {
  const one = { step: 1, directions: ['out'], payloads: ['pattern'], resume: 'restart' } as const
  const { violations } = await runCampaign({
    ...twoCores,
    ...one,
    from: 700,
    to: 700,
    faults: { lieHash: true },
  })
  t.equal(violations.length, 1)
  t.match(violations[0]?.what.join(), /the job is failed: verification_failed/)
  t.equal(
    violations[0]?.replay,
    'npm run torture:cut -- --payload pattern --direction out --step 1 --from 700 --to 700 --resume restart --seed 1',
  )
  const restarted = await runCampaign({
    ...twoCores,
    ...one,
    from: 700,
    to: 700,
    faults: { powerCutAt: [6] },
  })
  t.match(restarted.violations[0]?.what.join(), /the board was restarted/)
})
