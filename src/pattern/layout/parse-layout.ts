import { fail, type Result } from '../../kernel/result.ts'
import type { PatternFault } from '../fault.ts'
import { placeCells, placeMatrix } from './cells.ts'
import { createLayout, type Layout } from './layout.ts'
import { type LayoutForm, layoutForm } from './layout-forms.ts'
import { placePanels } from './panels.ts'
import type { Placed } from './placed.ts'
import { placeRays, placeRings } from './round.ts'

/** A layout from its JSON text. Fault `bad_request` says where it is wrong. */
export function layoutFromText(text: string): Result<Layout, PatternFault> {
  let form: unknown
  try {
    form = JSON.parse(text)
  } catch (thrown) {
    return refuse(`it is no JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
  return parseLayout(form)
}

/** A layout from one of the forms of layout-forms.ts. */
export function parseLayout(form: unknown): Result<Layout, PatternFault> {
  const parsed = layoutForm.safeParse(form)
  if (!parsed.success) {
    const issues = parsed.error.issues
      .slice(0, 3)
      .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    return refuse(issues.join('; '))
  }
  const placed = place(parsed.data)
  if (typeof placed === 'string') return refuse(placed)
  const { width, height } = placed
  const { flip = '' } = parsed.data
  const cells = placed.cells.map(
    ([x, y]) => [flip.includes('x') ? width - 1 - x : x, flip.includes('y') ? height - 1 - y : y] as const,
  )
  return createLayout(width, height, cells)
}

function place(form: LayoutForm): Placed {
  switch (form.kind) {
    case 'matrix':
      return placeMatrix(form)
    case 'cells':
      return placeCells(form)
    case 'rings':
      return placeRings(form)
    case 'rays':
      return placeRays(form)
    case 'panels':
      return placePanels(form)
  }
}

const refuse = (message: string): Result<never, PatternFault> =>
  fail({ kind: 'bad_request', message: `layout: ${message}` })
