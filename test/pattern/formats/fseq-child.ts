import { readFileSync, writeFileSync } from 'node:fs'
import { PatternFile } from '../../../src/cli/pattern-file.ts'
import { chooseCandidate } from '../../../src/pattern/choose.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { openPart } from '../../../src/pattern/open-part.ts'
import { CpuTime } from '../../support/cpu-time.ts'

/**
 * Opens a part of a sequence in a process of its own and says what that took: `node fseq-child.ts FILE '{"channels":…}' SMALL`.
 * SMALL is opened first, so that the growth is not that of code being loaded.
 */
const [file = '', part = '{}', small = ''] = process.argv.slice(2)

async function open(path: string, options: object): Promise<object> {
  const source = await PatternFile.open(path)
  try {
    const read = detectPattern(source)
    if (!read.ok) return { fault: read.fault.message }
    const chosen = chooseCandidate(read.value)
    if (!chosen.ok) return { fault: chosen.fault.message }
    const opened = openPart(chosen.value, options)
    if (!opened.ok) return { fault: opened.fault.message }
    const { leds, frames } = opened.value
    return {
      leds,
      frames: frames.length,
      lit: frames.filter(({ pixels }) => pixels.some(value => value > 0)).length,
    }
  } finally {
    await source.close()
  }
}

/** The most memory that was resident since `resetPeak`; what loading the code took before does not count. */
const peakBytes = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
const resetPeak = () => writeFileSync('/proc/self/clear_refs', '5')

for (let round = 0; round < 20; round++) await open(small, {})
global.gc?.()
resetPeak()
const before = peakBytes()
const cpu = new CpuTime()
const result = await open(file, JSON.parse(part) as object)
const { ms: cpuMs } = cpu
const peakMb = (peakBytes() - before) / 2 ** 20
process.stdout.write(JSON.stringify({ ...result, peakMb, cpuMs, tooSlow: cpu.exceeds(1000) }))
