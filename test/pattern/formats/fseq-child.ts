import { PatternFile } from '../../../src/cli/pattern-file.ts'
import { chooseCandidate } from '../../../src/pattern/choose.ts'
import { detectPattern } from '../../../src/pattern/detect.ts'
import { openPart } from '../../../src/pattern/open-part.ts'

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

await open(small, {})
global.gc?.()
const before = process.memoryUsage().rss
let highest = before
const watch = () => {
  highest = Math.max(highest, process.memoryUsage().rss)
}
const cpu = process.cpuUsage()
const result = await open(file, JSON.parse(part) as object)
const { user, system } = process.cpuUsage(cpu)
watch()
const peakBytes = process.resourceUsage().maxRSS * 1024
process.stdout.write(
  JSON.stringify({
    ...result,
    grownMb: (highest - before) / 2 ** 20,
    peakMb: (peakBytes - before) / 2 ** 20,
    cpuMs: (user + system) / 1000,
  }),
)
