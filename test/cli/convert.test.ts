import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import t from 'tap'
import { durationMs, type Pattern } from '../../src/pattern/pattern.ts'
import { openBest, ownPath, ownSample } from '../pattern/pattern-files.ts'
import { ledmFile, numbers, type Workplace, workplace } from '../support/pixelgate.ts'

const read = async (path: string): Promise<Pattern> =>
  openBest(new Uint8Array(await readFile(path)), { fileName: path })
const same = (a: Pattern, b: Pattern) =>
  a.frames.length === b.frames.length &&
  a.frames.every(({ pixels }, at) => Buffer.compare(pixels, b.frames[at]?.pixels ?? new Uint8Array(0)) === 0)

async function converting(t: Parameters<typeof workplace>[0], width = 4, height = 3) {
  const place = await workplace(t)
  const file = await place.file('in.bin', ledmFile(numbers(0, 5), width, height))
  return {
    place,
    file,
    convert: (...args: readonly string[]) => place.here('pattern', 'convert', file, ...args),
  }
}
const made = (place: Workplace, name = 'out.ledm') => read(place.path(name))

t.test('a GIF of too many colours is dithered when that is asked for', async t => {
  const place = await workplace(t)
  const side = 24
  const file = await place.file('in.bin', ledmFile(numbers(0, 1), side, side))
  const gif = async (...options: readonly string[]) => {
    const out = place.path(`of${options.join('')}.gif`)
    t.match(await place.here('pattern', 'convert', file, out, ...options), { status: 0 })
    return readFile(out)
  }
  const plain = await gif()
  t.same(await gif('--dither', 'none'), plain)
  t.not((await gif('--dither', 'floyd-steinberg')).equals(plain), true)
})

t.test('a pattern is converted as it is, and what was done is told', async t => {
  const { place, file, convert } = await converting(t)
  const out = place.path('out.dim.bin')
  const done = await convert(out, '--format', 'DIM', '--json')
  t.match(done, { status: 0, stderr: '' })
  t.match(done.last, {
    file: out,
    format: 'dim',
    sizeBytes: 6 + 5 * (2 + 36),
    width: 4,
    height: 3,
    leds: 12,
    frames: 5,
    durationMs: 100,
    steps: [],
  })
  t.ok(done.last['peakMa'] >= done.last['meanMa'] && done.last['meanMa'] > 12)
  t.ok(same(await read(file), await read(out)))
  t.match(
    (await convert(place.path('two.dat'), '--color-order', 'rgbw')).stdout,
    /two\.dat: raw, 4×3, 5 frames.*\nnote: .*12 LEDs/,
  )
  t.equal((await readFile(place.path('two.dat'))).length, 5 * 12 * 4)
})

t.test('steps are taken in the order of the command line', async t => {
  const { place, convert } = await converting(t)
  const turned = await convert(place.path('a.ledm'), '--rotate', '90', '--crop', '0,0,3,2', '--json')
  t.match(turned.last, { width: 3, height: 2, steps: ['--rotate 90: 3×4', '--crop 0,0,3,2: 3×2'] })
  const cropped = await convert(place.path('b.ledm'), '--crop', '0,0,3,2', '--rotate', '90', '--json')
  t.match(cropped.last, { width: 2, height: 3, steps: ['--crop 0,0,3,2: 3×2', '--rotate 90: 2×3'] })
  await convert(place.path('c.ledm'), '--rotate', '90', '--flip', 'x', '--rotate', '90', '--flip=x')
  t.ok(
    same(await made(place, 'c.ledm'), await read(place.path('in.bin'))),
    'the same step twice is two steps',
  )
})

