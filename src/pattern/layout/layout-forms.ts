import { z } from 'zod'
import { type Wiring, wirings } from '../wiring.ts'

const side = z.int().min(1).max(4096)
const wiring = z.custom<Wiring>(text => wirings.some(known => known === text), {
  error: 'expected a wiring such as row-serpentine-tl',
})
const degrees = z.number().min(-360).max(360)
const radius = z.number().min(0).max(4096)
const direction = z.enum(['cw', 'ccw'])

/** Every kind of layout in JSON; docs/formats.md says it in words. */
export const layoutForm = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('matrix'),
    width: side,
    height: side,
    wiring: wiring.default('row-straight-tl'),
    flip: z.enum(['x', 'y', 'xy']).optional(),
  }),
  z.strictObject({
    kind: z.literal('cells'),
    width: side.optional(),
    height: side.optional(),
    /** [x, y] of each LED in the order of the strip. */
    cells: z
      .array(z.tuple([z.int(), z.int()]))
      .min(1)
      .max(65_535)
      .optional(),
    /** Rows of the canvas from the top: `.` or a space is no LED, anything else is one. */
    mask: z.union([z.string().min(1), z.array(z.string()).min(1).max(4096)]).optional(),
    /** How the strip runs over the cells of the mask. */
    wiring: wiring.optional(),
    flip: z.enum(['x', 'y', 'xy']).optional(),
  }),
  z.strictObject({
    kind: z.literal('rings'),
    /** In the order of the strip. */
    rings: z
      .array(
        z.strictObject({
          leds: z.int().min(1).max(65_535),
          radius: radius.optional(),
          startDeg: degrees.optional(),
          direction: direction.optional(),
        }),
      )
      .min(1)
      .max(256),
    startDeg: degrees.default(0),
    direction: direction.default('cw'),
    width: side.optional(),
    height: side.optional(),
    flip: z.enum(['x', 'y', 'xy']).optional(),
  }),
  z.strictObject({
    kind: z.literal('rays'),
    rays: z.int().min(1).max(4096),
    ledsPerRay: z.int().min(1).max(4096),
    innerRadius: radius.default(1),
    outerRadius: radius.optional(),
    startDeg: degrees.default(0),
    direction: direction.default('cw'),
    run: z.enum(['outward', 'inward', 'serpentine']).default('outward'),
    width: side.optional(),
    height: side.optional(),
    flip: z.enum(['x', 'y', 'xy']).optional(),
  }),
  z.strictObject({
    kind: z.literal('panels'),
    columns: side,
    rows: side,
    panelWidth: side,
    panelHeight: side,
    /** Of each panel, as it lies before it is turned. */
    wiring: wiring.default('row-straight-tl'),
    rotate: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]).default(0),
    /** How the chain runs from panel to panel. */
    order: wiring.default('row-straight-tl'),
    /** In the order of the chain; what a panel does not say holds for all. */
    panels: z
      .array(
        z.strictObject({
          wiring: wiring.optional(),
          rotate: z.union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)]).optional(),
          /** Its place in the grid, from 0, where the chain follows no order. */
          column: z.int().min(0).optional(),
          row: z.int().min(0).optional(),
        }),
      )
      .max(4096)
      .optional(),
    flip: z.enum(['x', 'y', 'xy']).optional(),
  }),
])

export type LayoutForm = z.output<typeof layoutForm>
export type FormOf<Kind extends LayoutForm['kind']> = Extract<LayoutForm, { kind: Kind }>
