import fc from 'fast-check'
import t from 'tap'
import { AppError } from '../../src/kernel/errors.ts'
import { jobId, patternId } from '../../src/kernel/ids.ts'
import { decodeManifest, encodeManifest } from '../../src/protocol/manifest.ts'
import type { Caps } from '../../src/protocol/messages.ts'
import type { Store } from '../../src/store/store.ts'
import { loadJobImage, makeJobImage } from '../../src/upload/job-image.ts'
import { type ImageOrder, prepare } from '../../src/upload/prepare.ts'
import { doneReport } from '../../src/upload/report.ts'
import type { UploadOptions } from '../../src/upload/upload-options.ts'
import { noise, raw, uploadRig } from './upload-rig.ts'

const caps = { codecs: 0b1111, decodeBytes: 16_384, blockBytes: 65_535, slotBytes: 300_000 } as Caps
const matrix = {
  leds: 16,
  width: 4,
  height: 4,
  wiring: 'row-straight-tl',
  colorOrder: 'RGB',
  powerCapMa: undefined,
}

const imageOf = (
  source: Uint8Array,
  options: UploadOptions,
  board: ImageOrder['board'],
  limits: Caps,
  generation = 1,
) => prepare(source, { options, board, caps: limits, generation })

/** A GIF of 2 × 1 pixels and one frame, without a loop extension. */
const tinyGif = Buffer.from('47494638396102000100800000ff000000ff002c00000000020001000002024404003b', 'hex')

/** A frame of LED Matrix Studio, 4 × 4. */
const drawing = (seed: number) =>
  `{anim4\nw:4\nh:4\n${[0, 1, 2, 3].map(row => `r:${[0, 1, 2, 3].map(x => (seed * 7919 + row * 31 + x).toString(16)).join(' ')}`).join('\n')}\n}`
const headerless: UploadOptions = { fileName: 'strip.rgb', raw: false, leds: 16 }

t.test('a raw file is cut as it is; the generation changes the manifest and not the image', async t => {
  const one = imageOf(noise(5000), raw, matrix, caps, 1)
  const two = imageOf(noise(5000), raw, matrix, caps, 2)
  t.ok(Buffer.from(noise(5000)).equals(one.image))
  t.ok(Buffer.from(two.image).equals(one.image))
  t.notSame(one.id, two.id)
})

t.test('what does not fit is refused with figures before anything is sent', async t => {
  const small = { ...caps, slotBytes: 5000 }
  t.throws(() => imageOf(noise(5000), raw, matrix, small), {
    code: 'does_not_fit',
    message: /1 KB too much/,
    detail: { slotBytes: 5000 },
  })
  t.throws(() => imageOf(new Uint8Array(0), raw, matrix, caps), { code: 'file_invalid', message: /empty/ })
  t.throws(() => imageOf(noise(70_000), raw, matrix, { ...caps, blockBytes: 1 }), {
    code: 'does_not_fit',
    message: /blocks/,
  })
  const wide = { ...caps, blockBytes: 40, codecs: 1 }
  t.throws(() => imageOf(noise(48 * 3), headerless, matrix, wide), {
    code: 'does_not_fit',
    message: /Frame \d+ needs \d+ bytes/,
  })
})

t.test('a pattern that draws too much is refused, or dimmed to what the supply gives', async t => {
  const bright = new Uint8Array(48).fill(255)
  const capped = { ...matrix, powerCapMa: 400 }
  t.throws(() => imageOf(bright, headerless, capped, caps), {
    code: 'power_exceeded',
    message: /--scale-power/,
  })
  const peakOf = (more: Partial<UploadOptions>) => {
    const manifest = decodeManifest(imageOf(bright, { ...headerless, ...more }, capped, caps).manifest)
    return manifest.ok ? manifest.value.peakMa : undefined
  }
  const scaled = peakOf({ scalePower: true })
  t.ok(scaled !== undefined && scaled > 350 && scaled <= 400, `${scaled} mA of 400`)
  t.ok((peakOf({ brightness: 50 }) ?? 999) < 400)
})

