import t from 'tap'
import type { Pattern } from '../../../src/pattern/pattern.ts'
import { checkingCard, findingCard, type TestCard } from '../../../src/pattern/test-card/test-card.ts'
import {
  type Answers,
  parseAnswers,
  wiringFromAnswers,
} from '../../../src/pattern/test-card/wiring-from-answers.ts'
import { toCanvasOrder, wiringMap, wirings } from '../../../src/pattern/wiring.ts'
import { fault, value } from '../pattern-files.ts'

const sizes = [
  [2, 2],
  [3, 2],
  [2, 5],
  [16, 16],
  [8, 32],
  [7, 4],
] as const
const stepOf = (card: TestCard, at: number): Uint8Array =>
  card.steps[at]?.frames[0]?.pixels ?? new Uint8Array(0)

/** Cells that show a colour on a board that is really wired so, sent as a strip. */
function seen(
  pixels: Uint8Array,
  { width, height }: Pattern,
  wiring: (typeof wirings)[number],
  lit: (rgb: readonly number[]) => boolean,
) {
  const canvas = toCanvasOrder(pixels, wiringMap(width, height, wiring))
  const cells: { x: number; y: number }[] = []
  for (let at = 0; at < width * height; at++)
    if (lit([...canvas.subarray(at * 3, at * 3 + 3)]))
      cells.push({ x: at % width, y: Math.floor(at / width) })
  return cells
}
const any = (rgb: readonly number[]) => rgb.some(v => v > 0)
const onlyGreen = ([r = 0, g = 0, b = 0]: readonly number[]) => r === 0 && g > 0 && b === 0
const onlyBlue = ([r = 0, g = 0, b = 0]: readonly number[]) => r === 0 && g === 0 && b > 0

t.test('what people see of the card tells every wiring of every size', async t => {
  for (const [width, height] of sizes) {
    const card = value(findingCard({ width, height }))
    for (const wiring of wirings) {
      const [first] = seen(stepOf(card, 0), card.pattern, wiring, any)
      const line = seen(stepOf(card, 1), card.pattern, wiring, any)
      if (first === undefined) throw new Error('nothing is lit')
      const horizontal = new Set(line.map(({ y }) => y)).size === 1
      t.ok(horizontal || new Set(line.map(({ x }) => x)).size === 1, 'the line is straight')
      const [second] = seen(
        stepOf(card, 2),
        card.pattern,
        wiring,
        horizontal || width === height ? onlyGreen : onlyBlue,
      )
      if (second === undefined) throw new Error('no second line')
      const away = Math.abs(horizontal ? second.x - first.x : second.y - first.y)
      const corner = `${first.y === 0 ? 't' : 'b'}${first.x === 0 ? 'l' : 'r'}` as Answers['corner']
      const answers: Answers = {
        corner,
        line: horizontal ? 'row' : 'column',
        second: away === 0 ? 'near' : 'far',
      }
      t.equal(wiringFromAnswers(answers), wiring, `${width}×${height} ${wiring}`)
    }
  }
})

t.test('the card of a board that is set looks as it says', async t => {
  const { pattern, steps } = value(checkingCard({ width: 4, height: 3 }))
  const cells = (at: number) =>
    seen(steps[at]?.frames[0]?.pixels ?? new Uint8Array(0), pattern, 'row-straight-tl', any)
  t.same(cells(0), [{ x: 0, y: 0 }])
  t.same(
    cells(1),
    [0, 1, 2, 3].map(x => ({ x, y: 0 })),
  )
  t.same(
    cells(2),
    [0, 1, 2].map(y => ({ x: 0, y })),
  )
  for (const [c, at] of [3, 4, 5].entries()) {
    const pixels = steps[at]?.frames[0]?.pixels ?? []
    t.ok(pixels.length === 36 && [...pixels].every((v, index) => v > 0 === (index % 3 === c)))
  }
  t.match(
    steps.map(({ caption }) => caption),
    [/top left/, /red line along the top/i, /green line/i, /red/, /green/, /blue/, /There are 12/],
  )
})

t.test('LEDs go on one after the other and can be counted', async t => {
  for (const leds of [1, 9, 250, 3000]) {
    const { pattern, steps } = value(findingCard({ width: leds, height: 1 }))
    t.equal(steps.length, 5, 'a strip has no lines')
    const run = steps.at(-1)?.frames ?? []
    t.ok(run.length <= 500)
    const lit = run.map(
      ({ pixels }) =>
        pixels.filter((v, at) => v + (pixels[at - 1] ?? 0) + (pixels[at - 2] ?? 0) > 0 && at % 3 === 2)
          .length,
    )
    t.same(
      lit,
      lit.toSorted((a, b) => a - b),
    )
    t.equal(lit.at(-1), leds)
    t.same([...(run.at(-1)?.pixels.slice(-3) ?? [])], [0, 96, 0])
    t.equal(pattern.frames.length, run.length + 4)
    t.match(steps.at(-1)?.caption, new RegExp(`There are ${leds}:`))
  }
})

t.test('answers are read in any order, and anything else is refused with what to write', async t => {
  t.same(value(parseAnswers('bl,column,far')), { corner: 'bl', line: 'column', second: 'far' })
  t.same(value(parseAnswers('Near Horizontal TR')), { corner: 'tr', line: 'row', second: 'near' })
  for (const wrong of [
    '',
    'bl',
    'bl,row',
    'bl,row,row',
    'bl,tl,far',
    'bl,row,far,near',
    'constructor,row,far',
  ])
    t.match(fault(parseAnswers(wrong)), { kind: 'bad_request', message: /bl,column,far/ }, wrong)
})

t.test(
  'a card is never too large: long strips take fewer steps, and no board has more than 65,535 LEDs',
  async t => {
    const { pattern } = value(findingCard({ width: 65_535, height: 1 }))
    t.ok(pattern.frames.length * pattern.leds * 3 < 40 * 1024 * 1024)
    for (const card of [findingCard, checkingCard]) {
      t.match(fault(card({ width: 256, height: 256 })), { kind: 'bad_request', message: /65536 LEDs/ })
      t.match(fault(card({ width: 0, height: 1 })), { kind: 'bad_request' })
    }
  },
)
