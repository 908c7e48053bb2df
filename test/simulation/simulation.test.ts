import crypto from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { openStore } from '../../src/store/store.ts'
import { enumeratePowerCuts } from './enumerate-power-cuts.ts'
import { runSession } from './run-session.ts'
import { compareStores, storeCommands } from './store-model.ts'

t.setTimeout(800_000)

t.test('every flash state of a full update is the old or the new pattern', { timeout: 800_000 }, async t => {
  const summary = await enumeratePowerCuts({ seed: 1, finishEvery: 100 })
  t.same(summary.bad, [])
  t.ok(summary.states > 12_109, `${summary.states} states`)
  t.comment(`${summary.states} states of ${summary.operations} operations, ${summary.finished} finished`)
})

/** Runs `work` in a process in which the clock on the wall and the system's random numbers must not be asked. */
async function inVirtualTimeOnly<T>(work: () => Promise<T>): Promise<T> {
  const forbidden = () => {
    throw new Error('a simulation reads no clock and draws no lots of the system')
  }
  const { now } = Date
  const { random } = Math
  const { now: monotonic } = performance
  const { randomBytes, randomInt, randomUUID } = crypto
  const put = (date: object, math: object, time: object, lots: object) => {
    Object.assign(Date, date)
    Object.assign(Math, math)
    Object.assign(performance, time)
    Object.assign(crypto, lots)
    syncBuiltinESMExports()
  }
  put(
    { now: forbidden },
    { random: forbidden },
    { now: forbidden },
    { randomBytes: forbidden, randomInt: forbidden, randomUUID: forbidden },
  )
  try {
    return await work()
  } finally {
    put({ now }, { random }, { now: monotonic }, { randomBytes, randomInt, randomUUID })
  }
}

t.test('one seed is one session, step by step, whatever the process does beside it', async t => {
  const seeds = [3, 19, 23, 59, 92, 117, 262, 407, 941, 1254]
  // All at once, so that anything the sessions share would show.
  const together = await Promise.all(seeds.map(seed => runSession(seed)))
  for (const [index, seed] of seeds.entries()) {
    const alone = await inVirtualTimeOnly(() => runSession(seed, { readable: true }))
    t.equal(alone.traceHash, together[index]?.traceHash, `seed ${seed}`)
    t.equal(alone.steps, together[index]?.steps)
    t.ok(alone.trace.length > 20, 'and can be read')
  }
  t.not((await runSession(4)).traceHash, (await runSession(5)).traceHash)
})

t.test('the store in memory answers as the database does', { timeout: 800_000 }, async t => {
  const folder = await mkdtemp(join(tmpdir(), 'simulation-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  let run = 0
  await fc.assert(
    fc.asyncProperty(storeCommands, async commands => {
      const real = await openStore(join(folder, `${run++}.db`))
      try {
        await compareStores(real, commands)
      } finally {
        await real.close()
      }
    }),
    { numRuns: 25, seed: 1 },
  )
  t.ok(run >= 25)
})
