import { execFileSync } from 'node:child_process'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { inspectPattern, type PatternOutput } from '../../src/cli/pattern-inspect.ts'
import { previewPattern } from '../../src/cli/pattern-preview.ts'
import { readPatternFile } from '../../src/cli/read-pattern-file.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { previewLines, previewSize } from '../../src/pattern/preview.ts'
import { ownPath } from './pattern-files.ts'

const never = new AbortController().signal

class Screen implements PatternOutput {
  text = ''
  readonly columns?: number
  readonly rows?: number
  readonly isTTY?: boolean

  constructor(about: { columns?: number; rows?: number; isTTY?: boolean } = {}) {
    Object.assign(this, about)
  }

  write(text: string): void {
    this.text += text
  }
}

t.test('two rows of pixels make one line of half blocks', async t => {
  const pixels = Uint8Array.from([255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255, 1, 2, 3, 4, 5, 6])
  const canvas = { width: 2, height: 3 }
  t.same(previewLines(pixels, canvas, { columns: 80 }), [
    '\x1b[38;2;255;0;0;48;2;0;0;255m▀▀\x1b[0m',
    '\x1b[38;2;1;2;3;49m▀\x1b[38;2;4;5;6;49m▀\x1b[0m',
  ])
  t.same(
    previewLines(
      Uint8Array.from([255, 255, 255, 128, 128, 128, 10, 0, 0, 95, 135, 175]),
      { width: 4, height: 1 },
      { columns: 9, colors: '256' },
    ),
    ['\x1b[38;5;231;49m▀\x1b[38;5;244;49m▀\x1b[38;5;16;49m▀\x1b[38;5;67;49m▀\x1b[0m'],
  )
})

t.test('a canvas wider or higher than the terminal is shown smaller in proportion', async t => {
  t.same(previewSize({ width: 512, height: 410 }, { columns: 80 }), { width: 80, height: 64 })
  t.same(previewSize({ width: 512, height: 410 }, { columns: 80, rows: 20 }), { width: 50, height: 40 })
  t.same(previewSize({ width: 3000, height: 1 }, { columns: 60 }), { width: 60, height: 1 })
  t.equal(previewLines(new Uint8Array(64 * 64 * 3), { width: 64, height: 64 }, { columns: 16 }).length, 8)
})

