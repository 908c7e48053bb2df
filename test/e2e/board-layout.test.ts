import t from 'tap'
import { eventually, ledmFile, startBoard, workplace } from '../support/pixelgate.ts'

t.test('a board with a layout and white LEDs shows each of them what its cell has', async t => {
  const place = await workplace(t)
  const board = await startBoard(t, place, { leds: '5', name: 'ring' })
  const links = [{ kind: 'serial', path: board.path, baudRate: 1_000_000 }]
  const config = await place.file('config.json', JSON.stringify({ links, log: { level: 'warn' } }))
  const daemon = place.start('serve', '--config', config)
  t.teardown(() => daemon.kill())
  await daemon.says(({ ready }) => ready === true, 'ready')
  await eventually(async () => (await place.here('boards')).stdout.includes('connected'), 'the board')

  const layout = await place.file(
    'layout.json',
    JSON.stringify({ kind: 'rings', width: 3, height: 3, rings: [{ leds: 4, radius: 1 }, { leds: 1 }] }),
  )
  const set = ['board', 'set', 'ring', '--layout', layout, '--color-order', 'grbw']
  t.match(await place.here(...set), { status: 0, stdout: /ring: 3×3, its own layout, GRBW/ })
  t.match((await place.here('boards', '--json')).last['boards'][0].layout, { kind: 'rings' })
  const file = ledmFile([1], 3, 3)
  const sent = await place.here('upload', await place.file('card.ledm', file), '--board', 'ring', '--json')
  t.match(sent.last, { event: 'done' }, sent.stdout)
  const look = ['pattern', 'inspect', place.path('card.ledm'), '--board', 'ring']
  const { power } = (await place.here(...look, '--json')).last
  t.match(power, { board: 'ring', peakFrame: 1, capMa: null })
  await place.here('board', 'set', 'ring', '--power-cap', String(power.peakMa - 1))
  t.match(
    (await place.here(...look)).stdout,
    new RegExp(`ring: draws about ${power.peakMa} mA at most \\(frame 1\\).*more than its cap`),
  )
  const capped = await place.here(
    'upload',
    place.path('card.ledm'),
    '--board',
    'ring',
    '--scale-power',
    '--json',
  )
  t.match(capped.last, { event: 'done' })
  const cell = (at: number): number[] => {
    const [r = 0, g = 0, b = 0] = file.slice(16 + at * 3, 19 + at * 3)
    const white = Math.min(r, g, b)
    return [g - white, r - white, b - white, white]
  }
  const shown = Buffer.from([1, 5, 7, 3, 4].flatMap(cell)).toString('hex')
  await eventually(() => board.pixels.includes(shown), 'top, right, bottom, left and middle')

  const wrong = await place.file('wrong.json', '{"kind":"rings","rings":[{"leds":6}],"width":9,"height":9}')
  t.match(await place.here('board', 'set', 'ring', '--layout', wrong), {
    status: 2,
    stderr: /6 LEDs; this board has 5/,
  })
  const broken = await place.file('broken.json', '{"kind":"rings"}')
  t.match(await place.here('board', 'set', 'ring', '--layout', broken), {
    status: 2,
    stderr: /layout: rings/,
  })
  t.match(await place.here('board', 'set', 'ring', '--layout', 'none'), {
    status: 0,
    stdout: /ring: 5 LEDs, row/,
  })
})
