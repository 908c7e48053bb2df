import { z } from 'zod'
import { pageShape } from './page.ts'

/** Body of POST /ports. */
export const portApproval = z.strictObject({
  path: z.string().min(1).max(256).describe('Path or stable id, as GET /ports shows it'),
  baudRate: z.int().min(300).max(20_000_000).default(115_200),
})
export type PortApprovalBody = z.input<typeof portApproval>

/** Body of POST /ports/loan. */
export const portLoan = z.strictObject({
  path: z.string().min(1).max(256).describe('Path of the device or of a link to it'),
})

/** The one line that a loan says; it lasts until the connection ends. */
export interface LoanLine {
  /** false: the gateway does not use this port. */
  readonly lent: boolean
}

export const portView = z
  .object({
    path: z.string(),
    stableId: z
      .string()
      .nullable()
      .describe('Stays the same wherever the device is plugged in; null: it has none'),
    manufacturer: z.string().nullable(),
    vendorId: z.string().nullable(),
    productId: z.string().nullable(),
    serialNumber: z.string().nullable(),
    open: z.boolean(),
    reason: z
      .enum(['bridge', 'configured', 'approved', 'any_usb', 'not_approved', 'not_usb', 'discovery_off'])
      .describe('Why it is open, or why not'),
    trouble: z.string().nullable().describe('Why it cannot be used; null: it can'),
  })
  .readonly()
  .meta({ id: 'Port', description: 'A serial port of the gateway' })
export type PortView = z.output<typeof portView>

/** Answer of GET /ports. */
export const portsView = z.object({ ports: z.array(portView).readonly(), ...pageShape }).readonly()
