import fc from 'fast-check'
import t from 'tap'
import { RateLimit } from '../../src/guard/rate-limit.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'

t.test('a burst up to the limit passes, then one comes through in each part of the time', async t => {
  const clock = new VirtualClock()
  const limit = new RateLimit({ limit: 3, perMs: 3000 }, clock)
  t.same(
    [1, 2, 3].map(() => limit.take('a')),
    [0, 0, 0],
  )
  t.equal(limit.take('a'), 1000, 'says how long to wait')
  t.equal(limit.take('b'), 0, 'another key is not touched')
  clock.advance(1000)
  t.equal(limit.take('a'), 0)
  t.ok(limit.take('a') > 0)
  limit.forgive('a')
  t.equal(limit.take('a'), 0, 'forgiven')
})

t.test(
  'whatever the order, no window holds more than twice the limit, and waiting as told helps',
  async t => {
    const step = fc.record({ key: fc.constantFrom('a', 'b'), waitMs: fc.integer({ min: 0, max: 2000 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.integer({ min: 1, max: 5 }), (steps, count) => {
        const clock = new VirtualClock()
        const limit = new RateLimit({ limit: count, perMs: 1000 }, clock)
        const passed = new Map<string, number[]>()
        for (const { key, waitMs } of steps) {
          clock.advance(waitMs)
          const waitFor = limit.take(key)
          if (waitFor === 0) passed.set(key, [...(passed.get(key) ?? []), clock.now()])
        }
        for (const times of passed.values())
          for (const from of times)
            if (times.filter(at => at >= from && at < from + 1000).length > 2 * count) return false
        const waitFor = limit.take('a')
        clock.advance(waitFor)
        return waitFor === 0 || limit.take('a') === 0
      }),
    )
    t.pass()
  },
)

t.test('a flood of keys is forgotten from the oldest on', async t => {
  const limit = new RateLimit({ limit: 1, perMs: 60_000, maxKeys: 2 }, new VirtualClock())
  limit.take('a')
  limit.take('b')
  limit.take('a')
  limit.take('c')
  t.ok(limit.take('a') > 0, 'a was used after b')
  t.equal(limit.take('b'), 0, 'b was forgotten')
})
