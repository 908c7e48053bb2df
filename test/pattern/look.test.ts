import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { decodeApng } from 'fast-png'
import omggif from 'omggif'
import t from 'tap'
import { runCli } from '../../src/cli/cli.ts'
import { encodePng } from '../../src/pattern/export/png-encode.ts'
import { contactSheet } from '../../src/pattern/look/contact-sheet.ts'
import { LedLook } from '../../src/pattern/look/led-look.ts'
import { lookPattern } from '../../src/pattern/look/look-pattern.ts'
import { drawText, textSize } from '../../src/pattern/look/tiny-font.ts'
import type { Pattern } from '../../src/pattern/pattern.ts'
import { detect, fault, openBest, ownPath, ownSample, value } from './pattern-files.ts'

const patternOf = (width: number, height: number, frames: readonly Uint8Array[], delayMs = 100): Pattern => ({
  name: 'p',
  width,
  height,
  leds: width * height,
  channels: 3,
  frames: frames.map(pixels => ({ delayMs, pixels })),
  loopCount: 0,
})

t.test('an LED is round, has its colour in its middle, and glows upon its neighbours', async t => {
  const look = new LedLook({ width: 3, height: 1 }, { look: 'led', cell: 15 })
  t.match(look, { width: 45, height: 15 })
  const dark = look.draw(new Uint8Array(9))
  const lit = look.draw(Uint8Array.of(0, 0, 0, 255, 0, 0, 0, 0, 0))
  const at = (pixels: Uint8Array, x: number, y: number) => [
    ...pixels.subarray((y * 45 + x) * 3, (y * 45 + x) * 3 + 3),
  ]
  const light = (pixels: Uint8Array, x: number, y: number) => at(pixels, x, y).reduce((sum, v) => sum + v, 0)
  t.equal(at(lit, 22, 7)[0], 255)
  t.ok((at(lit, 22, 7)[2] ?? 255) < 60, 'red stays red')
  t.ok(light(dark, 7, 7) > light(dark, 0, 0), 'dark LEDs can be seen')
  t.ok(light(dark, 7, 7) > 0 && light(dark, 7, 7) < 120)
  t.ok(light(lit, 13, 7) > light(dark, 13, 7), 'the glow goes beyond the cell')
  t.same(at(lit, 0, 7), at(dark, 0, 7), 'and ends')
  t.same(at(lit, 22 - 6, 7), at(lit, 22 + 6, 7), 'as far to the left as to the right')
  t.same(look.draw(new Uint8Array(9)), dark, 'nothing is left of the frame before')
  const white = new LedLook({ width: 4, height: 4 }, { look: 'led', cell: 9 }).draw(
    new Uint8Array(48).fill(255),
  )
  t.equal(white.length, 36 * 36 * 3)
})

t.test('flat are squares of exactly the colours; so are cells too small for a circle', async t => {
  const pixels = Uint8Array.of(1, 2, 3, 250, 0, 9)
  const squares = [1, 2, 3, 1, 2, 3, 250, 0, 9, 250, 0, 9]
  for (const look of ['flat', 'led'] as const)
    t.same(
      [...new LedLook({ width: 2, height: 1 }, { look, cell: 2 }).draw(pixels)],
      [...squares, ...squares],
    )
})

t.test(
  'the cell fits the pattern; one that makes too large a picture is refused with one that would do',
  async t => {
    const cellOf = (pattern: Pattern) => value(lookPattern(pattern, { look: 'flat' })).height / pattern.height
    t.equal(cellOf(patternOf(16, 16, [new Uint8Array(768)])), 24)
    t.equal(cellOf(patternOf(300, 1, [new Uint8Array(900)])), 5)
    t.equal(cellOf(patternOf(512, 512, [new Uint8Array(512 * 512 * 3)])), 1)
    const many = patternOf(16, 16, Array<Uint8Array>(3000).fill(new Uint8Array(768)))
    t.ok(cellOf(many) <= 4)
    t.match(fault(lookPattern(many, { look: 'led', cell: 40 })), {
      kind: 'too_large',
      message: /a cell of \d would do/,
    })
  },
)

t.test('a contact sheet has the first, the last and evenly spaced frames', async t => {
  const frames = Array.from({ length: 100 }, (_, index) => new Uint8Array(12).fill(100 + index))
  const sheet = contactSheet(patternOf(2, 2, frames), { look: 'flat', cell: 8, frames: 12 })
  t.equal(sheet.pixels.length, sheet.width * sheet.height * 3)
  const found = new Map<number, number>()
  for (let at = 0; at < sheet.pixels.length; at += 3)
    if (sheet.pixels[at] === sheet.pixels[at + 2])
      found.set(sheet.pixels[at] ?? 0, (found.get(sheet.pixels[at] ?? 0) ?? 0) + 1)
  const shown = [...found].filter(([, count]) => count === 16 * 16).map(([level]) => level - 100)
  t.same(shown, [0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99])
  const one = contactSheet(patternOf(3, 1, [new Uint8Array(9)], 70_000), { look: 'led' })
  t.ok(one.width > 40 && one.height > 10)
  const long = contactSheet(patternOf(3, 1, Array<Uint8Array>(30).fill(new Uint8Array(9)), 70_000), {
    look: 'led',
  })
  t.ok(long.width > one.width)
})