t.test('every operation can be asked for', async t => {
  const { place, file, convert } = await converting(t)
  const first = await read(file)
  const cases: readonly (readonly [readonly string[], (made: Pattern) => boolean])[] = [
    [['--pad', '1'], ({ width, height }) => width === 6 && height === 5],
    [['--pad', '0,0,1,2'], ({ width, height }) => width === 6 && height === 4],
    [['--scale', '8x6', '--scale-mode', 'nearest'], ({ width, height }) => width === 8 && height === 6],
    [['--scale', '2x3'], ({ width, height }) => width === 2 && height === 3],
    [['--trim', '2-3'], ({ frames }) => frames.length === 2],
    [
      ['--trim', '2+4', '--reverse'],
      ({ frames }) =>
        Buffer.compare(
          frames[3]?.pixels ?? new Uint8Array(0),
          first.frames[1]?.pixels ?? new Uint8Array(0),
        ) === 0,
    ],
    [['--append', file], ({ frames }) => frames.length === 10],
    [['--repeat', '3'], ({ frames }) => frames.length === 15],
    [['--delay', '70'], ({ frames }) => durationMs(frames) === 350],
    [['--fps', '30'], ({ frames }) => durationMs(frames) === 167],
    [['--speed', '0.5'], ({ frames }) => durationMs(frames) === 200],
    [['--gamma', '2.2'], made => !same(made, first)],
    [['--white-balance', '2700K'], made => !same(made, first)],
    [
      ['--white-balance', '1,1,0'],
      ({ frames }) => frames.every(({ pixels }) => pixels.every((v, at) => at % 3 < 2 || v === 0)),
    ],
    [['--brightness', '0'], ({ frames }) => frames.every(({ pixels }) => pixels.every(v => v === 0))],
    [['--max-ma', '60'], made => !same(made, first)],
    [
      ['--colors', '2', '--dither', 'ordered'],
      ({ frames }) =>
        new Set(frames.flatMap(({ pixels }) => Buffer.from(pixels).toString('hex').match(/.{6}/g) ?? []))
          .size <= 2,
    ],
    [
      ['--dither', 'floyd-steinberg', '--levels', '2'],
      ({ frames }) => frames.every(({ pixels }) => pixels.every(v => v === 0 || v === 255)),
    ],
    [['--frames', '1-2'], ({ frames }) => frames.length === 2],
  ]
  for (const [args, holds] of cases) {
    const done = await convert(place.path('out.ledm'), ...args, '--force')
    t.match(done, { status: 0, stderr: '' }, args.join(' '))
    t.ok(holds(await made(place)), args.join(' '))
  }
})

t.test('pixels are written in the order of a strip, and read from it again', async t => {
  const { place, convert } = await converting(t)
  const wired = ['--wiring', 'column-serpentine-bl', '--color-order', 'GRB']
  t.match(await convert(place.path('wall.dat'), ...wired), { status: 0 })
  const back = ['--leds', '12', '--width', '4', '--height', '3', '--source-wiring', 'column-serpentine-bl']
  const listed = await place.here(
    'pattern',
    'inspect',
    place.path('wall.dat'),
    '--leds',
    '12',
    '--width',
    '4',
    '--height',
    '3',
    '--json',
  )
  const at = (listed.last['candidates'] as { leds: number; frames: number }[]).findIndex(
    ({ leds, frames }) => leds === 12 && frames === 5,
  )
  const again = [
    'pattern',
    'convert',
    place.path('wall.dat'),
    place.path('back.dat'),
    ...back,
    '--candidate',
    String(at),
    '--color-order',
    'GRB',
  ]
  t.match(await place.here(...again), { status: 0, stderr: '' })
  t.same(
    await readFile(place.path('back.dat')),
    Buffer.concat((await read(place.path('in.bin'))).frames.map(({ pixels }) => pixels)),
  )
})

t.test('a layout leaves cells out, and the strip goes back onto its canvas', async t => {
  const { place, convert } = await converting(t)
  const layout = await place.file(
    'ring.json',
    JSON.stringify({
      kind: 'cells',
      width: 4,
      height: 3,
      cells: [
        [3, 2],
        [0, 0],
      ],
    }),
  )
  const strip = place.path('strip.ledm')
  t.match((await convert(strip, '--layout', layout, '--json')).last, { leds: 2, width: 2, height: 1 })
  const [frame] = (await read(place.path('in.bin'))).frames
  t.same(
    (await read(strip)).frames[0]?.pixels,
    Uint8Array.from([...(frame?.pixels.slice(33, 36) ?? []), ...(frame?.pixels.slice(0, 3) ?? [])]),
  )
  await place.here('pattern', 'convert', strip, place.path('canvas.ledm'), '--source-layout', layout)
  t.match(await read(place.path('canvas.ledm')), { width: 4, height: 3 })
  const wrong = await place.file('wrong.json', '{"kind":"rings","rings":[]}')
  t.match(await convert(strip, '--layout', wrong, '--force'), { status: 2, stderr: /layout: rings/ })
  t.match(await convert(strip, '--layout', place.path('none.json'), '--force'), {
    status: 4,
    stderr: /none\.json/,
  })
  t.match(await convert(strip, '--layout', layout, '--wiring', 'row-straight-tl', '--force'), { status: 2 })
})

