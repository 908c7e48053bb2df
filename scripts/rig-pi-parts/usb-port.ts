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

/** `device`: a terminal of this machine at the far end of the line; absent: nobody. */
export async function plugAdapter(
  { qmp }: Machine,
  serialNumber: string,
  device?: string,
): Promise<UsbAdapter> {
  const id = `adapter${++plugged}`
  const chardev = `${id}-line`
  const backend = device === undefined ? { type: 'null', data: {} } : { type: 'serial', data: { device } }
  await qmp.ask('chardev-add', { id: chardev, backend })
  await qmp.ask('device_add', { driver: 'usb-serial', id, chardev, bus: 'usb.0', serial: serialNumber })
  return {
    serialNumber,
    unplug: async () => {
      await qmp.ask('device_del', { id })
      await qmp.event(
        ({ event, data }) => event === 'DEVICE_DELETED' && data?.['device'] === id,
        unplugTimeoutMs,
      )
      await qmp.ask('chardev-remove', { id: chardev })
    },
  }
}
