import { access } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { linkName } from '../link/link-settings.ts'
import { presentPorts } from '../link/port-error.ts'
import { type Check, type Found, fine, problem, warning } from './finding.ts'

const connectTimeoutMs = 2_000

/** Links of the configuration that lead nowhere. */
export const linkCheck: Check = {
  name: 'links',
  async run({ config: { links, discovery }, daemon }) {
    if (links.length === 0) return [fine(`no link is configured; discovery is "${discovery}"`)]
    return Promise.all(
      links.map(async (link): Promise<Found> => {
        const name = linkName(link)
        const bridged = link.mode === 'bridge'
        if (link.kind === 'serial') return serial(link.path, bridged)
        // A board may take one connection only, and the daemon has it.
        if (daemon.runs)
          return fine(`${name} is kept open by the daemon: pixelgate ${bridged ? 'bridges' : 'boards'}`)
        const fault = await connectFault(link.host, link.port)
        if (fault === undefined)
          return fine(`${name} takes connections${bridged ? ' and is bridged to MQTT' : ''}`)
        return warning(
          `${name} cannot be reached (${fault})`,
          `switch the ${bridged ? 'device' : 'board'} on; check its address and the network`,
        )
      }),
    )
  },
}

async function serial(path: string, bridged: boolean): Promise<Found> {
  const there = await access(path).then(
    () => true,
    () => false,
  )
  if (there) return fine(`${path} exists${bridged ? ' and is bridged to MQTT: pixelgate bridges' : ''}`)
  const present = presentPorts()
  const device = bridged ? 'device' : 'board'
  const cure = `plug the ${device} in${present.length === 0 ? '' : `, or name one of ${present.join(', ')}`}`
  return problem(`${path} is configured and does not exist`, cure)
}

/** Why not, as a short code; undefined: it can be reached. */
function connectFault(host: string, port: number): Promise<string | undefined> {
  const socket = createConnection({ host, port, timeout: connectTimeoutMs })
  return new Promise<string | undefined>(resolve => {
    socket.once('connect', () => resolve(undefined))
    socket.once('timeout', () => resolve('no answer'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  }).finally(() => socket.destroy())
}