t.test('inspect prints one JSON object, or a table', async t => {
  const folder = t.testdir({ 'raw.bin': Buffer.alloc(90 * 3 * 8) })
  const file = join(folder, 'raw.bin')
  const json = new Screen()
  t.equal(await inspectPattern(ownPath('comet.gif'), { json: true }, json), 0)
  const parsed = JSON.parse(json.text)
  t.same(Object.keys(parsed), ['candidates'])
  t.same(Object.keys(parsed.candidates[0]), [
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
  t.match(parsed.candidates, [
    { index: 0, format: 'gif', width: 16, height: 16, leds: 256, channels: 3, frames: 96 },
  ])
  const table = new Screen()
  await inspectPattern(file, { json: false, leds: 90 }, table)
  t.match(table.text, /^# {2}format {2}size {2}LEDs {2}frames {2}time {2}sure {2}why\n0 {2}raw/)
  await inspectPattern(file, { json: false, width: 15, height: 6 }, table)
  await inspectPattern(ownPath('comet.gif'), { json: false }, table)
  t.match(table.text, /15×6.*16×16.* s /s)
  await t.rejects(inspectPattern(join(folder, 'none'), { json: true }, table), { code: 'file_missing' })
})

t.test('preview plays at the speed of the pattern, redraws in place and ends with the loops', async t => {
  const clock = new VirtualClock()
  const screen = new Screen({ columns: 40, rows: 24, isTTY: true })
  let status: number | undefined
  const played = previewPattern(
    ownPath('lantern.leds'),
    { once: true, colors: '24bit' },
    screen,
    never,
    clock,
  ).then(code => (status = code))
  while (status === undefined) {
    await new Promise(resolve => setImmediate(resolve))
    clock.step()
  }
  await played
  t.equal(status, 0)
  t.equal(clock.now(), 240 * 100)
  t.equal(screen.text.split('\x1b[8A\r').length, 240)
  t.ok(
    screen.text.startsWith('\x1b[?25l') && screen.text.endsWith('\x1b[?25h'),
    'the cursor is hidden, and given back',
  )
})

/** Lets the virtual time of a preview pass until it is over. */
async function finished(played: Promise<number>, clock: VirtualClock): Promise<void> {
  let over = false
  const ended = played.finally(() => (over = true))
  while (!over) {
    await new Promise(resolve => setImmediate(resolve))
    if (!over) clock.step()
  }
  await ended
}

t.test('a slow terminal gets fewer frames, not late ones', async t => {
  const clock = new VirtualClock()
  const starts: number[] = []
  // Drawing takes 350 ms; a frame of this pattern is shown for 100.
  class Slow extends Screen {
    override write(text: string): void {
      super.write(text)
      if (!text.includes('▀')) return
      starts.push(clock.now())
      clock.advance(350)
    }
  }
  const screen = new Slow({ columns: 40, rows: 24, isTTY: true })
  await finished(previewPattern(ownPath('lantern.leds'), { once: true }, screen, never, clock), clock)
  t.ok(starts.length >= 60 && starts.length <= 70, `${starts.length} of 240 frames`)
  t.ok(clock.now() <= 24_000 + 2 * 350, `${clock.now()} ms instead of 24000`)
  t.ok((starts.at(-1) ?? 0) >= 23_500, 'the last frame is shown')
})

t.test('no frame is sent after output that still waits', async t => {
  const clock = new VirtualClock()
  const screen = new Screen({ columns: 40, rows: 24, isTTY: true })
  Object.defineProperty(screen, 'writableNeedDrain', {
    get: () => clock.now() >= 1000 && clock.now() < 23_000,
  })
  await finished(previewPattern(ownPath('lantern.leds'), { once: true }, screen, never, clock), clock)
  t.equal(screen.text.split('\x1b[8A\r').length, 10 + 10)
  t.equal(clock.now(), 24_000)
})

t.test('a terminal that is resized is cleared and drawn anew at its new size', async t => {
  const clock = new VirtualClock()
  const screen = new Screen({ columns: 40, rows: 24, isTTY: true })
  const played = previewPattern(ownPath('lantern.leds'), { once: true }, screen, never, clock)
  while (clock.now() < 5000) {
    await new Promise(resolve => setImmediate(resolve))
    clock.step()
  }
  Object.assign(screen, { columns: 8, rows: 24 })
  await finished(played, clock)
  t.equal(screen.text.split('\x1b[2J\x1b[H').length, 2)
  t.ok(screen.text.includes('\x1b[4A\r'), 'eight columns, four lines of blocks')
})

t.test('a terminal that does not know its size has 80 columns', async t => {
  const clock = new VirtualClock()
  const screen = new Screen({ columns: 0, rows: 0, isTTY: true })
  await finished(previewPattern(ownPath('lantern.leds'), { once: true }, screen, never, clock), clock)
  t.equal(screen.text.split('\x1b[8A\r').length, 240)
})

t.test('without colours characters stand for brightness', async t => {
  const pixels = Uint8Array.from([0, 0, 0, 255, 255, 255, 90, 90, 90, 0, 0, 0, 0, 0, 0, 0, 0, 255])
  t.same(previewLines(pixels, { width: 3, height: 2 }, { columns: 80, colors: 'none' }), [' @='])
  t.same(previewLines(pixels, { width: 2, height: 3 }, { columns: 80, colors: 'none' }), ['=@', ' :'])
})

t.test('an abort ends an endless preview at once', async t => {
  const clock = new VirtualClock()
  const screen = new Screen({ isTTY: true })
  const abort = new AbortController()
  const played = previewPattern(ownPath('comet.gif'), {}, screen, abort.signal, clock)
  for (let frame = 0; frame < 300 || !screen.text.includes('▀'); frame++) {
    await new Promise(resolve => setImmediate(resolve))
    clock.step()
  }
  abort.abort()
  t.equal(await played, 0)
  t.ok(screen.text.endsWith('\x1b[0m\x1b[?25h'), 'colours and cursor are as before')
})

t.test(
  'into a pipe preview writes the frames without waiting; long strips wrap; ambiguity is an error',
  async t => {
    const raw = new Uint8Array(90 * 3 * 2).fill(9)
    raw[3] = 200
    const folder = t.testdir({ 'raw.bin': Buffer.from(raw) })
    const file = join(folder, 'raw.bin')
    const lines = async (options: Parameters<typeof previewPattern>[1]) => {
      const screen = new Screen({ columns: 40 })
      await previewPattern(file, options, screen, never)
      return screen.text.trimEnd().split('\n')
    }
    t.equal((await lines({ leds: 90 })).length, 2 * 2, '90 LEDs are three rows of 40, two lines of blocks')
    t.equal((await lines({ leds: 90, loops: 3 })).length, 3 * 4)
    const [first] = await lines({ width: 15, height: 6, sourceWiring: 'column-straight-tl' })
    t.ok(first?.startsWith('\x1b[38;2;9;9;9;48;2;200;9;9m▀'), 'the second LED is below the first')
    await t.rejects(lines({}), { code: 'file_ambiguous' })
    t.ok(await lines({ candidate: 0 }))
    await t.rejects(lines({ candidate: 99 }), { code: 'usage' })
    await t.rejects(lines({ leds: 90, sourceWiring: 'row-straight-tl' }), {
      code: 'usage',
      message: /--width and --height/,
    })
    await t.rejects(lines({ leds: 90, sourceWiring: 'zigzag' }), { code: 'usage' })
    const own = new Screen()
    await previewPattern(ownPath('comet.gif'), { sourceWiring: 'row-serpentine-tl' }, own, never)
    t.ok(own.text.length > 0)
  },
)

t.test('only regular files within the cap are read', async t => {
  const folder = t.testdir({ small: 'abc' })
  t.same(Buffer.from(await readPatternFile(join(folder, 'small'))), Buffer.from('abc'))
  await t.rejects(readPatternFile(join(folder, 'small'), 2), {
    code: 'file_too_large',
    detail: { sizeBytes: 3 },
  })
  const huge = join(folder, 'huge')
  writeFileSync(huge, '')
  truncateSync(huge, 300 * 1024 * 1024)
  await t.rejects(readPatternFile(huge), { code: 'file_too_large' })
  await t.rejects(readPatternFile(join(folder, 'absent')), {
    code: 'file_missing',
    message: /does not exist/,
  })
  await t.rejects(readPatternFile(join(folder, 'small', 'x')), { code: 'file_missing' })
  await t.rejects(readPatternFile(folder), { code: 'file_invalid' })
  await t.rejects(readPatternFile('/dev/zero'), { code: 'file_invalid', message: /no regular file/ })
  await t.rejects(readPatternFile(join(folder, 'x'.repeat(300))), {
    code: 'file_missing',
    message: /cannot be read/,
  })
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  await t.rejects(readPatternFile(pipe), { code: 'file_invalid' }, 'a pipe without a writer does not hang')
})
