import t from 'tap'
import { BoardConnection } from '../../src/board/connection.ts'
import type { BoardSession } from '../../src/board/session.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { BoardRig, type RigOptions } from '../support/board-rig.ts'

const openingBaud = 115_200
const raisedBaud = 1_000_000

/** A connection that raises the rate of its line to the real board library. */
function raised(options: RigOptions = {}) {
  const rig = new BoardRig({ baudRate: openingBaud, ...options })
  const sessions: BoardSession[] = []
  const warnings: string[] = []
  let line = rig.plug()
  let fresh = true
  const connection = new BoardConnection({
    open: async () => {
      if (!fresh) line = rig.plug()
      fresh = false
      return line.host
    },
    maxBaudRate: raisedBaud,
    clock: rig.clock,
    log: { ...silentLog, warn: (_fields, message) => warnings.push(message) },
    random: () => 0,
    onSession: session => sessions.push(session),
  })
  const session = async (count: number): Promise<BoardSession> => {
    const limitMs = rig.clock.now() + 60_000
    while (sessions.length < count && rig.clock.now() < limitMs) {
      rig.clock.advance(1)
      for (let i = 0; i < 10; i++) await Promise.resolve()
    }
    const found = sessions[count - 1]
    if (found === undefined) throw new Error(`no session ${count} within a minute`)
    return found
  }
  connection.start()
  return { rig, sessions, warnings, connection, session, cut: () => line.cut() }
}

t.test('a board that restarts on a raised line is greeted at the rate of the start', async t => {
  const { rig, session, connection } = raised()
  t.equal((await session(1)).channel.link.baudRate, raisedBaud)
  const startedMs = rig.clock.now()
  rig.board.stop()
  rig.board.start()
  const again = await session(2)
  t.equal(again.channel.link.baudRate, raisedBaud, 'and raised again')
  t.ok(rig.clock.now() - startedMs < 8500, `${rig.clock.now() - startedMs} ms`)
  await connection.stop()
})

t.test('a board whose line was lost at a raised rate comes back to the rate of the start', async t => {
  const { rig, session, connection, cut } = raised()
  await session(1)
  const startedMs = rig.clock.now()
  cut()
  t.equal((await session(2)).channel.link.baudRate, raisedBaud)
  t.ok(rig.clock.now() - startedMs < 7000, `${rig.clock.now() - startedMs} ms`)
  await connection.stop()
})

t.test('a session that ends on this side is followed by one at the raised rate, without a pause', async t => {
  const { rig, session, connection, warnings } = raised()
  const first = await session(1)
  const startedMs = rig.clock.now()
  first.end()
  t.equal((await session(2)).channel.link.baudRate, raisedBaud)
  t.ok(rig.clock.now() - startedMs < 1000, `${rig.clock.now() - startedMs} ms`)
  t.same(warnings, [])
  await connection.stop()
})

t.test('after three tries that failed the line stays at its own rate', async t => {
  const { rig, session, sessions, connection, warnings } = raised({ deafTo: raisedBaud })
  for (let count = 1; count <= 5; count++) {
    const { channel } = await session(count)
    t.equal(channel.link.baudRate, openingBaud)
    sessions[count - 1]?.end()
  }
  t.equal(warnings.length, 3, 'each failed try is told')
  const startedMs = rig.clock.now()
  await session(6)
  t.ok(rig.clock.now() - startedMs < 600, 'nothing is tried any more')
  await connection.stop()
})
