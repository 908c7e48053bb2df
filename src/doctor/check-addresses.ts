import { isLoopback } from '../config/schema-parts.ts'
import { type Check, type Found, fine, problem, warning } from './finding.ts'
import { listenersOn, socketHolders, socketsAt } from './socket-holders.ts'

interface Address {
  readonly what: string
  readonly port: number
  /** The key of the configuration that names it. */
  readonly key: string
}

/** TCP ports that the gateway wants, and who has them. */
export const addressCheck: Check = {
  name: 'addresses',
  async run({ config, machine, daemon }) {
    const { host, port, landingPort, tls } = config.http
    // The page that explains the certificate is there only where there is one.
    const lands = tls === 'files' || (tls === 'auto' && !isLoopback(host))
    const addresses: Address[] = [
      { what: 'HTTP', port, key: 'http.port' },
      {
        what: 'the page about the certificate',
        port: lands ? (landingPort ?? 0) : 0,
        key: 'http.landingPort',
      },
      ...config.mqtt.listeners.map(({ port }) => ({ what: 'MQTT', port, key: 'mqtt.listeners' })),
    ]
    const own = daemon.runs ? socketHolders(machine, socketsAt(machine, config.controlSocket)) : []
    return addresses
      .filter(({ port }) => port !== 0)
      .map(({ what, port, key }): Found => {
        const inodes = listenersOn(machine, port)
        if (inodes.length === 0) {
          if (!daemon.runs) return fine(`port ${port} is free for ${what}`)
          return warning(
            `the daemon runs and does not listen on port ${port} for ${what}`,
            'its log says why: journalctl -u pixelgate',
          )
        }
        const holders = socketHolders(machine, inodes)
        if (holders.some(({ pid }) => own.some(each => each.pid === pid)))
          return fine(`port ${port} is the daemon's, for ${what}`)
        // Nobody sees the sockets of another user; then the daemon is as good a guess as any.
        if (daemon.runs && (own.length === 0 || holders.length === 0))
          return fine(`port ${port} is taken, by the daemon as far as ${machine.userName} can see`)
        const who =
          holders.map(({ name, pid }) => `${name} (${pid})`).join(', ') || 'a program of another user'
        const cure = `end that program, or set ${key} to another port${holders.length === 0 ? '; sudo pixelgate doctor names it' : ''}`
        // An address that nobody chose is left out by the daemon, with a warning.
        const chosen = (config.origin.get(key)?.layer ?? 'default') !== 'default'
        return (chosen ? problem : warning)(`port ${port}, wanted for ${what}, is taken by ${who}`, cure)
      })
  },
}
