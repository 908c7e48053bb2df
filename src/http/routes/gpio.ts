import { Router } from '@koa/router'
import { AppError } from '../../kernel/errors.ts'
import { type GpioView, simulateLine } from '../../wire/gpio.ts'
import type { ApiDeps } from '../api-deps.ts'
import { readJson } from '../read-body.ts'
import { requireRole } from '../require-role.ts'

/** The pins, as far as the API reaches them. */
export interface GpioControl {
  view(): GpioView
  /** Rejects with `not_found`, or with `conflict` where the pins are real. */
  simulate(name: string, action: 'press' | 'down' | 'up'): Promise<void>
  /** false: the board has no reset line. Rejects with `gpio_failed`. */
  resetBoard(boardId: string): Promise<boolean>
}

export function gpioRoutes({ core, gpio }: Pick<ApiDeps, 'core'> & { readonly gpio: GpioControl }): Router {
  const router = new Router()

  router.get('/gpio', ctx => {
    requireRole(ctx, 'viewer')
    ctx.body = gpio.view()
  })

  /** Answers when the button has settled, with the line as it is then. */
  router.post('/gpio/:name/simulate', async ctx => {
    requireRole(ctx, 'operator')
    const { action } = await readJson(ctx, simulateLine)
    const name = ctx.params['name'] ?? ''
    await gpio.simulate(name, action)
    ctx.body = { line: gpio.view().lines.find(line => line.name === name) }
  })

  router.post('/boards/:id/reset', async ctx => {
    requireRole(ctx, 'operator')
    const { id, name } = await core.book.find(ctx.params['id'] ?? '')
    if (!(await gpio.resetBoard(id))) throw noLine(name, gpio.view())
    ctx.body = { reset: true, boardId: id }
  })
  return router
}

const noLine = (board: string, { enabled }: GpioView): AppError =>
  new AppError(
    'conflict',
    enabled
      ? `No reset line of "${board}" is configured. Name its line under gpio.resetLines, or press the board's own button.`
      : `GPIO is not enabled here, so "${board}" has no reset line. Set gpio.enabled and gpio.resetLines, or press the board's own button.`,
  )
