import type { BoardChange, BoardLayout, ChangeTerms, KnownBoard } from '../../board/board-book.ts'
import { AppError } from '../../kernel/errors.ts'
import { boardId } from '../../kernel/ids.ts'
import { parseLayout } from '../../pattern/layout/parse-layout.ts'
import { defaultMaPerChannel, idleMaPerLed } from '../../pattern/power.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import { unwrap } from '../../upload/unwrap.ts'
import {
  type BoardPower,
  type BoardWiring,
  boardPower,
  boardPowerChange,
  boardWiring,
} from '../../wire/board.ts'
import { actorOf } from '../actor-of.ts'
import { type Call, json, type Operation, operation } from '../api/operation.ts'
import { demandMatch } from '../api/preconditions.ts'

/** A list of 65,535 cells. */
export const maxLayoutBytes = 1024 * 1024

/** How pictures become LEDs of a board, and what they may draw. */
export const boardProfileOperations = ({ book }: Pick<GatewayCore, 'book'>): readonly Operation[] => {
  /** Changes the board as it was read, and tells the audit log. */
  const change = async (
    call: Call<{ readonly id: string }>,
    changed: BoardChange,
    view: (board: KnownBoard) => BoardWiring | BoardPower,
  ) => {
    const { id } = await book.find(call.params.id)
    let before: object = {}
    const demand: ChangeTerms['demand'] = known => {
      before = settingsOf(known)
      demandMatch(call.ifMatch, view(known))
    }
    const board = await book.change(boardId(id), changed, { by: actorOf(call.principal), demand })
    call.changed({ resource: `boards/${id}`, before, after: settingsOf(board) })
    return view(board)
  }
  return [
    operation({
      id: 'getBoardWiring',
      method: 'get',
      path: '/boards/:id/wiring',
      tag: 'boards',
      summary: 'Geometry, wiring and order of colours of a board',
      access: 'viewer',
      answers: { 200: json(boardWiring, 'As PUT takes it') },
      errors: ['conflict'],
      run: async ({ params }) => wiringOf(await book.find(params.id)),
    }),

    operation({
      id: 'setBoardWiring',
      method: 'put',
      path: '/boards/:id/wiring',
      tag: 'boards',
      summary: 'Set geometry, wiring and order of colours of a board',
      description:
        'The whole of it, as GET gives it out. Under a layout width and height are those of its canvas (or 0), and wiring stays as it was. With If-Match it is set only as it was read.',
      access: 'operator',
      body: boardWiring,
      maxBodyBytes: maxLayoutBytes,
      answers: { 200: json(boardWiring, 'As it is now') },
      errors: ['usage', 'conflict', 'precondition_failed'],
      run: call => change(call, wiringChange(call.body), wiringOf),
    }),

    operation({
      id: 'getBoardPower',
      method: 'get',
      path: '/boards/:id/power',
      tag: 'boards',
      summary: 'The power cap of a board and what is counted against it',
      access: 'viewer',
      answers: { 200: json(boardPower, 'The power profile') },
      errors: ['conflict'],
      run: async ({ params }) => powerOf(await book.find(params.id)),
    }),

    operation({
      id: 'setBoardPower',
      method: 'put',
      path: '/boards/:id/power',
      tag: 'boards',
      summary: 'Set the power cap of a board',
      description:
        'Patterns that would draw more are refused, or dimmed when that was asked for. It counts from the next upload. With If-Match it is set only as it was read.',
      access: 'operator',
      body: boardPowerChange,
      answers: { 200: json(boardPower, 'As it is now') },
      errors: ['conflict', 'precondition_failed'],
      run: call => change(call, { powerCapMa: call.body.capMa }, powerOf),
    }),
  ]
}

/** What a person may change of a board, for the audit log; of a layout, which may be a megabyte, the kind. */
export function settingsOf(board: KnownBoard): Readonly<Record<string, unknown>> {
  const { name, powerCapMa } = board
  const { layout, ...wiring } = wiringOf(board)
  return { name, ...wiring, layout: layout?.kind ?? null, powerCapMa }
}

/** Throws `usage` with what is wrong with it. */
export function checkedLayout(form: object): BoardLayout {
  const { width, height, leds } = unwrap(parseLayout(form))
  return { json: JSON.stringify(form), width, height, leds }
}

const wiringOf = ({ width, height, wiring, colorOrder, layoutJson }: KnownBoard): BoardWiring => ({
  width,
  height,
  wiring,
  colorOrder: colorOrder as BoardWiring['colorOrder'],
  layout: layoutJson === null ? null : (JSON.parse(layoutJson) as BoardWiring['layout']),
})

function wiringChange({ layout: form, ...plain }: BoardWiring): BoardChange {
  if (form === null) return { ...plain, layout: null }
  const layout = checkedLayout(form)
  const { width, height, colorOrder } = plain
  const fits = (width === 0 && height === 0) || (width === layout.width && height === layout.height)
  if (!fits)
    throw new AppError(
      'invalid',
      `The canvas of the layout has ${layout.width}×${layout.height} cells. Give these as width and height, or 0.`,
    )
  return { layout, colorOrder }
}

function powerOf({ leds, colorOrder, powerCapMa, capsJson }: KnownBoard): BoardPower {
  const { maxPowerMa = 0 } = JSON.parse(capsJson) as { readonly maxPowerMa?: number }
  const boardCapMa = maxPowerMa === 0 ? null : maxPowerMa
  const channels = colorOrder.length
  return {
    capMa: powerCapMa,
    boardCapMa,
    effectiveCapMa: powerCapMa ?? boardCapMa,
    leds,
    channels,
    maPerChannel: defaultMaPerChannel,
    idleMaPerLed,
    fullMa: leds * (idleMaPerLed + channels * defaultMaPerChannel),
  }
}