t.test('a headerless file is read by what the user and the board know', async t => {
  const built = imageOf(noise(48 * 3), headerless, matrix, caps)
  const manifest = decodeManifest(built.manifest)
  t.match(manifest, { ok: true, value: { frames: 3, leds: 16 } })
  for (const more of [
    { sourceWiring: 'row-serpentine-tl' },
    { sourceWiring: 'row-serpentine-tl', width: 4, height: 4 },
  ]) {
    const other = imageOf(noise(48 * 3), { ...headerless, ...more }, matrix, caps)
    t.notSame(other.image, built.image, 'the order of the source counts')
  }
  t.notSame(imageOf(noise(48 * 3), { ...headerless, colorOrder: 'GRB' }, matrix, caps).image, built.image)
  const sized = { ...headerless, width: 4, height: 4 }
  t.notSame(
    imageOf(noise(48 * 3), { ...sized, wiring: 'row-serpentine-tl' }, matrix, caps).image,
    imageOf(noise(48 * 3), sized, matrix, caps).image,
  )
  t.throws(() => imageOf(noise(48 * 3), { ...headerless, wiring: 'zigzag-of-mine' }, matrix, caps), {
    code: 'usage',
  })
  t.throws(() => imageOf(noise(48 * 3), { ...headerless, colorOrder: 'XYZ' }, matrix, caps), {
    code: 'usage',
  })
  t.throws(() => imageOf(noise(48 * 3), { ...headerless, candidate: 999 }, matrix, caps), {
    name: 'AppError',
  })
})

t.test('a GIF that says nothing of loops is played for ever', async t => {
  const built = imageOf(
    tinyGif,
    { fileName: 'a.gif', raw: false, sourceWiring: 'row-straight-tl' },
    { ...matrix, leds: 2, width: 0, height: 0 },
    caps,
  )
  t.match(decodeManifest(built.manifest), { ok: true, value: { loopCount: 0, leds: 2, frames: 1 } })
})

t.test(
  'files are kept by their hash and listed; what is no pattern is refused unless it goes raw',
  async t => {
    const rig = await uploadRig(t)
    const { uploads } = rig.core
    const gif = await uploads.addFile(tinyGif, 'a.gif', false)
    t.match(gif, { pattern: { name: 'a.gif', format: 'gif', sizeBytes: tinyGif.length } })
    t.ok(gif.candidates.length > 0)
    t.match(await uploads.addFile(tinyGif, 'b.gif', true), {
      pattern: { format: 'raw', sourceSha: gif.pattern.sourceSha },
      candidates: [],
    })
    await t.rejects(uploads.addFile(Buffer.from('%PDF-1.4 no pattern'), 'a.pdf', false), AppError)
    t.equal((await uploads.patterns({ limit: 10 })).total, 2)
    t.match(await uploads.pattern(gif.pattern.id), { name: 'a.gif' })
    await t.rejects(uploads.pattern(patternId('nothing')), { code: 'not_found' })
    await t.rejects(uploads.job(jobId('nothing')), { code: 'not_found' })
    await t.rejects(uploads.submit(gif.pattern, [], raw), { code: 'usage' })
    await t.rejects(
      uploads.submit(gif.pattern, [rig.board(1).id], { fileName: 'a.gif', raw: false, candidate: 99 }),
      AppError,
    )
    t.equal((await uploads.jobs({ limit: 10 })).total, 0, 'nothing was begun')
  },
)

t.test(
  'a pattern on its way to a matrix is compiled once, and the same again keeps its generation',
  async t => {
    const rig = await uploadRig(t)
    const bench = await rig.present(rig.board(1, { config: { leds: 2, width: 2, height: 1 } }))
    const options: UploadOptions = { fileName: 'a.gif', raw: false }
    const [first] = await rig.submit([bench], tinyGif, options)
    const one = await rig.ends(first, 'done')
    t.match(await rig.core.uploads.report(one.id), { imageBytes: 6 })
    const loaded = await rig.until(loadJobImage(rig.store, one).then(image => image))
    t.equal(Buffer.from(loaded?.id ?? []).toString('hex'), one.transferId)
    const [second] = await rig.submit([bench], tinyGif, options)
    t.equal((await rig.ends(second, 'done')).transferId, one.transferId)
    const [other] = await rig.submit([bench], tinyGif, { ...options, colorOrder: 'GRB' })
    const changed = await rig.ends(other, 'done')
    t.not(changed.transferId, one.transferId, 'other options make another image')
    const manifest = decodeManifest(
      (await rig.until(loadJobImage(rig.store, changed).then(image => image)))?.manifest ?? new Uint8Array(0),
    )
    t.match(manifest, { ok: true, value: { generation: 2 } })
  },
)

