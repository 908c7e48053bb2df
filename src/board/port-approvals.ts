import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import type { SerialPortInfo } from '../link/list-ports.ts'
import type { Store } from '../store/store.ts'
import type { ApprovedPort } from './connections.ts'

const defaultBaudRate = 115_200

/** The ports that a person allowed the gateway to open. An approval sticks to the device where it has a stable id. */
export class PortApprovals {
  readonly #store: Store
  readonly #clock: Clock

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  async list(): Promise<readonly ApprovedPort[]> {
    return (await this.#store.approvedPorts.list()).map(({ path, baudRate }) => ({
      id: path,
      baudRate: baudRate ?? defaultBaudRate,
    }))
  }

  /** `path` may be a path, a link or a stable id of one of `ports`; another path is taken as it is, for a port that will come. */
  async approve(path: string, baudRate: number, ports: readonly SerialPortInfo[]): Promise<void> {
    const id = idOf(path, ports)
    if (!id.startsWith('/dev/'))
      throw new AppError('usage', `A port is a path such as /dev/ttyUSB0, not "${path}".`)
    await this.#store.approvedPorts.approve({
      path: id,
      kind: 'serial',
      baudRate,
      approvedMs: this.#clock.wallTime(),
    })
  }

  async revoke(path: string, ports: readonly SerialPortInfo[]): Promise<void> {
    const found =
      (await this.#store.approvedPorts.revoke(idOf(path, ports))) ||
      (await this.#store.approvedPorts.revoke(path))
    if (!found) throw new AppError('not_found', `${path} was not approved. See: pixelgate ports`)
  }
}

function idOf(path: string, ports: readonly SerialPortInfo[]): string {
  const port = ports.find(port => port.path === path || port.stableId === path || port.links.includes(path))
  return port?.stableId ?? port?.path ?? path
}
