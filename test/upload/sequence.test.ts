import t from 'tap'
import { defaultLimits } from '../../src/pattern/limits.ts'
import { isLight } from '../../src/upload/pattern-thread/light-work.ts'
import { doWork } from '../../src/upload/pattern-thread/pattern-work.ts'
import { drawPattern } from '../../src/upload/preview/draw-preview.ts'
import type { PreviewView } from '../../src/wire/pattern.ts'
import { fseqFile, zstdFrame } from '../pattern/formats/fseq-files.ts'
import { openBest, sharedSample, withoutSamples } from '../pattern/pattern-files.ts'

const fileName = 'show.fseq'
const frames = Array.from({ length: 50 }, (_, frame) =>
  Uint8Array.from({ length: 30 }, (_value, channel) => frame * 4 + channel),
)
const show = fseqFile({ channels: 30, frames, compression: 2 })
const preview = (source: Uint8Array, more: object = {}): PreviewView =>
  JSON.parse(Buffer.from(drawPattern(source, { fileName, ...more }, defaultLimits)).toString())
const pixels = (view: PreviewView) => Buffer.from(view.pixels, 'base64')

t.test('a part of a sequence is previewed as that part', async t => {
  t.match(preview(show), { width: 10, height: 1, frames: 50, delaysMs: { length: 50 } })
  const part = preview(show, { channels: '4-9', frames: '11+5' })
  t.match(part, { width: 2, height: 1, frames: 5, delaysMs: [25, 25, 25, 25, 25] })
  t.same([...pixels(part).subarray(0, 6)], [43, 44, 45, 46, 47, 48])
  t.throws(() => preview(show, { frames: '50-51' }), { code: 'usage' })
  t.throws(() => preview(show, { channels: '30-31' }), { code: 'usage' })
  t.throws(() => preview(show, { channels: 'all' }), { code: 'usage' })
})

t.test('of a show that is too large for memory the beginning is shown', { skip: withoutSamples }, async t => {
  const source = sharedSample('fseq/media-header-246MB.fseq')
  const view = preview(source)
  t.match(view, { width: 10_030, height: 1, frames: 8181 })
  t.ok(view.delaysMs.length > 20 && view.pixels.length < 1.5 * 2 ** 20)
  t.match(preview(source, { channels: '1-300' }), { width: 100, frames: 8181 })
  const { thumbnail } = doWork(source, { work: 'arrive', asked: { fileName } }, defaultLimits)
  t.ok(thumbnail !== null && thumbnail.length > 100)
})

t.test('a show that comes in has a thumbnail, of its beginning or of the part that was named', async t => {
  const arrive = (asked: object) =>
    doWork(show, { work: 'arrive', asked: { fileName, ...asked } }, defaultLimits)
  t.match(arrive({}), { index: 0, ambiguous: false, thumbnail: Object })
  const part = arrive({ channels: '1-6', frames: '1-2' })
  t.match(part, { candidates: [{ leds: 2 }] })
  t.notSame(part.thumbnail, arrive({}).thumbnail)
  const asked = { fileName, format: 'std', name: 'part', channels: '4-9', frames: '11+5' }
  const { bytes: written } = doWork(show, { work: 'export', asked }, defaultLimits)
  t.match(openBest(written, { fileName: 'part.bin' }), { leds: 2, frames: { length: 5 } })
})

t.test('a reading is checked with the part that is wanted, before anything is expanded', async t => {
  const broken = fseqFile({
    channels: 30,
    frames,
    compression: 1,
    pack: () => zstdFrame([new Uint8Array(1)]),
  })
  const check = (more: object) =>
    doWork(broken, { work: 'check', asked: { fileName, ...more } }, defaultLimits)
  t.equal(check({}), undefined)
  t.equal(check({ channels: '1-30', frames: '1-50' }), undefined)
  t.throws(() => check({ frames: '1-51' }), { code: 'usage', message: /has 50/ })
  t.throws(() => check({ channels: '31-33' }), { code: 'usage', message: /not in the file/ })
  t.match(doWork(show, { work: 'candidates', asked: { fileName, channels: '1-6' } }, defaultLimits), [
    { leds: 2, channels: 30 },
  ])
})

t.test('expanding counts as work for the thread, the header alone does not', async t => {
  const candidates = { work: 'candidates', asked: { fileName } } as const
  t.ok(isLight(new Uint8Array(Buffer.concat([show, Buffer.alloc(2 ** 20)])), candidates, 3, defaultLimits))
  t.ok(isLight(show, { work: 'drawPattern', asked: { fileName } }, 3, defaultLimits))
  const wide = fseqFile({
    channels: 100_000,
    frames: Array<Uint8Array>(30).fill(new Uint8Array(100_000)),
    compression: 2,
  })
  t.notOk(isLight(wide, { work: 'drawPattern', asked: { fileName, channels: '1-3' } }, 3, defaultLimits))
})
