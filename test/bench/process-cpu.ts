import { readFile } from 'node:fs/promises'

/** USER_HZ, 100 on every Linux that Node runs on (proc(5)). */
const clockTicksPerSecond = 100

/** CPU time of a living process so far, user and system, all threads, in seconds. */
export async function processCpuSeconds(pid: number | undefined): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond
}
