import type { Machine } from './machine.ts'

const unplugTimeoutMs = 10_000

/** A serial adapter in a socket of the machine's xHCI controller: an FT232 to the guest. */
export interface UsbAdapter {
  /** The adapter's, as in the link under /dev/serial/by-id. */
  readonly serialNumber: string
  /** The cable is pulled; resolves as soon as QEMU has taken the device away. */
  unplug(): Promise<void>
}

let plugged = 0
/** Ends of lines by the terminal that they lead to. They stay: QEMU 7.2 dies of a removed one that had bytes to write. */
const lines = new WeakMap<Machine, Map<string, string>>()

/** `device`: a terminal of this machine at the far end of the line; absent: nobody. */
export async function plugAdapter(
  machine: Machine,
  serialNumber: string,
  device = 'nobody',
): Promise<UsbAdapter> {
  const { qmp } = machine
  const id = `adapter${++plugged}`
  const known = lines.get(machine) ?? new Map<string, string>()
  lines.set(machine, known)
  const chardev = known.get(device) ?? `line${plugged}`
  if (!known.has(device)) {
    const backend =
      device === 'nobody'
        ? { type: 'file', data: { out: '/dev/null' } }
        : { type: 'serial', data: { device } }
    await qmp.ask('chardev-add', { id: chardev, backend })
    known.set(device, chardev)
  }
  await qmp.ask('device_add', { driver: 'usb-serial', id, chardev, bus: 'usb.0', serial: serialNumber })
  return {
    serialNumber,
    unplug: async () => {
      await qmp.ask('device_del', { id })
      await qmp.event(
        ({ event, data }) => event === 'DEVICE_DELETED' && data?.['device'] === id,
        unplugTimeoutMs,
      )
    },
  }
}
