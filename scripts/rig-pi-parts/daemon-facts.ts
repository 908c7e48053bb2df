import type { Guest } from './guest.ts'

const ticksPerSecond = 100

export const daemonPid = async (guest: Guest): Promise<number> =>
  Number(await guest.run('systemctl show pixelgate.service --property=MainPID --value'))

/** The share of one core that the daemon itself takes over some seconds, from /proc; its children are not in it. */
export async function cpuShare(guest: Guest, seconds: number): Promise<number> {
  const pid = await daemonPid(guest)
  // utime and stime; the name before them has no blank.
  const look = `cut -d' ' -f14,15 /proc/${pid}/stat; cat /proc/uptime`
  const said = await guest.run(`${look}; sleep ${seconds}; ${look}`, (seconds + 30) * 1000)
  const [ticks0 = '', up0 = '', ticks1 = '', up1 = ''] = said.split('\n')
  const sum = (text: string) => text.split(' ').reduce((total, part) => total + Number(part), 0)
  const elapsed = Number.parseFloat(up1) - Number.parseFloat(up0)
  return (sum(ticks1) - sum(ticks0)) / ticksPerSecond / elapsed
}

/** Properties of the unit, by name. */
export async function unitProperties(
  guest: Guest,
  ...names: readonly string[]
): Promise<Map<string, string>> {
  const said = await guest.run(`systemctl show pixelgate.service --property=${names.join(',')}`)
  return new Map(
    said.split('\n').map(line => {
      const at = line.indexOf('=')
      return [line.slice(0, at), line.slice(at + 1)]
    }),
  )
}
