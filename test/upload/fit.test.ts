import fc from 'fast-check'
import t from 'tap'
import { AppError } from '../../src/kernel/errors.ts'
import { defaultLimits } from '../../src/pattern/limits.ts'
import { fitPattern } from '../../src/upload/fit/fit-pattern.ts'
import { prepare } from '../../src/upload/prepare.ts'
import type { UploadOptions } from '../../src/upload/upload-options.ts'
import type { FitAdvice } from '../../src/wire/pattern-fit.ts'
import { ledmFile, numbers } from '../support/pixelgate.ts'
import { noise, noiseGif, uploadRig } from './upload-rig.ts'

const caps = { codecs: 0b1111, decodeBytes: 16_384, blockBytes: 65_535, slotBytes: 1_000_000 }
const board = {
  ...{ leds: 64, width: 8, height: 8, wiring: 'row-serpentine-tl', colorOrder: 'GRB' },
  powerCapMa: undefined as number | undefined,
}
const options: UploadOptions = { fileName: 'fire.ledm', raw: false }
const fit = (source: Uint8Array, more: { options?: object; board?: object; caps?: object } = {}) =>
  fitPattern(
    source,
    {
      options: { ...options, ...more.options },
      board: { ...board, ...more.board },
      caps: { ...caps, ...more.caps },
    },
    defaultLimits,
  )
/** What an upload would say. */
const tried = (source: Uint8Array, slotBytes: number, more: object = {}) => {
  try {
    return prepare(source, {
      options: { ...options, ...more },
      board,
      caps: { ...caps, slotBytes },
      generation: 0,
    })
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined
    throw thrown
  }
}
const of = (advice: readonly FitAdvice[], kind: FitAdvice['kind']) => advice.find(each => each.kind === kind)
const frames = numbers(0, 60)
const file = ledmFile(frames)

t.test('what fits is said with the bytes it needs, and an upload says the same', async t => {
  const { neededBytes, ...rest } = fit(file)
  t.match(rest, { fits: true, overKb: 0, slotBytes: 1_000_000, capMa: null, problems: [], advice: [] })
  t.ok((rest.peakMa ?? 0) > 1000)
  t.ok(tried(file, neededBytes ?? 0))
  t.notOk(tried(file, (neededBytes ?? 0) - 1))
})

t.test('what is too large is over by so many KB, and so many frames fit: one more does not', async t => {
  for (const slotBytes of [9000, 5000, 700]) {
    const { fits, overKb, neededBytes, problems, advice } = fit(file, { caps: { slotBytes } })
    t.equal(fits, false)
    t.equal(overKb, Math.ceil(((neededBytes ?? 0) - slotBytes) / 1024))
    t.match(problems, [{ kind: 'size', message: new RegExp(`: ${overKb} KB too much`) }])
    const most = of(advice, 'frames')?.frames ?? 0
    t.ok(most > 0 && most < 60, `${most} frames in ${slotBytes} bytes`)
    t.ok(tried(ledmFile(numbers(0, most)), slotBytes))
    t.notOk(tried(ledmFile(numbers(0, most + 1)), slotBytes))
  }
})

t.test('a lower rate and fewer colours are proposed where they were seen to fit', async t => {
  const { neededBytes } = fit(file)
  const slotBytes = Math.floor((neededBytes ?? 0) * 0.7)
  const { advice } = fit(file, { caps: { slotBytes } })
  const rate = of(advice, 'rate')
  t.match(rate, { everyNth: 2, message: /every second frame, shown 2 times as long/ })
  t.ok((rate?.neededBytes ?? 0) <= slotBytes)
  const palette = of(advice, 'palette')
  t.ok((palette?.neededBytes ?? slotBytes + 1) <= slotBytes, palette?.message ?? 'no palette')
  t.same(fit(file, { caps: { slotBytes: 60 } }).advice, [], 'nothing that was not seen to fit is promised')
})

t.test('too much current: the brightness that fits is told, and at that brightness it fits', async t => {
  const power = fit(file, { board: { powerCapMa: 900 } })
  t.match(power, {
    fits: false,
    capMa: 900,
    overKb: 0,
    problems: [{ kind: 'power', message: /limited to 0\.90 A/ }],
  })
  t.ok((power.peakMa ?? 0) > 900)
  const brightness = of(power.advice, 'brightness')?.brightness ?? 0
  t.match(fit(file, { board: { powerCapMa: 900 }, options: { brightness } }), { fits: true })
  t.match(fit(file, { board: { powerCapMa: 900 }, options: { brightness: brightness + 3 } }), { fits: false })
  t.match(fit(file, { board: { powerCapMa: 900 }, options: { scalePower: true } }), { fits: true })
  t.match(fit(file, { board: { powerCapMa: 30 } }), { fits: false, advice: [{ kind: 'power' }] })
  const both = fit(file, { board: { powerCapMa: 900 }, caps: { slotBytes: 5000 } })
  t.same(
    both.problems.map(({ kind }) => kind),
    ['power', 'size'],
  )
})

