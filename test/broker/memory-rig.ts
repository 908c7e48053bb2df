import type { Test } from 'tap'
import { type BrokerLimits, brokerLimits } from '../../src/broker/broker-limits.ts'
import { BrokerMemory, type BrokerStorage } from '../../src/broker/memory/broker-memory.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { BrokerState } from '../../src/store/broker/broker-state.ts'
import { BrokerWriter } from '../../src/store/broker/broker-writer.ts'
import { type Change, packChanges } from '../../src/store/broker/changes.ts'
import { principal } from './broker-rig.ts'

export const desk = principal('watch', 'desk')
export const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** The database without its thread. `fail` is thrown by each write while it is there. */
export class DirectStorage implements BrokerStorage {
  readonly writer: BrokerWriter
  fail: Error | undefined
  writes = 0

  constructor(path: string) {
    this.writer = new BrokerWriter({ path })
  }

  async read(): Promise<BrokerState> {
    return this.writer.read()
  }

  async write(changes: readonly Change[]): Promise<void> {
    this.writes++
    if (this.fail !== undefined) throw this.fail
    this.writer.write(packChanges(changes))
  }

  async renew(reason: string): Promise<void> {
    this.writer.renew(reason)
  }

  setAside(): readonly string[] {
    return []
  }

  async close(): Promise<void> {
    this.writer.close()
  }
}

export interface MemoryRig {
  readonly memory: BrokerMemory
  readonly storage: DirectStorage
  readonly clock: Clock
  readonly connected: Set<string>
}

/** The broker's memory over a real file. Topics that begin with `secret` are for nobody. */
export async function openMemory(
  path: string,
  { limits = {}, clock = new VirtualClock() }: { limits?: Partial<BrokerLimits>; clock?: Clock } = {},
): Promise<MemoryRig> {
  const storage = new DirectStorage(path)
  const connected = new Set<string>()
  const memory = new BrokerMemory({
    storage,
    clock,
    log: quiet,
    limits: { ...brokerLimits, ...limits },
    keeps: () => true,
    connected: clientId => connected.has(clientId),
    mayReceive: (_who, topic) => !topic.startsWith('secret'),
    maySubscribe: () => true,
    principalOf: () => desk,
  })
  await memory.load(() => true)
  return { memory, storage, clock, connected }
}

export const databasePath = (t: Test): string => `${t.testdir()}/broker.db`
