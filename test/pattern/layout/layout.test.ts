import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import t from 'tap'
import type { Layout } from '../../../src/pattern/layout/layout.ts'
import { layoutFromText, parseLayout } from '../../../src/pattern/layout/parse-layout.ts'
import { fromStrip, toStrip } from '../../../src/pattern/operations/through-layout.ts'
import { wiringMap, wirings } from '../../../src/pattern/wiring.ts'
import { patternOf, pixelsOf, told } from '../operations/any-pattern.ts'
import { fault, value } from '../pattern-files.ts'

/** The canvas as text: the number of the LED in each cell, `.` where there is none. */
function drawn({ width, height, map }: Layout): string[] {
  const rows = Array.from({ length: height }, () => Array<string>(width).fill('.'))
  for (const [led, cell] of map.entries())
    (rows[Math.floor(cell / width)] ?? [])[cell % width] = led.toString(36)
  return rows.map(row => row.join(''))
}
const layout = (form: unknown) => value(parseLayout(form))

t.test('a matrix is its wiring, and may be mirrored', async t => {
  for (const wiring of wirings)
    t.same(layout({ kind: 'matrix', width: 3, height: 2, wiring }).map, wiringMap(3, 2, wiring), wiring)
  t.same(drawn(layout({ kind: 'matrix', width: 3, height: 2 })), ['012', '345'])
  t.same(drawn(layout({ kind: 'matrix', width: 3, height: 2, flip: 'x' })), ['210', '543'])
  t.same(drawn(layout({ kind: 'matrix', width: 3, height: 2, flip: 'y' })), ['345', '012'])
  t.same(drawn(layout({ kind: 'matrix', width: 3, height: 2, flip: 'xy' })), ['543', '210'])
})

t.test('single cells are a list in the order of the strip, or drawn as a mask', async t => {
  const list = {
    kind: 'cells',
    cells: [
      [2, 0],
      [0, 1],
      [1, 1],
    ],
  }
  t.same(drawn(layout(list)), ['..0', '12.'])
  t.match(layout({ ...list, width: 5, height: 4 }), { width: 5, height: 4, leds: 3 })
  const mask = ['.##.', '####', '.##.']
  t.same(drawn(layout({ kind: 'cells', mask })), ['.01.', '2345', '.67.'])
  t.same(drawn(layout({ kind: 'cells', mask, wiring: 'row-serpentine-bl' })), ['.67.', '5432', '.01.'])
  t.same(drawn(layout({ kind: 'cells', mask: `${mask.join('\n')}\n`, wiring: 'column-serpentine-tl' })), [
    '.34.',
    '0257',
    '.16.',
  ])
  t.same(drawn(layout({ kind: 'cells', mask: ['x', '  x'] })), ['0..', '..1'])
})

t.test('rings begin at the top and go round as they are told', async t => {
  const ring = { kind: 'rings', rings: [{ leds: 4 }] }
  t.same(drawn(layout(ring)), ['.0.', '3.1', '.2.'])
  t.same(drawn(layout({ ...ring, direction: 'ccw' })), ['.0.', '1.3', '.2.'])
  t.same(drawn(layout({ ...ring, startDeg: 90 })), ['.3.', '2.0', '.1.'])
  t.same(
    drawn(layout({ kind: 'rings', width: 5, height: 5, rings: [{ leds: 1 }, { leds: 4, radius: 2 }] })),
    ['..1..', '.....', '4.0.2', '.....', '..3..'],
  )
  const whole = { kind: 'rings', width: 5, height: 5, rings: [{ leds: 4 }, { leds: 1 }] }
  t.same(
    drawn(layout(whole)),
    ['..0..', '.....', '3.4.1', '.....', '..2..'],
    'to the edge where no radius is given',
  )
  const disc = layout({ kind: 'rings', rings: [60, 48, 40, 32, 24, 16, 12, 8, 1].map(leds => ({ leds })) })
  t.equal(disc.leds, 241)
  t.equal(disc.width % 2, 1)
  t.ok(disc.width <= 33, `${disc.width}`)
  const last = disc.map.at(-1) ?? 0
  t.same(
    [last % disc.width, Math.floor(last / disc.width)],
    [(disc.width - 1) / 2, (disc.width - 1) / 2],
    'in the middle',
  )
})

