// Answers one question of in-child.ts in a process of its own: argv holds the question, stdout the answer, both as JSON.
import { readFileSync } from 'node:fs'
import { PatternFile } from '../../../src/cli/pattern-file.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { noiseBytes } from '../payload.ts'
import { compiled } from './compile-times.ts'
import { drawing } from './drawings.ts'
import type { Question } from './in-child.ts'
import { type Cost, costOf } from './paired-runs.ts'

/** Most memory that the process has ever held (VmHWM of proc(5)). */
const mostBytes = (): number =>
  Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024

async function answer(question: Question): Promise<Cost | number | null> {
  switch (question.work) {
    case 'first-compile': {
      const pattern = drawing(question.kind, question.frames, question.seed)
      return costOf(() => compiled(pattern))
    }
    case 'channels':
      return channels(question.path, question.first, question.count)
    case 'pattern-thread':
      return patternThread(question.sizeBytes)
  }
}

async function channels(path: string, first: number, count: number): Promise<number | null> {
  const file = await PatternFile.open(path)
  const before = process.memoryUsage.rss()
  const found = detectPattern(file, { channels: { first, count } })
  if (!found.ok) return null
  const opened = found.value[0]?.open({ channels: { first, count } })
  if (opened?.ok !== true) throw new Error(opened?.fault.message)
  return mostBytes() - before
}

/** The file belongs to the caller, as an uploaded one does, and is made an image for a strip of 4,096 LEDs. */
async function patternThread(sizeBytes: number): Promise<number> {
  const { systemClock } = await import('../../../src/kernel/clock.ts')
  const { PatternThread } = await import('../../../src/upload/pattern-thread/pattern-thread.ts')
  const leds = 4096
  const frameBytes = leds * 3
  const source = new Uint8Array(Math.floor(sizeBytes / frameBytes) * frameBytes)
  const some = noiseBytes(frameBytes * 16 + 7, 1)
  for (let at = 0; at < source.length; at += some.length) source.set(some.subarray(0, source.length - at), at)
  const thread = new PatternThread({ clock: systemClock })
  const before = process.memoryUsage.rss()
  await thread.run(source, {
    work: 'prepare',
    asked: {
      options: { fileName: 'noise.bin', raw: false, leds, candidate: 0 },
      board: {
        leds,
        width: 0,
        height: 0,
        wiring: 'row-straight-tl',
        colorOrder: 'GRB',
        powerCapMa: undefined,
      },
      caps: { codecs: 0b1111, decodeBytes: 16_384, blockBytes: 16_448, slotBytes: 0xffffffff },
      generation: 1,
    },
  })
  const most = mostBytes()
  await thread.close()
  return most - before
}

process.stdout.write(JSON.stringify(await answer(JSON.parse(process.argv[2] ?? '') as Question)))
