import nodeAssert from 'node:assert'
import { createRequire } from 'node:module'
import t from 'tap'
import { systemClock } from '../../src/kernel/clock.ts'
import { databasePath, openMemory } from './memory-rig.ts'

/** What the suite of aedes-persistence uses of node:test. */
interface SuiteContext {
  readonly assert: Record<string, (...args: unknown[]) => void>
  plan(count: number): void
  diagnostic(message: string): void
}
type Suite = (options: {
  test: (name: string, run: (context: SuiteContext) => Promise<void>) => void
  persistence: () => Promise<unknown>
  testAsync: true
}) => void

/** The suite of the version that aedes brings along. */
const suite = createRequire(import.meta.resolve('aedes'))('aedes-persistence/abstract.js') as Suite

t.test('the adapter over broker.db passes the whole suite of aedes-persistence', async t => {
  const tests: [string, (context: SuiteContext) => Promise<void>][] = []
  let path = ''
  suite({
    testAsync: true,
    test: (name, run) => void tests.push([name, run]),
    persistence: async () => {
      const { memory } = await openMemory(path, { clock: systemClock })
      return Object.assign(memory.persistence, { destroy: () => memory.stop() })
    },
  })
  t.ok(tests.length >= 50, `${tests.length} tests`)
  for (const [name, run] of tests)
    await t.test(name, async t => {
      path = databasePath(t)
      let planned: number | undefined
      let count = 0
      const assert = new Proxy({} as SuiteContext['assert'], {
        get:
          (_target, check: string) =>
          (...args: unknown[]) => {
            count++
            const run = (nodeAssert as unknown as SuiteContext['assert'])[check]
            t.doesNotThrow(() => run?.(...args), `${check} ${count}`)
          },
      })
      await run({
        assert,
        plan: expected => {
          planned = expected
        },
        diagnostic: message => t.comment(message),
      })
      if (planned !== undefined) t.equal(count, planned, 'as many checks as planned')
      t.pass(name)
    })
})
