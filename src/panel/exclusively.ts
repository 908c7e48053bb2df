import { randomId } from './state/random-id.ts'
import { remember, remembered } from './state/remembered.ts'

const leaseMs = 15_000
/** Two tabs that write in the same moment find out within this time who was last. */
const settleMs = 50
const pollMs = 100

/**
 * Runs the work while no other tab of this browser runs work of this name. Web Locks are there in secure contexts alone;
 * over plain HTTP a lease in localStorage does, which a tab that is closed leaves to the others after 15 s.
 */
export async function exclusively(name: string, work: () => Promise<boolean>): Promise<boolean> {
  const locks: LockManager | undefined = navigator.locks
  return locks === undefined
    ? await underLease(`lease.${name}`, work)
    : await locks.request(`pixelgate.${name}`, work)
}

async function underLease(key: string, work: () => Promise<boolean>): Promise<boolean> {
  const me = randomId()
  const endMs = performance.now() + 2 * leaseMs
  while (!(await take(key, me)) && performance.now() < endMs) await pause(pollMs)
  try {
    return await work()
  } finally {
    if (remembered(key)?.startsWith(me)) remember(key, '')
  }
}

async function take(key: string, me: string): Promise<boolean> {
  const [, untilMs = '0'] = (remembered(key) ?? '').split(' ')
  // One that ends too far ahead was written under another time of day.
  if (Number(untilMs) > Date.now() && Number(untilMs) <= Date.now() + leaseMs) return false
  const mine = `${me} ${Date.now() + leaseMs}`
  remember(key, mine)
  // A browser that keeps nothing has nothing to agree on with other tabs.
  if (remembered(key) !== mine) return true
  await pause(settleMs)
  return remembered(key) === mine
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