t.test('a generation written into a finished manifest is the manifest of that generation', t => {
  const name = fc.string({ unit: 'binary', maxLength: 40 })
  const generation = fc.integer({ min: 1, max: 0xffffffff })
  const file = fc.uint8Array({ minLength: 1, maxLength: 48 * 4 })
  fc.assert(
    fc.property(name, generation, file, fc.boolean(), (fileName, wanted, bytes, opaque) => {
      const source = opaque ? bytes : noise(48 * Math.ceil(bytes.length / 48), bytes.length)
      const build = (n: number) => imageOf(source, { ...headerless, fileName, raw: opaque }, matrix, caps, n)
      const [before, after] = [build(0), build(wanted)]
      const decoded = decodeManifest(before.manifest)
      const written = decoded.ok && encodeManifest({ ...decoded.value, generation: wanted })
      return (
        written &&
        Buffer.from(written).equals(after.manifest) &&
        Buffer.from(after.image).equals(before.image)
      )
    }),
  )
  t.end()
})

t.test('what is being compiled when the gateway stops is compiled after its restart', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1, { config: { leds: 16, width: 4, height: 4 } }))
  const text = Array.from({ length: 600 }, (_, at) => drawing(at)).join('\n')
  const [job] = await rig.submit([bench], Buffer.from(text), { fileName: 'long.leds', raw: false })
  await rig.when(() => rig.core.patterns.running && rig.core.patterns.pending > 0, 'the compiler')
  await rig.restart()
  t.match(await rig.job(job?.id ?? jobId('')), { state: 'transferring', transferId: null, errorCode: null })
  await rig.core.queue.start()
  await rig.present(bench)
  t.match(await rig.ends(job, 'done'), { attempts: 2 })
})

t.test('what the database has lost is said in plain words', async t => {
  const rig = await uploadRig(t)
  const bench = await rig.present(rig.board(1))
  const [job] = await rig.submit([bench], noise(500))
  const done = await rig.ends(job, 'done')
  const { store } = rig
  await t.rejects(
    makeJobImage({ store, patterns: rig.core.patterns }, { ...done, sourceSha: null }, matrix, caps, 0),
    {
      code: 'storage_failed',
      message: /Upload it again/,
    },
  )
  await t.rejects(loadJobImage(store, { ...done, manifestSha: done.imageSha }), {
    code: 'storage_failed',
    message: /Upload the file again/,
  })
  t.equal(await loadJobImage(store, { ...done, transferId: null }), undefined)
  await t.rejects(doneReport(store, { ...done, digestAlg: null }), /is not done/)
  await t.rejects(doneReport(store, { ...done, manifestSha: done.imageSha }), /cannot be read/)
})

t.test('a board that cannot be written down is let go, and greeted again', async t => {
  let broken = true
  const errors: string[] = []
  const wrap = (store: Store): Store => {
    const seen: Store['boards']['seen'] = board =>
      broken ? Promise.reject(new Error('disk')) : store.boards.seen(board)
    return {
      ...store,
      boards: { ...store.boards, seen },
      get pending() {
        return store.pending
      },
    }
  }
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (_: object, message: string) => errors.push(message),
  }
  const rig = await uploadRig(t, { wrap, log })
  const bench = rig.board(1)
  bench.connection.start()
  await rig.pass(3000)
  t.ok(errors.length >= 2 && errors.length <= 7, `${errors.length} tries in 3 s`)
  t.equal(rig.core.registry.session(bench.id), undefined)
  broken = false
  await rig.when(() => rig.core.registry.session(bench.id) !== undefined, 'the board')
})

t.test('a bug in a run fails its job alone', async t => {
  const errors: string[] = []
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (_: object, message: string) => errors.push(message),
  }
  let broken = true
  const wrap = (store: Store): Store => {
    const nextGeneration: Store['boards']['nextGeneration'] = id =>
      broken ? Promise.reject(new TypeError('x is not a function')) : store.boards.nextGeneration(id)
    return {
      ...store,
      boards: { ...store.boards, nextGeneration },
      get pending() {
        return store.pending
      },
    }
  }
  const rig = await uploadRig(t, { wrap, log })
  const bench = await rig.present(rig.board(1))
  const [job] = await rig.submit([bench], noise(500))
  t.match(await rig.ends(job, 'failed'), { errorCode: 'daemon_failed', errorMessage: /x is not a function/ })
  t.same(errors, ['an upload ended by a bug'])
  broken = false
  const [next] = await rig.submit([bench], noise(500))
  await rig.ends(next, 'done')
})
