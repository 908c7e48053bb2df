import { PassThrough } from 'node:stream'
import { z } from 'zod'
import type { Connections } from '../../board/connections.ts'
import type { PortApprovals } from '../../board/port-approvals.ts'
import { type LoanLine, type PortView, portApproval, portLoan, portsView } from '../../wire/port.ts'
import { bytes, empty, json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

export interface PortDeps {
  readonly connections: Connections
  readonly approvals: PortApprovals
}

const onePort = z.strictObject({ path: z.string().min(1).max(256).describe('As GET /ports shows it') })

export const portOperations = ({ connections, approvals }: PortDeps): readonly Operation[] => {
  const known = async () => (await connections.ports()).map(({ port }) => port)
  return [
    operation({
      id: 'listPorts',
      method: 'get',
      path: '/ports',
      tag: 'ports',
      summary: 'Serial ports of the gateway, and which are open',
      access: 'viewer',
      query: paging.extend({
        cursor: z.string().min(1).max(256).optional(),
        before: z.string().min(1).max(256).optional(),
      }),
      answers: { 200: json(portsView, 'A page of the ports') },
      async run({ query }) {
        const { items, total, nextCursor } = pageOf(await connections.ports(), query, ({ port }) => port.path)
        return { ports: items.map(portView), total, nextCursor }
      },
    }),

    operation({
      id: 'approvePort',
      method: 'post',
      path: '/ports',
      tag: 'ports',
      summary: 'Allow the gateway to open a serial port',
      description: 'The approval sticks to the device where it has a stable id.',
      access: 'admin',
      body: portApproval,
      answers: { 204: empty('It is allowed') },
      errors: ['usage'],
      async run(call) {
        const { path, baudRate } = call.body
        await approvals.approve(path, baudRate, await known())
        await connections.refresh()
        call.changed({ resource: `ports/${path}`, after: { baudRate } })
      },
    }),

    operation({
      id: 'revokePort',
      method: 'delete',
      path: '/ports',
      tag: 'ports',
      summary: 'Let go of a serial port and do not open it again',
      access: 'admin',
      query: onePort,
      answers: { 204: empty('It is not allowed any more') },
      errors: ['not_found'],
      async run(call) {
        const { path } = call.query
        await approvals.revoke(path, await known())
        await connections.refresh()
        call.changed({ resource: `ports/${path}` })
      },
    }),

    operation({
      id: 'lendPort',
      method: 'post',
      path: '/ports/loan',
      tag: 'ports',
      summary: 'Let go of a serial port for as long as the answer is read',
      description:
        'For somebody who writes firmware; 15 min at most. The one line is `{"lent":true}`, or `{"lent":false}` and the end where the gateway does not use the port.',
      access: 'admin',
      lasting: true,
      body: portLoan,
      answers: { 200: bytes('application/x-ndjson', 'One line; the port comes back when the answer ends') },
      errors: ['conflict'],
      repeatable: false,
      // The loan lasts as long as the answer: whoever dies with the port gives it back.
      async stream(ctx, call) {
        const { path } = call.body
        const giveBack = await connections.lend(path)
        const stream = new PassThrough()
        stream.once('close', () => void giveBack?.())
        ctx.req.once('close', () => stream.destroy())
        const line: LoanLine = { lent: giveBack !== undefined }
        stream.write(`${JSON.stringify(line)}\n`)
        if (giveBack === undefined) stream.end()
        ctx.type = 'application/x-ndjson'
        ctx.body = stream
        call.changed({ resource: `ports/${path}`, after: line })
      },
    }),
  ]
}

const portView = ({
  port,
  open,
  reason,
  trouble,
}: Awaited<ReturnType<Connections['ports']>>[number]): PortView => ({
  path: port.path,
  stableId: port.stableId ?? null,
  manufacturer: port.manufacturer ?? null,
  vendorId: port.vendorId ?? null,
  productId: port.productId ?? null,
  serialNumber: port.serialNumber ?? null,
  open,
  reason,
  trouble: trouble?.message ?? null,
})
