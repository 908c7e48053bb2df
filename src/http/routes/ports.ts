import { PassThrough } from 'node:stream'
import { Router } from '@koa/router'
import { z } from 'zod'
import { type LoanLine, type PortView, portApproval, portLoan } from '../../wire/board.ts'
import type { ApiDeps } from '../api-deps.ts'
import { readJson } from '../read-body.ts'
import { readQuery } from '../read-query.ts'

export function portRoutes({ connections, approvals }: ApiDeps): Router {
  const router = new Router()
  router.get('/ports', async ctx => {
    const ports = (await connections.ports()).map(
      ({ port, open, reason, trouble }): PortView => ({
        path: port.path,
        stableId: port.stableId ?? null,
        manufacturer: port.manufacturer ?? null,
        vendorId: port.vendorId ?? null,
        productId: port.productId ?? null,
        serialNumber: port.serialNumber ?? null,
        open,
        reason,
        trouble: trouble?.message ?? null,
      }),
    )
    ctx.body = { ports }
  })

  const known = async () => (await connections.ports()).map(({ port }) => port)

  router.post('/ports', async ctx => {
    const { path, baudRate } = await readJson(ctx, portApproval)
    await approvals.approve(path, baudRate, await known())
    await connections.refresh()
    ctx.status = 204
  })

  router.delete('/ports', async ctx => {
    const { path } = readQuery(ctx, z.strictObject({ path: z.string().min(1).max(256) }))
    await approvals.revoke(path, await known())
    await connections.refresh()
    ctx.status = 204
  })

  // The loan lasts as long as the answer: whoever dies with the port gives it back.
  router.post('/ports/loan', async ctx => {
    const { path } = await readJson(ctx, portLoan)
    const giveBack = await connections.lend(path)
    const stream = new PassThrough()
    stream.once('close', () => void giveBack?.())
    ctx.req.once('close', () => stream.destroy())
    const line: LoanLine = { lent: giveBack !== undefined }
    stream.write(`${JSON.stringify(line)}\n`)
    if (giveBack === undefined) stream.end()
    ctx.type = 'application/x-ndjson'
    ctx.body = stream
  })
  return router
}
