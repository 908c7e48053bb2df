import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { Gate } from '../../src/guard/gate.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { patternId } from '../../src/kernel/ids.ts'
import { defaultLimits } from '../../src/pattern/limits.ts'
import { ByteCache } from '../../src/upload/preview/byte-cache.ts'
import { drawBoard, drawPattern } from '../../src/upload/preview/draw-preview.ts'
import { Previews, type SerialisedPreview } from '../../src/upload/previews.ts'
import type { PreviewView } from '../../src/wire/pattern.ts'
import { ledmFile } from '../support/pixelgate.ts'
import { noise, noiseGif, raw, uploadRig } from './upload-rig.ts'

const viewOf = ({ json }: SerialisedPreview): PreviewView => parsed(json)
const parsed = (json: Uint8Array): PreviewView => JSON.parse(Buffer.from(json).toString())
const pixelsOf = ({ pixels }: PreviewView): number[] => [...Buffer.from(pixels, 'base64')]
const strip = Uint8Array.from({ length: 6 * 3 * 2 }, (_, at) => at + 1)

t.test('what a board plays is shown as its own canvas, LED by LED', async t => {
  const rig = await uploadRig(t)
  const { core, store, clock } = rig
  const { book, states, patterns } = core
  const previews = new Previews({ store, book, states, clock, patterns })
  t.teardown(() => previews.close())
  const matrix = await rig.present(rig.board(1, { config: { leds: 8, width: 4, height: 2 } }))
  const line = await rig.present(rig.board(2, { config: { leds: 8, width: 0, height: 0 } }))
  await core.book.change(matrix.id, { wiring: 'row-serpentine-tl' })
  await t.rejects(previews.ofBoard(matrix.id), { code: 'not_found', message: /no pattern yet/ })
  const options = { fileName: 'strip.rgb', raw: false, leds: 6 }
  const jobs = await rig.submit([matrix, line], strip, options)
  for (const job of jobs) await rig.ends(job, 'done')
  await rig.pass(5000)

  const wall = viewOf(await previews.ofBoard(matrix.id))
  t.match(wall, { width: 4, height: 2, frames: 2 })
  const led = (at: number) => [at * 3 + 1, at * 3 + 2, at * 3 + 3]
  const black = [0, 0, 0]
  t.same(
    pixelsOf(wall).slice(0, 24),
    [led(0), led(1), led(2), led(3), black, black, led(5), led(4)].flat(),
    'the second row runs backwards, and LEDs beyond the pattern are black',
  )
  const row = viewOf(await previews.ofBoard(line.id))
  t.match(row, { width: 8, height: 1 })
  t.same(pixelsOf(row).slice(24, 48), [...strip.slice(18), ...black, ...black])

  const [rawJob] = await rig.submit([line], noise(2000), raw)
  await rig.ends(rawJob, 'done')
  await rig.pass(5000)
  await t.rejects(previews.ofBoard(line.id), { code: 'not_found', message: /raw bytes/ })
  matrix.unplug()
  await rig.when(() => core.registry.session(matrix.id) === undefined, 'the board to go')
  await t.rejects(previews.ofBoard(matrix.id), { code: 'not_found', message: /not connected/ })
  const stranger = new Previews({
    store: { ...store, jobs: { ...store.jobs, ofImage: async () => undefined } },
    book: core.book,
    states: core.states,
    clock,
  })
  await t.rejects(stranger.ofBoard(line.id), { code: 'not_found', message: /not made by this gateway/ })
})

t.test('a large picture becomes smaller and shorter, and is drawn once for all who ask', async t => {
  const { core, store } = await uploadRig(t)
  const previews = new Previews({ store, book: core.book, states: core.states, clock: systemClock })
  t.teardown(() => previews.close())
  const source = noiseGif(320, 240, 24)
  const { pattern } = await core.uploads.addFile(source, 'large.gif', false)
  const ask = () => previews.ofPattern(pattern.id, { width: 320, candidate: 0 })
  const [drawn, same] = await Promise.all([ask(), ask()])
  t.equal(drawn, same, 'who asks for the same at the same time gets the same')
  t.equal(await ask(), drawn, 'and so does who asks later')
  const view = viewOf(drawn)
  t.match(view, { width: 64, height: 48, frames: 24 })
  t.equal(view.delaysMs.length, 24)
  t.ok(view.pixels.length <= 1.4 * 1024 * 1024)
  t.same(JSON.parse(gunzipSync(drawn.gzip).toString()), view)
  const candidates = await previews.candidates(pattern.id, {})
  t.match(candidates, [{ format: 'gif', width: 320, height: 240, frames: 24 }])
  await t.rejects(previews.ofPattern(patternId('no'), {}), { code: 'not_found' })
  await t.rejects(previews.candidates(patternId('no'), {}), { code: 'not_found' })
})

