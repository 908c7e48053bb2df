import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import { createHttp } from '../../src/http/create-http.ts'
import { backupOperations } from '../../src/http/routes/backups.ts'
import { healthOperations } from '../../src/http/routes/health.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { Backups, databaseIn } from '../../src/store/backups.ts'
import { openStore } from '../../src/store/store.ts'
import { apiOf } from '../support/api-of.ts'
import { type Workplace, workplace } from '../support/pixelgate.ts'

const stateOf = (place: Workplace): string => place.path('state')

/** A database, as a daemon that has been stopped leaves it. */
async function filled(place: Workplace, value = 'first'): Promise<void> {
  const store = await openStore(databaseIn(stateOf(place)))
  await store.settings.set({ key: 'k', value })
  await store.close()
}

/** The part of a daemon that makes backups, on the control socket. */
async function daemon(t: Test, place: Workplace): Promise<void> {
  const backups = new Backups({ stateDir: stateOf(place), clock: systemClock, reserveBytes: 0 })
  const health = { check: () => Promise.reject(new Error('not asked')) }
  const server = createServer(
    createHttp({
      log: silentLog,
      clock: systemClock,
      api: apiOf(healthOperations(health), backupOperations(backups)),
    }),
  )
  server.listen(place.path('control.sock'))
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
}

t.test('backup, backups and restore without a daemon', async t => {
  const place = await workplace(t)
  const none = await place.here('backup')
  t.match(none, { status: 4, stderr: /There is no database in .* yet/ })
  t.match(await place.here('backups'), { status: 0, stdout: /no backup yet/ })
  await filled(place)
  const made = await place.here('backup', '--json')
  t.equal(made.status, 0, made.stderr)
  t.match(made.last, { backup: { kind: 'manual', sha256: /^[0-9a-f]{64}$/, rows: { settings: 1 } } })
  const { name, path } = made.last['backup']
  t.ok(existsSync(path))
  t.match(await place.here('backup'), { status: 0, stdout: /proved in .* s\nSHA-256 [0-9a-f]{64}/ })
  t.match(await place.here('backups'), { status: 0, stdout: new RegExp(`${name}\\s+manual`) })
  t.equal((await place.here('backups', '--json')).last['backups'].length, 2)

  await filled(place, 'second')
  const unsure = await place.here('restore', name)
  t.match(unsure, { status: 2, stderr: /the former one is kept beside it\. Write it again with --yes/ })
  const restored = await place.here('restore', name, '--yes', '--json')
  t.match(restored.last, { restored: { backup: path, keptAs: /before-/, rows: { settings: 1 } } })
  const store = await openStore(databaseIn(stateOf(place)))
  t.equal(await store.settings.get('k'), 'first')
  const held = await place.here('restore', path, '--yes')
  t.match(held, { status: 2, stderr: /in use/ }, 'a daemon without a socket is found by its lock')
  await store.close()
  t.match(await place.here('restore', path, '--yes'), {
    status: 0,
    stdout: /is now what .* was.*\nThe former database is .*\nStart the daemon/,
  })
  t.match(await place.here('restore', 'nothing.db', '--yes'), { status: 4, stderr: /nor is it in .*backups/ })
  writeFileSync(place.path('bad.db'), 'x'.repeat(5000))
  t.match(await place.here('restore', place.path('bad.db'), '--yes'), {
    status: 8,
    stderr: /damaged or no database/,
  })
})

t.test('backup and backups through the daemon; restore refuses while it runs', async t => {
  const place = await workplace(t)
  await filled(place)
  await daemon(t, place)
  const made = await place.here('backup', '--json')
  t.match(made.last, { backup: { kind: 'manual', createdAt: /^\d{4}-/ } })
  t.match((await place.here('backups', '--json')).last, { backups: [{ name: made.last['backup'].name }] })
  t.match(await place.here('restore', made.last['backup'].path, '--yes'), {
    status: 2,
    stderr: /The daemon runs/,
  })
  writeFileSync(databaseIn(stateOf(place)), 'smashed '.repeat(1000))
  t.match(await place.here('backup'), { status: 8, stderr: /damaged/ })
})

t.test(
  'doctor prints findings with their cures, and its exit status tells whether there is a problem',
  async t => {
    const place = await workplace(t)
    const fine = await place.here('doctor', '--json')
    t.ok(['ok', 'warning'].includes(fine.last['status']), JSON.stringify(fine.last))
    t.equal(fine.status, 0)
    const config = await place.file(
      'config.json',
      JSON.stringify({ links: [{ kind: 'serial', path: '/dev/does-not-exist' }] }),
    )
    const text = await place.here('doctor', '--config', config)
    t.equal(text.status, 8)
    t.match(
      text.stdout,
      /PROBLEM {2}links +\/dev\/does-not-exist is configured and does not exist\n +→ plug the board in/,
    )
    t.match(text.stdout, /\n\d+ problems, \d+ warnings\.\n$/)
    const faults = await place.here(
      'doctor',
      '--config',
      await place.file('bad.json', '{"log":{"level":"loud"},"x":1}'),
      '--json',
    )
    t.equal(faults.status, 8)
    t.equal(faults.last['findings'].filter((each: { check: string }) => each.check === 'config').length, 2)
  },
)
