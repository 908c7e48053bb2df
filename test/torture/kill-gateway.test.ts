import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t from 'tap'
import { buildGateway } from '../bench/gateway.ts'
import { runKillCampaign } from './kill-campaign.ts'

// About forty seconds, and a multiple of it on a busy machine.
t.setTimeout(800_000)

const common = { seed: 1, lanes: 2 }

t.test(
  'a gateway killed at any moment loses nothing that it has acknowledged, and boards play the old or the new pattern',
  { timeout: 800_000 },
  async t => {
    const main = await buildGateway()
    const summary = await runKillCampaign({ ...common, main, kills: 20, kinds: ['kill'] })
    t.same(summary.violations, [])
    t.equal(summary.interruptions.kill, 20)
    t.equal(
      Object.values(summary.killsByStage).reduce((sum, kills) => sum + kills, 0),
      20,
    )
    t.equal(summary.blocksSentTwice, 0)
    t.ok(summary.jobsResumed > 0, `${summary.jobsResumed} of ${summary.jobsDone} uploads were resumed`)
    t.ok(summary.looks >= 10, `everything was compared ${summary.looks} times`)
    t.ok(summary.confirmations > 100, `${summary.confirmations} acknowledgements`)
    t.ok(summary.framesShown > 100, `${summary.framesShown} frames`)
    t.comment(JSON.stringify(summary.killsByStage), `${(summary.durationMs / 1000).toFixed(1)} s`)
  },
)

for (const [kind, kills, what] of [
  ['stop', 3, 'a gateway that is told to stop'],
  ['power', 2, 'a gateway that loses its power together with its boards'],
  ['pty', 4, 'a gateway whose line hangs up'],
  ['full', 1, 'a gateway on a full disk of 1 MB'],
  ['fsync', 1, 'a gateway on a disk whose fsync fails'],
] as const) {
  t.test(`${what} in an upload loses nothing, and goes on afterwards`, { timeout: 800_000 }, async t => {
    const summary = await runKillCampaign({ ...common, main: await buildGateway(), kills, kinds: [kind] })
    const [reason] = summary.skipped
    if (reason !== undefined) {
      t.pass(what, { skip: reason })
      return
    }
    t.same(summary.violations, [])
    t.equal(summary.interruptions[kind], kills)
    t.ok(summary.jobsDone > 0, `${summary.jobsDone} uploads are done`)
  })
}

t.test('what is lost is told together with the line that runs it again', async t => {
  const main = await buildGateway()
  const { violations } = await runKillCampaign({
    main,
    kills: 6,
    seed: 4,
    lanes: 1,
    kinds: ['kill'],
    tamper: ({ stateDir }) => {
      const db = new Sqlite(join(stateDir, 'gateway.db'))
      db.exec(`DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE kind = 'text' LIMIT 1)`)
      db.close()
    },
  })
  t.equal(violations.length, 1)
  t.match(violations[0]?.what.join(), /message c\d+ is not there, acknowledged was "message c\d+/)
  t.equal(violations[0]?.replay, 'npm run torture -- --only kill --kills 6 --seed 4')
})
