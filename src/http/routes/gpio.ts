import { z } from 'zod'
import { AppError } from '../../kernel/errors.ts'
import type { BoardLog } from '../../upload/board-log.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import {
  type GpioView,
  gpioLineView,
  gpioPageView,
  pulseLine,
  setLine,
  simulateLine,
} from '../../wire/gpio.ts'
import { actorOf } from '../actor-of.ts'
import { json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

/** The pins, as far as the API reaches them. */
export interface GpioControl {
  view(): GpioView
  /** Rejects with `not_found`, or with `conflict` where the pins are real. */
  simulate(name: string, action: 'press' | 'down' | 'up'): Promise<void>
  /** Switches an output. Rejects with `not_found`, `conflict` for any other line, or `gpio_failed`. */
  set(name: string, active: boolean): Promise<void>
  /** Resolves at the end of the pulse. Rejects as `set` does, and with `invalid` or `cancelled`. */
  pulse(name: string, ms: number): Promise<void>
  /** false: the board has no reset line. Rejects with `gpio_failed`. */
  resetBoard(boardId: string): Promise<boolean>
}

export interface GpioDeps {
  readonly core: Pick<GatewayCore, 'book'>
  readonly gpio: GpioControl
  readonly boardLog: Pick<BoardLog, 'add'>
}

export const gpioOperations = ({ core, gpio, boardLog }: GpioDeps): readonly Operation[] => [
  operation({
    id: 'getGpio',
    method: 'get',
    path: '/gpio',
    tag: 'gpio',
    summary: 'Buttons, status LED, reset lines, inputs and outputs',
    access: 'viewer',
    query: paging,
    answers: { 200: json(gpioPageView, 'A page of the lines') },
    run({ query }) {
      const { lines, ...rest } = gpio.view()
      const { items, total, nextCursor } = pageOf(lines, query, ({ name }) => name)
      return { ...rest, lines: items, total, nextCursor }
    },
  }),

  operation({
    id: 'getBoardGpio',
    method: 'get',
    path: '/boards/:id/gpio',
    tag: 'boards',
    summary: 'Buttons and the reset line that act on a board',
    description: 'A button without a board of its own acts on all of them.',
    access: 'viewer',
    query: paging,
    answers: { 200: json(gpioPageView, 'A page of the lines') },
    errors: ['not_found'],
    async run({ params, query }) {
      const { id } = await core.book.find(params.id)
      const { lines, ...rest } = gpio.view()
      const own = lines.filter(
        ({ boardId, role }) => boardId === id || (boardId === null && role === 'button'),
      )
      const { items, total, nextCursor } = pageOf(own, query, ({ name }) => name)
      return { ...rest, lines: items, total, nextCursor }
    },
  }),

  operation({
    id: 'simulateGpioLine',
    method: 'post',
    path: '/gpio/:name/simulate',
    tag: 'gpio',
    summary: 'Press a button whose pins are in memory',
    description: 'Answers when the button has settled, with the line as it is then.',
    access: 'operator',
    params: { name: 'Name of the line, as GET /gpio shows it' },
    body: simulateLine,
    answers: { 200: json(z.object({ line: gpioLineView }), 'The line as it is now') },
    errors: ['not_found', 'conflict', 'overloaded'],
    async run(call) {
      const { name } = call.params
      await gpio.simulate(name, call.body.action)
      call.changed({ resource: `gpio/${name}`, after: call.body })
      return { line: lineOf(gpio, name) }
    },
  }),

  operation({
    id: 'setGpioLine',
    method: 'post',
    path: '/gpio/:name/set',
    tag: 'gpio',
    summary: 'Switch an output on or off',
    description: 'Only outputs of `gpio.lines` can be switched. It ends a pulse that is under way.',
    access: 'operator',
    params: { name: 'Name of the line, as GET /gpio shows it' },
    body: setLine,
    answers: { 200: json(z.object({ line: gpioLineView }), 'The line as it is now') },
    errors: ['not_found', 'conflict', 'gpio_failed'],
    async run(call) {
      const { name } = call.params
      await gpio.set(name, call.body.active)
      call.changed({ resource: `gpio/${name}`, after: call.body })
      return { line: lineOf(gpio, name) }
    },
  }),

  operation({
    id: 'pulseGpioLine',
    method: 'post',
    path: '/gpio/:name/pulse',
    tag: 'gpio',
    summary: 'Switch an output on for a while',
    description: 'Answers at the end of the pulse, with the line as it is then.',
    access: 'operator',
    params: { name: 'Name of the line, as GET /gpio shows it' },
    body: pulseLine,
    answers: { 200: json(z.object({ line: gpioLineView }), 'The line as it is now') },
    errors: ['not_found', 'conflict', 'invalid', 'cancelled', 'gpio_failed'],
    async run(call) {
      const { name } = call.params
      await gpio.pulse(name, call.body.ms)
      call.changed({ resource: `gpio/${name}`, after: call.body })
      return { line: lineOf(gpio, name) }
    },
  }),

  operation({
    id: 'resetBoard',
    method: 'post',
    path: '/boards/:id/reset',
    tag: 'boards',
    summary: 'Pull the reset line of a board',
    access: 'operator',
    answers: { 200: json(z.object({ reset: z.literal(true), boardId: z.string() }), 'It was pulled') },
    errors: ['conflict', 'gpio_failed'],
    async run(call) {
      const { id, name } = await core.book.find(call.params.id)
      if (!(await gpio.resetBoard(id))) throw noLine(name, gpio.view())
      const by = actorOf(call.principal)
      boardLog.add({ boardId: id, kind: 'reset', message: 'The reset line was pulled.', by })
      call.changed({ resource: `boards/${id}`, after: { reset: true } })
      return { reset: true, boardId: id }
    },
  }),
]

const lineOf = (gpio: GpioControl, name: string) => gpio.view().lines.find(line => line.name === name)

const noLine = (board: string, { enabled }: GpioView): AppError =>
  new AppError(
    'conflict',
    enabled
      ? `No reset line of "${board}" is configured. Name its line under gpio.resetLines, or press the board's own button.`
      : `GPIO is not enabled here, so "${board}" has no reset line. Set gpio.enabled and gpio.resetLines, or press the board's own button.`,
  )
