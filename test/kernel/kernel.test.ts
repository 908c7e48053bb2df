import fc from 'fast-check'
import t from 'tap'
import { Bus } from '../../src/kernel/bus.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { withDeadline } from '../../src/kernel/deadline.ts'
import { AppError, exitStatus, httpStatus, isErrorCode, toError } from '../../src/kernel/errors.ts'
import { boardId, formatUuid, jobId, parseUuid, patternId, uuidV7 } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { fail, ok } from '../../src/kernel/result.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'

t.test('a bus tells each listener at once, in order, until it ends its subscription', async t => {
  const bus = new Bus<{ tick: number; tock: string }>()
  const heard: string[] = []
  const off = bus.on('tick', tick => {
    heard.push(`a${tick}`)
    off()
  })
  bus.on('tick', tick => heard.push(`b${tick}`))
  bus.on('tock', tock => heard.push(tock))
  bus.emit('tick', 1)
  bus.emit('tick', 2)
  bus.emit('tock', 'c')
  t.same(heard, ['a1', 'b1', 'b2', 'c'])
  new Bus<{ never: number }>().emit('never', 1)
})

t.test('virtual time fires timers in order of time, then of setting, and only when told', async t => {
  const clock = new VirtualClock(1000)
  const fired: string[] = []
  clock.setTimer(10, () => fired.push('later'))
  clock.setTimer(5, () => {
    fired.push('first')
    clock.setTimer(0, () => fired.push('nested'))
  })
  clock.setTimer(5, () => fired.push('second'))
  const cancelled = clock.setTimer(6, () => fired.push('never'))
  cancelled.cancel()
  cancelled.cancel()
  clock.advance(4)
  t.same(fired, [])
  clock.advance(2)
  t.same(fired, ['first', 'second', 'nested'])
  t.equal(clock.now(), 6)
  t.ok(clock.step())
  t.equal(clock.now(), 10)
  t.notOk(clock.step())
  t.equal(clock.wallTime(), 1010)
  clock.advance(0.4)
  t.equal(clock.wallTime(), 1010, 'whole milliseconds, as Date.now gives them')
})

t.test('a timer of any length moves virtual time by no less', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 20 }), delays => {
      const clock = new VirtualClock()
      for (const delayMs of delays) {
        const before = clock.now()
        let firedAt = -1
        clock.setTimer(delayMs, () => {
          firedAt = clock.now()
        })
        clock.step()
        if (firedAt < before + delayMs - 1e-3 || firedAt > before + delayMs + 2e-3) return false
        if (delayMs > 1e-3 && firedAt === before) return false
      }
      return true
    }),
  )
})

t.test('the system clock fires once, or not at all when cancelled', async t => {
  const before = systemClock.now()
  await new Promise<void>(resolve => {
    systemClock.setTimer(1, () => t.fail('was cancelled')).cancel()
    systemClock.setTimer(2, resolve)
  })
  t.ok(systemClock.now() - before >= 1)
  t.ok(Math.abs(systemClock.wallTime() - Date.now()) < 1000)
})

t.test('a deadline ends a wait with its own error, and leaves no timer behind', async t => {
  const clock = new VirtualClock()
  const never = withDeadline(clock, 50, new Promise(() => undefined), 'board_mute', 'Nobody answered.')
  clock.advance(50)
  await t.rejects(never, { code: 'board_mute', message: 'Nobody answered.' })
  t.equal(await withDeadline(clock, 50, Promise.resolve(3), 'board_mute', ''), 3)
  await t.rejects(withDeadline(clock, 50, Promise.reject(new Error('own')), 'board_mute', ''), /own/)
  await Promise.resolve()
  t.notOk(clock.step())
})

t.test('an error has one name everywhere: code, exit status and HTTP status', async t => {
  const plain = new AppError('link_lost', 'It is gone.')
  t.match(plain, { name: 'AppError', code: 'link_lost', message: 'It is gone.', detail: undefined })
  t.notOk('cause' in plain)
  const cause = new Error('EIO')
  t.match(new AppError('link_lost', 'x', { cause, detail: { port: 1 } }), { cause, detail: { port: 1 } })
  t.ok('cause' in new AppError('link_lost', 'x', { cause: undefined }))
  t.ok(isErrorCode('usage'))
  t.notOk(isErrorCode('toString'))
  t.equal(exitStatus('usage'), 2)
  t.equal(exitStatus('some_boards_failed'), 10)
  t.equal(httpStatus('not_found'), 404)
  t.equal(toError(cause), cause)
  t.equal(toError('words').message, 'words')
})

t.test('UUIDs survive their text form, and version 7 sorts by time', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
      const text = formatUuid(bytes)
      const back = parseUuid(text.toUpperCase())
      return (
        back !== undefined &&
        Buffer.compare(bytes, back) === 0 &&
        /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
      )
    }),
  )
  t.equal(parseUuid('no uuid'), undefined)
  t.equal(parseUuid('00112233445566778899aabbccddee'), undefined)
  t.same(parseUuid('00112233445566778899aabbccddeeff')?.slice(0, 2), Uint8Array.of(0, 0x11))
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 48 - 2 }),
      fc.uint8Array({ minLength: 10, maxLength: 10 }),
      (ms, random) => {
        const text = uuidV7(ms, random)
        return (
          /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-/.test(text) &&
          text < uuidV7(ms + 1, new Uint8Array(10)) === true
        )
      },
    ),
  )
  // RFC 9562, appendix A.6.
  t.match(
    uuidV7(0x017f22e279b0, Buffer.from('0cc318c4dc0c0c07398f', 'hex')),
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
  )
  t.not(uuidV7(0), uuidV7(0))
  t.equal(boardId('a') + jobId('b') + patternId('c'), 'abc')
})

t.test('results and silence', async t => {
  t.same(ok(1), { ok: true, value: 1 })
  t.same(fail('no'), { ok: false, fault: 'no' })
  for (const say of Object.values(silentLog)) t.equal(say({}, ''), undefined)
})
