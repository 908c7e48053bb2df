import { join } from 'node:path'
import { MqttUsers } from '../../src/account/mqtt-users.ts'
import { startBroker } from '../../src/broker/start-broker.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { openStore } from '../../src/store/store.ts'
import { createCore } from '../../src/upload/gateway-core.ts'
import { gw } from './broker-rig.ts'

/** A broker in a process of its own, to be killed: FOLDER PORT COMMIT_DELAY_MS. Says its port and memory as lines of JSON. */
const [folder = '', port = '0', commitDelayMs = '0'] = process.argv.slice(2)
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields: object, message: string) =>
    void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (fields: object, message: string) =>
    void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
}
const store = await openStore(join(folder, 'gateway.db'))
const core = createCore({ store, clock: systemClock, log, maxBody: 1024 })
const users = await MqttUsers.open(store, systemClock)
const broker = await startBroker({
  listeners: [{ host: '127.0.0.1', port: Number(port), anonymous: false }],
  ...{ gatewayId: gw, core, users, clock: systemClock, log, version: '1.2.3' },
  limits: { maxMessagesPerSecond: 1_000_000, maxPacketBytes: 1024 * 1024 },
  database: { path: join(folder, 'broker.db'), commitDelayMs: Number(commitDelayMs) },
})
let worstMs = 0
let lastMs = performance.now()
setInterval(() => {
  const nowMs = performance.now()
  worstMs = Math.max(worstMs, nowMs - lastMs - 5)
  lastMs = nowMs
}, 5)
process.on('message', () => {
  const cpu = process.cpuUsage()
  process.send?.({
    rssBytes: process.memoryUsage().rss,
    cpuMs: (cpu.user + cpu.system) / 1000,
    longestStallMs: Math.round(worstMs),
    ...broker.stats(),
  })
  worstMs = 0
})
say({ ready: true, port: Number(new URL(broker.urls[0] ?? '').port) })
