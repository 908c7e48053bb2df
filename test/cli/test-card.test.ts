import { readFile } from 'node:fs/promises'
import t from 'tap'
import { openBest } from '../pattern/pattern-files.ts'
import { eventually, startBoard, workplace } from '../support/pixelgate.ts'

t.test('a card that finds the wiring goes onto any board as a strip, in plain RGB', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place, { leds: '3x2' })
  const sent = await place.here('pattern', 'test-card', '--size', '3x2', '--port', board.path)
  t.match(sent, { status: 0, stderr: '', stdout: /1\. The first LED is white[\s\S]*verified and active/ })
  await eventually(
    () => board.pixels.find(pixels => pixels === `808080${'000000'.repeat(5)}`),
    'the first LED',
  )
})

t.test('a card that checks a wiring is laid out by it', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place, { leds: '3x2' })
  const wiring = ['--wiring', 'row-straight-br', '--color-order', 'GRB']
  t.match(await place.here('pattern', 'test-card', '--size', '3x2', '--port', board.path, ...wiring), {
    status: 0,
  })
  await eventually(
    () => board.pixels.find(pixels => pixels === `${'000000'.repeat(5)}808080`),
    'the top left',
  )
})

t.test('a board with white LEDs shows four values a LED', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place, { leds: '5' })
  const sent = await place.here(
    'pattern',
    'test-card',
    '--leds',
    '4',
    '--port',
    board.path,
    '--color-order',
    'GRBW',
    '--json',
  )
  t.match(sent.last, { event: 'done' })
  t.match(
    sent.events.find(({ event }) => event === 'power'),
    { peakMa: Number, capMa: null },
  )
  const phases = sent.events.map(({ event }) => event)
  t.ok(!phases.slice(0, phases.indexOf('power')).includes('progress'), 'before anything is sent')
  await eventually(() => board.pixels.find(pixels => pixels === `00000080${'00000000'.repeat(4)}`), 'white')
  await eventually(() => board.pixels.find(pixels => pixels === `${'00280000'.repeat(4)}00000000`), 'red')
})

t.test('answers tell the wiring, and how to set it', async t => {
  const place = await workplace(t)
  t.match(
    (await place.here('pattern', 'test-card', '--saw', 'bl,column,far')).stdout,
    /board set ID --wiring column-serpentine-bl/,
  )
  t.match((await place.here('pattern', 'test-card', '--saw', 'far vertical bl', '--json')).last, {
    wiring: 'column-serpentine-bl',
  })
  t.match(await place.here('pattern', 'test-card', '--saw', 'left'), { status: 2, stderr: /three questions/ })
})

t.test('a card is a file as well, or is seen in the terminal', async t => {
  const place = await workplace(t)
  const out = place.path('card.ledm')
  t.match(await place.here('pattern', 'test-card', '--size', '4x3', '--out', out), {
    status: 0,
    stdout: /Send .*--wiring row-straight-tl/,
  })
  t.match(openBest(new Uint8Array(await readFile(out))), { width: 4, height: 3 })
  t.match(await place.here('pattern', 'test-card', '--size', '4x3', '--out', out), {
    status: 2,
    stderr: /--force/,
  })
  const shown = await place.here('pattern', 'test-card', '--size', '4x3')
  t.match(shown, { status: 0, stderr: '', stdout: /1\. The first LED[\s\S]*▀/ })
  t.same((await place.here('pattern', 'test-card', '--leds', '3', '--json')).last['steps'].length, 5)
})

t.test('what makes no card is refused in words', async t => {
  const place = await workplace(t)
  for (const [args, message] of [
    [[], /--size WIDTHxHEIGHT/],
    [['--size', '4x4', '--leds', '3'], /--size WIDTHxHEIGHT/],
    [['--size', '4'], /WIDTHxHEIGHT/],
    [['--size', '300x300'], /90000 LEDs/],
    [['--leds', '3', '--wiring', 'zigzag'], /no wiring/],
    [['--leds', '3', '--out', place.path('x'), '--port', '/dev/null'], /not both/],
    [['--leds', '3', '--board', 'a', '--port', '/dev/null'], /one of --port, --tcp, --board/],
  ] as const)
    t.match(await place.here('pattern', 'test-card', ...args), { status: 2, stderr: message }, args.join(' '))
})
