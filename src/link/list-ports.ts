import { readdir, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SerialPort } from 'serialport'

/** A serial port that exists, found without opening it. */
export interface SerialPortInfo {
  readonly path: string
  /**
   * A name that follows the device: its link in /dev/serial/by-id. A device without a serial number shares that link with
   * its twins, so its socket (/dev/serial/by-path) names it where possible. Undefined for on-board UARTs.
   */
  readonly stableId: string | undefined
  /** Every link in /dev/serial that leads here, and configured paths that do. */
  readonly links: readonly string[]
  readonly manufacturer: string | undefined
  /** Four hexadecimal digits, as the two below come from the USB descriptor. */
  readonly vendorId: string | undefined
  readonly productId: string | undefined
  readonly serialNumber: string | undefined
}

type Usb = Pick<SerialPortInfo, 'manufacturer' | 'vendorId' | 'productId' | 'serialNumber'>
interface Found extends Partial<Usb> {
  readonly path: string
}

export interface ListPortsOptions {
  /** Paths from the configuration; those that exist are listed even if no scan finds them. */
  readonly configured?: readonly string[]
  /** Default: the binding's list, which asks udevadm. */
  readonly list?: () => Promise<readonly Found[]>
  readonly devFolder?: string
  readonly sysFolder?: string
}

/** Lists serial ports. Never rejects: without udevadm the kernel's own tables are read. */
export async function listPorts(options: ListPortsOptions = {}): Promise<SerialPortInfo[]> {
  const { configured = [], devFolder = '/dev', sysFolder = '/sys', list = () => SerialPort.list() } = options
  const found = new Map<string, Found>()
  const scanned = await list().catch(() => scanKernel(devFolder, sysFolder))
  for (const port of scanned) if (!(await isGhost(port.path, sysFolder))) found.set(port.path, port)
  const links = await serialLinks(devFolder)
  for (const path of configured) {
    const device = await realpath(path).catch(() => undefined)
    if (device === undefined) continue
    if (!found.has(device)) found.set(device, { path: device })
    if (device !== path) links.push({ link: path, device })
  }
  return [...found.values()]
    .map(port =>
      describe(port, [
        ...new Set(links.filter(entry => entry.device === port.path).map(entry => entry.link)),
      ]),
    )
    .sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }))
}

function describe(port: Found, links: readonly string[]): SerialPortInfo {
  const { path, manufacturer, vendorId, productId, serialNumber } = port
  const byId = links.find(link => link.includes('/serial/by-id/'))
  const byPath = links.find(link => link.includes('/serial/by-path/'))
  const stableId = serialNumber ? (byId ?? byPath) : (byPath ?? byId)
  return { path, stableId, links, manufacturer, vendorId, productId, serialNumber }
}

async function serialLinks(devFolder: string): Promise<{ link: string; device: string }[]> {
  const links: { link: string; device: string }[] = []
  for (const kind of ['by-id', 'by-path']) {
    const folder = join(devFolder, 'serial', kind)
    for (const name of await namesIn(folder)) {
      const link = join(folder, name)
      const device = await realpath(link).catch(() => undefined)
      if (device !== undefined) links.push({ link, device })
    }
  }
  return links
}

/** What the 8250 driver has reserved without a UART behind it. */
const isGhost = async (path: string, sysFolder: string): Promise<boolean> =>
  (await deviceOf(basename(path), sysFolder))?.includes('serial8250') === true

const deviceOf = (name: string, sysFolder: string): Promise<string | undefined> =>
  realpath(join(sysFolder, 'class/tty', name, 'device')).catch(() => undefined)

/** Terminals with a device behind them. */
async function scanKernel(devFolder: string, sysFolder: string): Promise<Found[]> {
  const found: Found[] = []
  for (const name of await namesIn(join(sysFolder, 'class/tty'))) {
    const device = await deviceOf(name, sysFolder)
    if (device === undefined) continue
    found.push({ path: join(devFolder, name), ...(await usbDescriptor(device, sysFolder)) })
  }
  return found
}

/** The descriptor of the nearest parent that is a USB device. */
async function usbDescriptor(device: string, sysFolder: string): Promise<Partial<Usb>> {
  const root = await realpath(sysFolder)
  for (let folder = device; folder.startsWith(`${root}/`); folder = dirname(folder)) {
    const vendorId = await attribute(folder, 'idVendor')
    if (vendorId === undefined) continue
    return {
      vendorId,
      productId: await attribute(folder, 'idProduct'),
      serialNumber: await attribute(folder, 'serial'),
      manufacturer: await attribute(folder, 'manufacturer'),
    }
  }
  return {}
}

const attribute = (folder: string, name: string): Promise<string | undefined> =>
  readFile(join(folder, name), 'utf8').then(
    text => text.trim() || undefined,
    () => undefined,
  )

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])
