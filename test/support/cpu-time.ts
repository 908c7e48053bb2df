/** What `reference` takes when it is compiled and nothing disturbs it: best of 400 on x86-64, Node 20. */
const referenceMs = 4

const field = new Uint8Array(1 << 20)

/** A little of everything that readers of files do: arithmetic, memory near and far, small objects. */
function reference(): void {
  let sum = 1
  for (let at = 0; at < field.length; at++) {
    sum = (Math.imul(sum, 31) + at) | 0
    field[at] = sum
    field[(sum >>> 8) & (field.length - 1)] = at
  }
  const parts = new Map<number, number[]>()
  for (let at = 0; at < 10_000; at++) parts.set(at, [at, sum])
  field.copyWithin(0, field.length >> 1)
}

const usedMs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

/**
 * Processor time of this process from here on, in milliseconds: what else the machine does costs the work nothing. A bound holds for
 * such a processor; on one that is slower at this moment it is wider by as much.
 */
export class CpuTime {
  readonly #began = process.cpuUsage()

  get ms(): number {
    return usedMs(this.#began)
  }

  exceeds(boundMs: number): boolean {
    const { ms } = this
    if (ms <= boundMs) return false
    const tries = Array.from({ length: 9 }, () => {
      const began = process.cpuUsage()
      reference()
      return usedMs(began)
    })
    // The first ones are of code that was not compiled yet.
    return ms > boundMs * Math.max(1, Math.max(...tries.slice(3)) / referenceMs)
  }
}