t.test('a picture that is scaled first never needs to be in memory whole', async t => {
  const place = await workplace(t)
  const done = await place.here(
    'pattern',
    'convert',
    ownPath('comet.gif'),
    place.path('c.ledm'),
    '--scale',
    '8x8',
    '--json',
  )
  t.match(done.last, { width: 8, height: 8, steps: ['--scale 8x8: done'] })
  t.ok(
    same(
      await read(place.path('c.ledm')),
      openBest(ownSample('comet.gif'), {}, { scaleTo: { width: 8, height: 8 } }),
    ),
  )
})

t.test('a file is replaced only when it is asked for, and whole or not at all', async t => {
  const { place, convert } = await converting(t)
  const out = await place.file('out.ledm', 'mine')
  t.match(await convert(out), { status: 2, stderr: /is there already.*--force/ })
  t.equal((await readFile(out)).toString(), 'mine')
  t.match(await convert(out, '--crop', '0,0,9,9', '--force'), { status: 2 })
  t.equal((await readFile(out)).toString(), 'mine', 'a fault leaves it alone')
  t.match(await convert(out, '--force'), { status: 0 })
  t.ok(same(await made(place), await read(place.path('in.bin'))))
  const itself = await place.here('pattern', 'convert', out, out, '--brightness', '0', '--force')
  t.match(itself, { status: 0 })
  await mkdir(place.path('folder.ledm'))
  await symlink(place.path('in.bin'), place.path('link.ledm'))
  await writeFile(place.path('file'), '')
  for (const [name, message] of [
    ['folder.ledm', /no regular file/],
    ['link.ledm', /no regular file/],
    ['none/out.ledm', /cannot be written/],
    ['file/out.ledm', /cannot be written/],
  ] as const)
    t.match(await convert(place.path(name), '--force'), { status: 2, stderr: message }, name)
  t.same(
    (await readdir(place.folder)).filter(name => name.startsWith('.')),
    [],
    'nothing is left behind',
  )
})

t.test('what is no value, name or format is refused in words', async t => {
  const { place, convert } = await converting(t)
  const out = place.path('out.ledm')
  for (const [args, status, message] of [
    [['--crop', '1,2,3'], 2, /--crop takes X,Y,W,H/],
    [['--crop', '0,0,0.5,1'], 2, /--crop takes whole numbers/],
    [['--scale', '16'], 2, /--scale takes WIDTHxHEIGHT/],
    [['--scale', '60000x60000'], 4, /too large/],
    [['--scale-mode', 'cubic'], 2, /area, nearest/],
    [['--rotate', '45'], 2, /90, 180, 270/],
    [['--flip', 'z'], 2, /--flip takes x, y/],
    [['--trim', '0-1'], 2, /counted from 1/],
    [['--trim', '4-9'], 2, /counted from 1 to 5/],
    [['--fps', 'fast'], 2, /--fps takes a number/],
    [['--gamma', '0x10'], 2, /--gamma takes a number/],
    [['--repeat', '99999'], 4, /too large/],
    [['--max-ma', '1'], 5, /too much even when they are dark/],
    [['--dither', 'noise'], 2, /none, ordered, floyd-steinberg/],
    [['--white-balance', '1,2'], 2, /KELVIN or R,G,B/],
    [['--white-balance', '100K'], 2, /1667 to 25000 K/],
    [['--format', 'mp4'], 2, /no format that can be written; use one of .*dim/],
    [['--color-order', 'RGBX'], 2, /RGB565BE/],
    [['--wiring', 'zigzag'], 2, /no wiring/],
    [['--loop-count', '70000'], 2, /65535/],
    [['--append', place.path('none')], 4, /does not exist/],
  ] as const)
    t.match(await convert(out, ...args), { status, stderr: message }, args.join(' '))
  t.match(await convert(place.path('out.xyz')), { status: 2, stderr: /says no format.*--format/ })
  t.match(await place.here('pattern', 'convert', place.path('none'), out), { status: 4 })
  t.notOk((await readdir(place.folder)).includes('out.ledm'))
})

t.test('help lists every format that can be written', async t => {
  const place = await workplace(t)
  t.match((await place.here('pattern', 'convert', '--help')).stdout, /--format .*std\|dim\|ledm\|raw/)
})
