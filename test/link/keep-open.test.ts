import fc from 'fast-check'
import t from 'tap'
import { AppError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { backoffMs, KeepOpen, type KeepOpenState } from '../../src/link/keep-open.ts'
import type { Link } from '../../src/link/link.ts'
import { memoryLinkPair } from '../../src/link/memory-link.ts'

const settled = () => new Promise(setImmediate)

/** A port that is there or not; counts the tries. */
function pretendPort(random = () => 1) {
  const clock = new VirtualClock()
  const states: KeepOpenState[] = []
  const port = {
    fault: undefined as unknown,
    tries: 0,
    cut: () => {},
    clock,
    states,
    values: () => states.map(({ value }) => value),
    keeper: new KeepOpen({
      clock,
      random,
      onState: state => void states.push(state),
      open: async (): Promise<Link> => {
        port.tries += 1
        if (port.fault !== undefined) throw port.fault
        const pair = memoryLinkPair({ clock })
        port.cut = pair.cut
        return pair.host
      },
    }),
  }
  return port
}

t.test('waits double from 100 ms to 2 s, half of each at random', t => {
  t.same(
    [0, 1, 2, 3, 4, 5, 6, 100].map(attempt => backoffMs(attempt, 1)),
    [100, 200, 400, 800, 1600, 2000, 2000, 2000],
  )
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const delayMs = backoffMs(attempt, random)
      return delayMs >= backoffMs(attempt, 1) / 2 && delayMs <= 2000
    }),
  )
  t.end()
})

t.test('a lost link is opened again, with its reason told meanwhile', async t => {
  const port = pretendPort()
  t.equal(port.keeper.state.value, 'closed')
  port.keeper.start()
  port.keeper.start()
  await settled()
  t.same(port.values(), ['opening', 'open'])
  port.clock.advance(5_000)
  port.cut()
  t.match(port.keeper.state, { value: 'waiting', attempt: 0, delayMs: 100, error: { code: 'link_lost' } })
  port.clock.advance(100)
  await settled()
  t.same(port.values(), ['opening', 'open', 'waiting', 'opening', 'open'])
})

t.test(
  'a port that is missing, forbidden or odd is tried for ever, and open within 5 s of coming back',
  async t => {
    const port = pretendPort()
    port.fault = new AppError('port_missing', 'gone')
    port.keeper.start()
    for (const fault of [
      new AppError('port_missing', 'gone'),
      new AppError('port_denied', 'no'),
      new Error('odd'),
      'text',
    ]) {
      port.fault = fault
      for (let count = 0; count < 5; count++) {
        await settled()
        port.clock.advance(2_000)
      }
    }
    await settled()
    t.match(port.keeper.state, {
      value: 'waiting',
      delayMs: 2000,
      error: { code: 'link_failed', message: 'text' },
    })
    t.ok(port.tries >= 18)
    port.fault = undefined
    const backAtMs = port.clock.now()
    while (port.keeper.state.value !== 'open') {
      port.clock.step()
      await settled()
    }
    t.ok(port.clock.now() - backAtMs <= 5_000)
  },
)

t.test('a link that breaks at once waits longer each time; a steady one starts afresh', async t => {
  const port = pretendPort()
  port.keeper.start()
  const waits: number[] = []
  for (const livedMs of [0, 0, 0, 1_000, 0]) {
    await settled()
    port.clock.advance(livedMs)
    port.cut()
    if (port.keeper.state.value === 'waiting') waits.push(port.keeper.state.delayMs)
    port.clock.advance(2_000)
  }
  t.same(waits, [100, 200, 400, 100, 200])
})

t.test('a wake tries at once when waiting, and does nothing otherwise', async t => {
  const port = pretendPort()
  port.fault = new AppError('port_missing', 'gone')
  port.keeper.wake()
  port.keeper.start()
  await settled()
  port.fault = undefined
  port.keeper.wake()
  await settled()
  t.same(port.values(), ['opening', 'waiting', 'opening', 'open'])
  port.keeper.wake()
  t.notOk(port.clock.step(), 'no timer is left')
})

t.test('closing stops for good: the open link is closed, a late one as well, no timer stays', async t => {
  const port = pretendPort()
  port.keeper.start()
  const late = port.keeper.close()
  await late
  await settled()
  t.same(port.values(), ['opening', 'closed'])

  port.keeper.start()
  await settled()
  const { state } = port.keeper
  await port.keeper.close()
  await port.keeper.close()
  t.equal(state.value === 'open' && state.link.write(Uint8Array.of(1)), false)
  t.same(port.values(), ['opening', 'closed', 'opening', 'open', 'closed'])

  port.fault = new AppError('port_busy', 'held')
  port.keeper.start()
  const failing = port.keeper.close()
  await failing
  await settled()
  port.keeper.start()
  await settled()
  await port.keeper.close()
  t.notOk(port.clock.step())
  t.equal(port.keeper.state.value, 'closed')
})

t.test('a link closed by its user is opened again, and a listener may close within a state', async t => {
  const port = pretendPort()
  port.keeper.start()
  await settled()
  if (port.keeper.state.value === 'open') await port.keeper.state.link.close()
  t.match(port.keeper.state, { value: 'waiting', error: { code: 'link_lost' } })
  await port.keeper.close()
  let tries = 0
  const hasty: KeepOpen = new KeepOpen({
    clock: port.clock,
    random: () => 0,
    onState: state => state.value === 'opening' && void hasty.close(),
    open: () => {
      tries += 1
      return Promise.reject(new Error('never asked'))
    },
  })
  hasty.start()
  t.equal(tries, 0)
  t.equal(hasty.state.value, 'closed')
})