t.test('a board smaller than the picture gets it at its own size; a drawing too long loses its end', t => {
  const options = { fileName: 'x.gif', raw: false }
  const board = { leds: 12, width: 4, height: 3, wiring: 'row-straight-tl' }
  const view = parsed(drawBoard(noiseGif(40, 30, 2), { options, board }, defaultLimits))
  t.match(view, { width: 4, height: 3, frames: 2 })
  const long = new Uint8Array(300 * 3 * 2000)
  const reading = { fileName: 'long.rgb', leds: 300, candidate: 0 }
  const cut = parsed(drawPattern(long, reading, defaultLimits))
  t.equal(cut.frames, 2000)
  t.equal(cut.delaysMs.length, Math.floor((1024 * 1024) / 900))
  const wide = { leds: 4, width: 0, height: 0, wiring: 'row-straight-tl' }
  const strips = { fileName: 's.rgb', raw: false, leds: 6 }
  const own = parsed(drawBoard(strip, { options: strips, board: wide }, defaultLimits))
  t.match(own, { width: 6, height: 1 }, 'what does not fit any more is shown as it is')
  t.throws(() => drawPattern(new Uint8Array(0), reading, defaultLimits), { code: 'file_invalid' })
  t.end()
})

t.test('the cache holds so many bytes, and the gate lets so many wait', async t => {
  const cache = new ByteCache<{ sizeBytes: number }>(100)
  cache.set('a', { sizeBytes: 40 })
  cache.set('b', { sizeBytes: 40 })
  t.ok(cache.get('a'))
  cache.set('c', { sizeBytes: 40 })
  t.same(
    ['a', 'b', 'c'].map(key => cache.get(key) !== undefined),
    [true, false, true],
  )
  cache.set('a', { sizeBytes: 10 })
  t.equal(cache.sizeBytes, 50)
  cache.set('huge', { sizeBytes: 1000 })
  t.equal(cache.sizeBytes, 0)

  const gate = new Gate({ running: 1, waiting: 1, message: 'later' })
  const order: string[] = []
  const work = (name: string) => async () => {
    order.push(name)
    await new Promise(resolve => setImmediate(resolve))
    if (name === 'first') throw new Error('broken')
  }
  const first = gate.run(work('first'))
  const second = gate.run(work('second'))
  t.equal(gate.waiting, 1)
  await t.rejects(gate.run(work('third')), { code: 'overloaded', message: 'later' })
  await t.rejects(first, { message: 'broken' })
  await second
  await gate.run(work('fourth'))
  t.same(order, ['first', 'second', 'fourth'])
})

t.test('a board with a layout is shown on its canvas, dark where it has no LED', async t => {
  const layout = JSON.stringify({
    kind: 'cells',
    width: 3,
    height: 1,
    cells: [
      [2, 0],
      [0, 0],
    ],
  })
  const tall = JSON.stringify({
    kind: 'cells',
    width: 2,
    height: 2,
    cells: [
      [1, 1],
      [0, 0],
    ],
  })
  const board = { leds: 4, width: 3, height: 1, wiring: 'row-straight-tl', layout }
  const drawn = (source: Uint8Array, options: object, shape: object) =>
    parsed(
      drawBoard(
        source,
        { options: { fileName: 'a.rgb', raw: false, ...options }, board: { ...board, ...shape } },
        defaultLimits,
      ),
    )
  const two = drawn(strip.slice(0, 6), { leds: 2 }, {})
  t.match(two, { width: 3, height: 1 })
  t.same(pixelsOf(two), [4, 5, 6, 0, 0, 0, 1, 2, 3], 'a strip lies as the layout says')
  const canvas = drawn(strip.slice(0, 9), { leds: 3 }, {})
  t.same(pixelsOf(canvas), [1, 2, 3, 0, 0, 0, 7, 8, 9])
  const square = ledmFile([1], 2, 2)
  const seen = pixelsOf(drawn(square, {}, { width: 2, height: 2, layout: tall }))
  t.same(seen, [...square.slice(16, 19), 0, 0, 0, 0, 0, 0, ...square.slice(25, 28)])
})
