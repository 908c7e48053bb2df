import fc from 'fast-check'
import t from 'tap'
import { scalePixels } from '../../src/pattern/scale.ts'

const grey = (...values: readonly number[]) => Uint8Array.from(values.flatMap(value => [value, value, value]))
const levels = (pixels: Uint8Array) => [...pixels].filter((_, index) => index % 3 === 0)

/** The mean by its definition: the picture cut into so small squares that each lies in one old and in one new pixel. */
function meanByDefinition(
  values: Uint8Array,
  from: { width: number; height: number },
  to: typeof from,
): number[] {
  const out: number[] = []
  for (let y = 0; y < to.height; y++)
    for (let x = 0; x < to.width; x++) {
      let sum = 0
      for (let v = 0; v < from.height; v++)
        for (let u = 0; u < from.width; u++) {
          const [column, row] = [x * from.width + u, y * from.height + v]
          sum +=
            values[Math.floor(row / to.height) * from.width * 3 + Math.floor(column / to.width) * 3 + 1] ?? 0
        }
      out.push(Math.round(sum / (from.width * from.height)))
    }
  return out
}

t.test('a pixel at the edge of a new one counts by the part that is covered', async t => {
  t.same(levels(scalePixels(grey(90, 0, 30), { width: 3, height: 1 }, { width: 2, height: 1 })), [60, 20])
  t.same(levels(scalePixels(grey(90, 0, 30), { width: 1, height: 3 }, { width: 1, height: 2 })), [60, 20])
  t.same(levels(scalePixels(grey(0, 255, 255, 0), { width: 2, height: 2 }, { width: 1, height: 1 })), [128])
})

t.test('shrinking is the mean of what is covered, whatever the sizes', async () => {
  const side = fc.integer({ min: 1, max: 9 })
  const picture = fc
    .tuple(side, side)
    .chain(([width, height]) =>
      fc.tuple(
        fc.constant({ width, height }),
        fc.record({ width: fc.integer({ min: 1, max: width }), height: fc.integer({ min: 1, max: height }) }),
        fc.uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 }),
      ),
    )
  fc.assert(
    fc.property(picture, ([from, to, pixels]) => {
      const green = [...scalePixels(pixels, from, to)].filter((_, index) => index % 3 === 1)
      return JSON.stringify(green) === JSON.stringify(meanByDefinition(pixels, from, to))
    }),
  )
})

t.test('growing repeats pixels', async t => {
  t.same(
    levels(scalePixels(grey(1, 2, 3), { width: 3, height: 1 }, { width: 7, height: 2 })),
    [1, 1, 1, 2, 2, 3, 3, 1, 1, 1, 2, 2, 3, 3],
  )
  t.same(
    levels(scalePixels(grey(10, 20, 30, 40), { width: 4, height: 1 }, { width: 2, height: 2 })),
    [15, 35, 15, 35],
  )
})