t.test('digits are drawn where they are told, and nothing outside', async t => {
  const canvas = { width: 9, height: 7 }
  const pixels = new Uint8Array(9 * 7 * 3)
  drawText(pixels, canvas, '17', { x: 1, y: 1, scale: 1, color: [255, 255, 255] })
  const rows = Array.from({ length: 7 }, (_, y) =>
    Array.from({ length: 9 }, (_, x) => (pixels[(y * 9 + x) * 3] === 255 ? '#' : '.')).join(''),
  )
  t.same(rows, ['.........', '..#..###.', '.##....#.', '..#...#..', '..#...#..', '.###..#..', '.........'])
  t.same(textSize('17', 2), { width: 14, height: 10 })
  drawText(pixels, canvas, '8888€', { x: -3, y: 4, scale: 3, color: [1, 1, 1] })
})

/** Runs the command; what it said, with its status. */
async function run(...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const status = await runCli(args, {
    stdout,
    stderr,
    signal: new AbortController().signal,
    env: { NO_COLOR: '1' },
    serve: async () => 0,
  })
  return { status, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

t.test('preview --out and --contact-sheet write pictures that other programs open', async t => {
  const folder = t.testdir()
  const [gif, png, sheet] = ['a.gif', 'a.png', 'sheet.png'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const small = ['--look', 'led', '--cell', '6', '--frames', '1-8']
  const wrote = await run(
    'pattern',
    'preview',
    ownPath('comet.gif'),
    '--out',
    gif,
    '--contact-sheet',
    sheet,
    ...small,
  )
  t.match(wrote, { status: 0, stderr: '' })
  t.match(wrote.stdout, /a\.gif: 8 frames of 96×96, \d+ bytes\n {2}a GIF image has at most 256 colours/)
  const reader = new omggif.GifReader(readFileSync(gif))
  t.match([reader.width, reader.height, reader.numFrames()], [96, 96, 8])
  t.match(detect(readFileSync(sheet)), [{ format: 'png' }])
  t.match(
    await run(
      'pattern',
      'preview',
      ownPath('comet.gif'),
      '--out',
      png,
      '--look',
      'flat',
      '--cell',
      '3',
      '--frames',
      '1-8',
    ),
    { status: 0 },
  )
  t.match(decodeApng(readFileSync(png)), { width: 48, height: 48, numberOfFrames: 8 })
  t.same(
    openBest(readFileSync(png), {}, { scaleTo: { width: 16, height: 16 } }).frames[3]?.pixels,
    openBest(ownSample('comet.gif')).frames[3]?.pixels,
  )
  const before = statSync(gif).mtimeMs
  t.match(await run('pattern', 'preview', ownPath('comet.gif'), '--out', gif), {
    status: 2,
    stderr: /--force/,
  })
  t.equal(statSync(gif).mtimeMs, before)
  t.match(await run('pattern', 'preview', ownPath('comet.gif'), '--out', gif, '--force', ...small), {
    status: 0,
  })
  for (const [args, message] of [
    [['--out', join(folder, 'x.mp4')], /writes \.gif, \.png or \.apng/],
    [['--contact-sheet', join(folder, 'x.gif')], /ends in \.png/],
    [['--look', 'led'], /go with --out/],
    [['--out', gif, '--look', 'neon'], /takes led, flat/],
    [['--colors', 'many'], /takes 24bit, 256, none/],
    [['--sprite', '16'], /width and a height such as 16x16/],
    [['--out', join(folder, 'none', 'x.gif')], /cannot be written/],
  ] as const)
    t.match(await run('pattern', 'preview', ownPath('comet.gif'), ...args), { status: 2, stderr: message })
  t.notOk(existsSync(join(folder, 'x.mp4')))
})

t.test('--sprite cuts a sheet for inspect and preview; NO_COLOR plays without colours', async t => {
  const sheet = new Uint8Array(8 * 2 * 3)
  sheet.set([255, 255, 255], 0)
  const file = join(t.testdir(), 'sheet.png')
  writeFileSync(file, encodePng(sheet, { width: 8, height: 2 }))
  const inspected = JSON.parse((await run('pattern', 'inspect', file, '--sprite', '2x2', '--json')).stdout)
  t.match(inspected.candidates, [{ index: 0, format: 'sprites', width: 2, height: 2, leds: 4, frames: 4 }])
  t.same(Object.keys(inspected.candidates[0]), [
    'index',
    'format',
    'width',
    'height',
    'leds',
    'channels',
    'frames',
    'durationMs',
    'confidence',
    'reason',
  ])
  t.equal((await run('pattern', 'preview', file, '--sprite', '2×2', '--once')).stdout, '@ \n  \n  \n  \n')
  const colored = await run('pattern', 'preview', file, '--once', '--colors', '24bit')
  t.ok(colored.stdout.startsWith('\x1b[38;2;255;255;255'))
})
