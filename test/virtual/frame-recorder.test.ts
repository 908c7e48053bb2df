import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { AppError } from '../../src/kernel/errors.ts'
import { FrameRecorder, openFrameRecorder, recorderCapBytes } from '../../src/virtual/frame-recorder.ts'

const shown = (frame: number, pixels: Uint8Array) => ({
  frame,
  delayMs: 40,
  id: new Uint8Array(16).fill(0xab),
  pixels,
})

function temporaryFile(test: { teardown(act: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'frames-'))
  test.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'frames.jsonl')
}

t.test('each frame is a line of JSON, appended to what the file held', async t => {
  const path = temporaryFile(t)
  writeFileSync(path, 'earlier\n')
  const faults: AppError[] = []
  const recorder = await openFrameRecorder(path, error => void faults.push(error))
  const pixels = Uint8Array.of(0, 127, 255)
  recorder.record(12.345, 1, shown(0, pixels))
  pixels.fill(9)
  recorder.record(52.1, 1, shown(1, pixels))
  await recorder.close()
  const [earlier, first, second, rest] = readFileSync(path, 'utf8').split('\n')
  t.equal(earlier, 'earlier')
  t.same(JSON.parse(first ?? ''), {
    t: 12.3,
    pattern: 'ab'.repeat(16),
    frame: 0,
    delayMs: 40,
    leds: 1,
    pixels: '007fff',
  })
  t.match(JSON.parse(second ?? ''), { t: 52.1, frame: 1, pixels: '090909' })
  t.equal(rest, '')
  t.same(faults, [])
})

t.test('a frame is in the file without waiting for the next one', async t => {
  const path = temporaryFile(t)
  const recorder = await openFrameRecorder(path, () => undefined)
  t.teardown(() => recorder.close())
  for (let frame = 0; frame < 3; frame++) {
    recorder.record(frame, 1, shown(frame, new Uint8Array(3)))
    const deadline = performance.now() + 5000
    while (readFileSync(path, 'utf8').split('\n').length !== frame + 2) {
      if (performance.now() > deadline) throw new Error('the frame does not appear')
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  t.pass('three frames, each at once')
})

t.test('while the disk is stuck no more than the cap waits', async t => {
  let free: () => void = () => undefined
  const written: string[] = []
  const stuck = new Promise<void>(resolve => {
    free = resolve
  })
  const file = {
    appendFile: async (text: string) => {
      await stuck
      written.push(text)
    },
    close: async () => undefined,
  } as unknown as FileHandle
  const recorder = new FrameRecorder(file, () => undefined)
  const big = new Uint8Array(512 * 1024)
  for (let frame = 0; frame < 20; frame++) recorder.record(frame, 1, shown(frame, big))
  t.ok(recorder.omitted > 5)
  free()
  await recorder.close()
  t.equal(written.length, 2, 'what waited follows in one write')
  t.ok((written[1]?.length ?? 0) <= recorderCapBytes)
  t.equal(written.join('').trim().split('\n').length + recorder.omitted, 20)
})

t.test('a file that cannot be opened or written is a fault, told once', async t => {
  await t.rejects(
    openFrameRecorder('/nowhere/frames', () => undefined),
    { code: 'storage_failed' },
  )
  const path = temporaryFile(t)
  writeFileSync(path, '')
  const faults: AppError[] = []
  const recorder = new FrameRecorder(await open(path, 'r'), error => void faults.push(error))
  recorder.record(0, 1, shown(0, new Uint8Array(3)))
  await recorder.close()
  t.match(faults, [{ code: 'storage_failed' }])
  recorder.record(1, 1, shown(1, new Uint8Array(3)))
  t.equal(recorder.omitted, 1)
  t.equal(faults.length, 1)
})