t.test('another shape, too many LEDs, and a file that is none are told for that board', async t => {
  const shape = fit(file, { board: { leds: 16, width: 4, height: 4 } })
  t.match(shape, {
    fits: false,
    neededBytes: null,
    overKb: 0,
    problems: [{ kind: 'shape', message: /8×8, the board 4×4/ }],
  })
  t.match(shape.advice, [{ kind: 'shape', message: /^Draw it at the size/ }])
  t.match(fit(file, { board: { width: 0, height: 0 } }).advice, [{ message: /set the board's width/i }])
  const strip = { options: { fileName: 'x.rgb', leds: 100 } }
  t.match(fit(noise(300 * 4), strip).problems, [{ kind: 'shape', message: /100 LEDs, the board 64/ }])
  t.match(fit(noise(300 * 4), { ...strip, board: { leds: 100, width: 0, height: 0 } }), { fits: true })
  t.match(fit(noiseGif(20, 20, 2)), { fits: true }, 'a picture is scaled')
  t.match(fit(file, { board: { wiring: 'zigzag' } }), { fits: false, problems: [{ kind: 'reading' }] })
  t.match(fit(file, { caps: { blockBytes: 20, codecs: 1 } }), {
    fits: false,
    problems: [{ kind: 'size', message: /Frame \d+ needs/ }],
  })
})

t.test('raw bytes need their size', async t => {
  const raw = { raw: true, fileName: 'x' }
  t.match(fit(noise(5000), { options: raw }), { fits: true, peakMa: null })
  t.match(fit(noise(5000), { options: raw, caps: { slotBytes: 4000 } }), {
    fits: false,
    overKb: 2,
    advice: [{ kind: 'frames', message: /shorter/ }],
  })
})

t.test('what is said to fit is what an upload accepts, whatever the file and the slot', t => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 50, max: 9000 }),
      fc.option(fc.integer({ min: 50, max: 4000 }), { nil: undefined }),
      (drawn, slotBytes, powerCapMa) => {
        const source = ledmFile(drawn)
        const order = { options, board: { ...board, powerCapMa }, caps: { ...caps, slotBytes } }
        let accepted = true
        try {
          prepare(source, { ...order, generation: 0 })
        } catch {
          accepted = false
        }
        const { fits, advice } = fitPattern(source, order, defaultLimits)
        const most = of(advice, 'frames')?.frames
        return fits === accepted && (most === undefined || (most >= 1 && most < drawn.length))
      },
    ),
    { numRuns: 60 },
  )
  t.end()
})

t.test('every known board is told, absent ones too; boards alike are tried once', async t => {
  const rig = await uploadRig(t)
  const config = { leds: 64, width: 8, height: 8 }
  const [one, two, three] = [rig.board(1, { config }), rig.board(2, { config }), rig.board(3)]
  for (const bench of [one, two, three]) await rig.present(bench)
  const { uploads, fits, patterns, library } = rig.core
  const { pattern } = await rig.until(uploads.addFile(file, 'fire.ledm', false))
  let runs = 0
  const run = patterns.run.bind(patterns)
  patterns.run = ((source, task) => {
    if (task.work === 'fit') runs += 1
    return run(source, task)
  }) as typeof patterns.run
  const told = await rig.until(fits.of(pattern, {}))
  t.match(
    told.map(({ boardId, fits }) => [boardId, fits]).sort(),
    [
      [one.id, true],
      [two.id, true],
      [three.id, false],
    ].sort(),
  )
  t.equal(runs, 2)
  await rig.until(fits.of(pattern, {}))
  t.equal(runs, 2, 'remembered')
  two.unplug()
  await rig.when(() => rig.core.registry.session(two.id) === undefined, 'the board to go')
  t.same(await rig.until(fits.of(pattern, {})), told, 'a board that is away is known by its last greeting')
  await rig.core.book.change(one.id, { powerCapMa: 500 })
  t.match(await rig.until(fits.of(pattern, {}, [one.id])), [{ boardId: one.id, fits: false, capMa: 500 }])
  t.equal(runs, 3, 'another cap is another question')
  await t.rejects(fits.of(pattern, {}, ['nobody']), { code: 'not_found' })

  const { pattern: several } = await rig.until(uploads.addFile(noise(30 * 60), 'old.bin', false))
  await t.rejects(rig.until(fits.of(several, {})), { code: 'file_ambiguous' })
  t.ok(await rig.until(fits.of(several, { leds: 10, candidate: 0 })))
  t.match(await library.find('fire'), { id: pattern.id })
})

t.test('a board of which the database knows no CAPS is not guessed at', async t => {
  const rig = await uploadRig(t)
  const { id } = rig.board(1)
  await rig.store.boards.seen({
    ...{ id, name: 'old', width: 8, height: 8, leds: 64, wiring: 'row-straight-tl', colorOrder: 'RGB' },
    ...{
      linkKind: 'tcp',
      linkAddress: '',
      baudRate: null,
      bootId: 1,
      firmware: '',
      capsJson: '{}',
      nowMs: 1,
    },
  })
  const { pattern } = await rig.until(rig.core.uploads.addFile(file, 'fire.ledm', false))
  t.match(await rig.until(rig.core.fits.of(pattern, {})), [
    { fits: false, slotBytes: null, problems: [{ kind: 'unknown' }], advice: [{ kind: 'connect' }] },
  ])
})
