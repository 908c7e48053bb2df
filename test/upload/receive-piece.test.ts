import { Readable } from 'node:stream'
import t from 'tap'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { PartFile } from '../../src/upload/resumable/part-file.ts'
import { idleTimeoutMs, receivePiece } from '../../src/upload/resumable/receive-piece.ts'
import { staleMs, UploadLocks } from '../../src/upload/resumable/upload-locks.ts'
import { eventually } from '../support/pixelgate.ts'

/** A disk that takes its time: a card that sorts its blocks stands still for seconds. */
class SlowDisk {
  readonly #waiting: (() => void)[] = []
  steps = 0

  step(): Promise<void> {
    this.steps += 1
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  goOn(): void {
    this.#waiting.shift()?.()
  }

  get file(): PartFile {
    const step = () => this.step()
    return { write: step, sync: step, cut: step } as unknown as PartFile
  }
}

t.test('a sender is not silent while the disk works, and is afterwards', async t => {
  const clock = new VirtualClock()
  const disk = new SlowDisk()
  const locks = new UploadLocks(clock)
  const body = new Readable({ read: () => undefined })
  const noted: number[] = []
  const done = locks.run('one', body, holder =>
    receivePiece(
      { offset: 0, body, lengthBytes: 20, checksum: undefined },
      {
        ...{ file: disk.file, sizeBytes: 100, clock, holder },
        note: async offset => {
          noted.push(offset)
        },
      },
    ),
  )
  done.catch(() => undefined)
  body.push(Buffer.alloc(10))
  await eventually(() => disk.steps === 1, 'the write')
  clock.advance(2 * idleTimeoutMs)
  t.equal(await locks.settle('one'), false)
  t.equal(body.destroyed, false, 'it was not heard because nobody listened')
  disk.goOn()
  // Meanwhile so much time has gone that what is here is made fast.
  await eventually(() => disk.steps === 2, 'the sync')
  clock.advance(2 * idleTimeoutMs)
  t.equal(await locks.settle('one'), false)
  t.equal(body.destroyed, false)
  disk.goOn()
  await eventually(() => noted.length === 1, 'the note')
  await new Promise(setImmediate)
  clock.advance(staleMs - 1)
  t.equal(await locks.settle('one'), false)
  clock.advance(1)
  t.equal(await locks.settle('one'), true)
  t.equal(body.destroyed, true)
  t.same(noted, [10])
  await t.rejects(done, { code: 'cancelled' })
})
