import t from 'tap'
import { type CampaignSummary, medianBytes, runCampaign } from './campaign.ts'
import { faultKinds } from './faults.ts'

t.setTimeout(800_000)

const told = ({ violations }: CampaignSummary) =>
  violations.map(({ replay, kinds, what }) => `${replay}  # ${kinds.join()}: ${what.join('; ')}`)

t.test(
  'uploads under every kind of fault end well and nothing wrong is ever active',
  { timeout: 800_000 },
  async t => {
    const summary = await runCampaign({ seed: 1, sessions: 2000 })
    t.same(told(summary), [])
    t.equal(summary.sessions, 2000)
    t.same(summary.known, {}, 'no bug is only counted')
    const strikes = (kind: string) => summary.byKind[kind]?.struck ?? 0
    t.same(
      faultKinds.filter(kind => strikes(kind) < 10),
      [],
      'every kind of fault came to pass, and not once only',
    )
    t.ok(medianBytes(summary) <= 4096, 'half of the files are small')
    t.ok(summary.mostForgotten <= 1, 'no more than one durable block is sent again')
    t.comment(faultKinds.map(kind => `${kind} ${strikes(kind)}`).join(', '))
    t.comment(`${summary.steps} steps, ${summary.dataFrames} DATA frames, ${summary.boots} boots`)
  },
)
