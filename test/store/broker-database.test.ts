import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { toError } from '../../src/kernel/errors.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { BrokerDatabase } from '../../src/store/broker/broker-database.ts'
import type { Change } from '../../src/store/broker/changes.ts'
import { until } from '../broker/broker-rig.ts'

const session = (id: number): Change => ({ name: 'putSession', args: [id, `desk/${id}`, '{}', 0] })

t.test('a disk that fails while the idle thread closes broker.db is told, and nothing is lost', async t => {
  const path = `${t.testdir()}/broker.db`
  const clock = new VirtualClock()
  const faults: string[] = []
  const database = new BrokerDatabase({
    ...{ path, clock, onSetAside: () => undefined },
    onCloseFailed: thrown => faults.push(toError(thrown).message),
  })
  await database.write([session(1)])
  const wal = `${path}-wal`
  const kept = readFileSync(wal)
  // What was committed cannot be read back: so the checkpoint fails.
  truncateSync(wal, 0)
  clock.advance(60_000)
  await until(() => faults.length > 0, 'the fault of the checkpoint')
  t.notOk(database.running)
  t.match(faults, [/broker\.db/])
  writeFileSync(wal, kept)
  await database.write([session(2)])
  t.same(
    (await database.read()).sessions.map(({ clientId }) => clientId),
    ['desk/1', 'desk/2'],
  )
  clock.advance(60_000)
  await until(() => !database.running, 'the end of the thread')
  t.equal(faults.length, 1)
})
