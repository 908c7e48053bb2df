import { AppError } from '../../kernel/errors.ts'
import { listPorts } from '../../link/list-ports.ts'
import type { PortApprovalBody, PortView } from '../../wire/port.ts'
import type { Command, OptionValues, Surroundings } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { flag, whole } from '../option-values.ts'
import { textTable } from '../text-table.ts'

const reasons: Readonly<Record<string, string>> = {
  bridge: 'open: bridged to MQTT (pixelgate bridges)',
  configured: 'open: in the configuration',
  approved: 'open: approved',
  any_usb: 'open: discovery is "all"',
  not_approved: 'closed: not approved (pixelgate ports approve PATH)',
  not_usb: 'closed: not a USB device',
  discovery_off: 'closed: discovery is "off"',
  unknown: 'the daemon does not run',
}

export const ports: Command = {
  name: 'ports',
  summary: 'List serial ports without opening them; allow or forbid one',
  operands: '[approve|revoke PATH]',
  operandCount: [0, 2],
  options: {
    baud: { type: 'string', value: 'N', help: 'rate of an approved port; default 115200' },
    json: { type: 'boolean', help: 'JSON' },
    ...daemonOptions,
  },
  examples: ['pixelgate ports', 'pixelgate ports approve /dev/ttyUSB0 --baud 500000'],
  async run([verb, path], options, surroundings) {
    const { stdout } = surroundings
    if (verb !== undefined) {
      if ((verb !== 'approve' && verb !== 'revoke') || path === undefined)
        throw new AppError('usage', 'Write: pixelgate ports approve|revoke PATH')
      const client = await controlClient(options, surroundings)
      const body: PortApprovalBody = {
        path,
        ...(whole(options, 'baud', 300, 20_000_000) !== undefined && {
          baudRate: whole(options, 'baud', 300, 20_000_000),
        }),
      }
      if (verb === 'approve') await client.post('/ports', body)
      else await client.delete(`/ports?path=${encodeURIComponent(path)}`)
      stdout.write(
        flag(options, 'json')
          ? `${JSON.stringify({ path, approved: verb === 'approve' })}\n`
          : `${path}: ${verb === 'approve' ? 'approved' : 'no longer approved'}\n`,
      )
      return 0
    }
    const found = await portViews(options, surroundings)
    if (flag(options, 'json')) stdout.write(`${JSON.stringify({ ports: found })}\n`)
    else if (found.length === 0) stdout.write('No serial port found. Plug a board in.\n')
    else
      stdout.write(
        textTable(
          ['path', 'device', 'state'],
          found.map(port => [
            port.path,
            port.stableId ?? port.manufacturer ?? '',
            port.trouble ?? reasons[port.reason] ?? port.reason,
          ]),
        ),
      )
    return 0
  },
}

/** `unknown`: there is no daemon that could say. */
type SeenPort = Omit<PortView, 'reason'> & { readonly reason: PortView['reason'] | 'unknown' }

/** The daemon knows which ports it may open; without it the list is all there is. */
async function portViews(options: OptionValues, surroundings: Surroundings): Promise<readonly SeenPort[]> {
  try {
    return await (await controlClient(options, surroundings)).list<PortView>('/ports', 'ports')
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'daemon_unreachable') throw thrown
    const found = await listPorts()
    return found.map(({ path, stableId, manufacturer, vendorId, productId, serialNumber }) => ({
      path,
      stableId: stableId ?? null,
      manufacturer: manufacturer ?? null,
      vendorId: vendorId ?? null,
      productId: productId ?? null,
      serialNumber: serialNumber ?? null,
      open: false,
      reason: 'unknown',
      trouble: null,
    }))
  }
}