t.test('rays run outward, inward or there and back', async t => {
  const star = { kind: 'rays', rays: 4, ledsPerRay: 2 }
  t.same(drawn(layout(star)), ['..1..', '..0..', '76.23', '..4..', '..5..'])
  t.same(drawn(layout({ ...star, width: 7, height: 7 }))[0], '...1...', 'to the edge')
  t.same(drawn(layout({ ...star, width: 7, height: 7, outerRadius: 2 }))[1], '...1...')
  t.same(drawn(layout({ ...star, run: 'inward' })), ['..0..', '..1..', '67.32', '..5..', '..4..'])
  t.same(drawn(layout({ ...star, run: 'serpentine', direction: 'ccw' })), [
    '..1..',
    '..0..',
    '23.76',
    '..4..',
    '..5..',
  ])
})

t.test('panels have their own wiring and turn, and a chain of their own', async t => {
  const two = { kind: 'panels', columns: 2, rows: 1, panelWidth: 2, panelHeight: 2 }
  t.same(drawn(layout(two)), ['0145', '2367'])
  t.same(drawn(layout({ ...two, rotate: 90 })), ['2064', '3175'])
  t.same(drawn(layout({ ...two, panels: [{ rotate: 180 }, { wiring: 'row-serpentine-tl' }] })), [
    '3245',
    '1076',
  ])
  const four = { ...two, rows: 2, order: 'row-serpentine-tl' }
  t.same(drawn(layout(four)), ['0145', '2367', 'cd89', 'efab'])
  const places = [
    [1, 1],
    [0, 1],
    [1, 0],
    [0, 0],
  ].map(([column, row]) => ({ column, row }))
  t.same(drawn(layout({ ...four, panels: places })), ['cd89', 'efab', '4501', '6723'])
  const lying = { ...two, panelWidth: 3, panelHeight: 1, rotate: 270 }
  t.same(drawn(layout(lying)), ['25', '14', '03'])
})

t.test('a panel alone is a matrix in every wiring and turn', async () => {
  const size = fc.integer({ min: 1, max: 9 })
  fc.assert(
    fc.property(size, size, fc.constantFrom(...wirings), (panelWidth, panelHeight, wiring) => {
      const one = layout({ kind: 'panels', columns: 1, rows: 1, panelWidth, panelHeight, wiring })
      return (
        Buffer.compare(
          Buffer.from(one.map.buffer),
          Buffer.from(wiringMap(panelWidth, panelHeight, wiring).buffer),
        ) === 0
      )
    }),
  )
})

t.test('no layout has two LEDs in one cell, and what goes through one comes back', async t => {
  const small = fc.integer({ min: 1, max: 6 })
  const wiring = fc.constantFrom(...wirings)
  const form = fc.oneof(
    fc.record({ kind: fc.constant('matrix'), width: small, height: small, wiring }),
    fc.record({
      kind: fc.constant('panels'),
      columns: small,
      rows: small,
      panelWidth: small,
      panelHeight: small,
      wiring,
      order: wiring,
      rotate: fc.constantFrom(0, 90, 180, 270),
      flip: fc.constantFrom('x', 'y', 'xy'),
    }),
    fc.record({
      kind: fc.constant('rings'),
      rings: fc
        .uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 })
        .map(counts => counts.map(leds => ({ leds }))),
      startDeg: fc.integer({ min: -360, max: 360 }),
      direction: fc.constantFrom('cw', 'ccw'),
    }),
    fc.record({
      kind: fc.constant('rays'),
      rays: small,
      ledsPerRay: small,
      run: fc.constantFrom('outward', 'inward', 'serpentine'),
    }),
    fc.record({
      kind: fc.constant('cells'),
      mask: fc.array(fc.stringMatching(/^#[.#]{0,8}$/), { minLength: 1, maxLength: 8 }),
      wiring,
    }),
  )
  fc.assert(
    fc.property(form, form => {
      const made = layout(form)
      const { width, height, leds, map } = made
      const strip = patternOf(
        leds,
        1,
        Uint8Array.from({ length: leds * 3 }, (_, at) => at % 251),
        [10, 20],
      )
      const back = value(toStrip(made)(value(fromStrip(made)(strip))))
      const within = map.every(cell => cell < width * height)
      return within && new Set(map).size === leds && map.length === leds && told(back) === told(strip)
    }),
    { numRuns: 300 },
  )
  const gaps = layout({ kind: 'cells', cells: [[1, 0]], width: 3, height: 1 })
  t.same(
    pixelsOf(value(fromStrip(gaps)(patternOf(1, 1, Uint8Array.from([7, 8, 9]))))),
    [0, 0, 0, 7, 8, 9, 0, 0, 0],
  )
})

t.test('a layout that cannot be is refused with what is wrong', async t => {
  for (const [form, message] of [
    [{ kind: 'sphere' }, /kind/],
    [null, /layout/],
    [{ kind: 'matrix', width: 3 }, /height/],
    [{ kind: 'matrix', width: 0, height: 3 }, /width/],
    [
      { kind: 'matrix', width: 3, height: 3, wiring: 'zigzag' },
      /wiring: expected a wiring such as row-serpentine-tl/,
    ],
    [{ kind: 'matrix', width: 3, height: 3, colour: 1 }, /colour/],
    [{ kind: 'matrix', width: 4096, height: 4096 }, /262144 cells at most/],
    [{ kind: 'matrix', width: 300, height: 300 }, /90000 LEDs/],
    [{ kind: 'cells' }, /either cells .* or a mask/],
    [{ kind: 'cells', cells: [[0, 0]], mask: ['#'] }, /either cells .* or a mask/],
    [{ kind: 'cells', cells: [[0, 0]], wiring: 'row-straight-tl' }, /wiring goes with a mask/],
    [
      {
        kind: 'cells',
        cells: [
          [0, 0],
          [3, 2],
          [0, 0],
        ],
      },
      /LEDs 0 and 2 are both at 0,0/,
    ],
    [
      {
        kind: 'cells',
        cells: [
          [0, 0],
          [-1, 0],
        ],
      },
      /LED 1 is at -1,0/,
    ],
    [{ kind: 'cells', cells: [[4, 0]], width: 3, height: 1 }, /LED 0 is at 4,0, outside the canvas of 3×1/],
    [{ kind: 'cells', mask: ['###'], width: 2 }, /mask is larger/],
    [{ kind: 'cells', mask: ['...'] }, /places 0 LEDs/],
    [{ kind: 'rings', rings: [{ leds: 9 }], width: 3, height: 3 }, /both at/],
    [{ kind: 'rings', rings: [{ leds: 8 }], width: 3 }, /both width and height/],
    [
      {
        kind: 'rings',
        rings: [
          { leds: 8, radius: 1 },
          { leds: 8, radius: 1 },
        ],
      },
      /share a cell even/,
    ],
    [{ kind: 'rings', rings: [{ leds: 1 }, { leds: 1 }] }, /more than one LED is in the middle/],
    [{ kind: 'rings', rings: Array(100).fill({ leds: 100 }) }, /more than 4096/],
    [{ kind: 'rays', rays: 4, ledsPerRay: 2, innerRadius: 3, outerRadius: 2 }, /smaller than innerRadius/],
    [{ kind: 'rays', rays: 4096, ledsPerRay: 4096 }, /more than 4096/],
    [
      { kind: 'panels', columns: 2, rows: 2, panelWidth: 2, panelHeight: 2, panels: [{}] },
      /lists 1, but 2×2 are 4/,
    ],
    [
      { kind: 'panels', columns: 2, rows: 1, panelWidth: 2, panelHeight: 1, panels: [{ rotate: 90 }, {}] },
      /turned alike/,
    ],
    [
      { kind: 'panels', columns: 1, rows: 1, panelWidth: 2, panelHeight: 1, panels: [{ column: 1, row: 0 }] },
      /1 columns/,
    ],
    [
      { kind: 'panels', columns: 1, rows: 1, panelWidth: 2, panelHeight: 1, panels: [{ column: 0 }] },
      /both or neither/,
    ],
    [{ kind: 'panels', columns: 4096, rows: 4096, panelWidth: 4096, panelHeight: 4096 }, /65535/],
  ] as const) {
    const refused = fault(parseLayout(form))
    t.match(refused, { kind: 'bad_request', message }, JSON.stringify(form).slice(0, 60))
    t.match(refused.message, /^layout: .{10,400}$/)
  }
  t.match(fault(layoutFromText('{"kind":')), { message: /^layout: it is no JSON/ })
  t.match(value(layoutFromText('{"kind":"matrix","width":2,"height":1}')), { leds: 2 })
})

t.test('the layouts in the documentation are layouts', async t => {
  const text = await readFile(new URL('../../../docs/formats.md', import.meta.url), 'utf8')
  const examples = text.split('\n').filter(line => line.startsWith('{"kind"'))
  t.ok(examples.length >= 2)
  for (const example of examples) t.ok(layoutFromText(example).ok, example)
})
