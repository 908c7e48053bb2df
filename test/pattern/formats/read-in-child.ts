import { execFileSync } from 'node:child_process'

export interface ChildReading {
  /** Kind of fault of each file, or `read`. */
  readonly faults: readonly string[]
  readonly cpuMs: number
  /** More than a second of the processor. */
  readonly tooSlow: boolean
  /** Highest resident memory above that before reading. */
  readonly grownBytes: number
}

const script = `
  import { readFileSync, writeFileSync } from 'node:fs'
  import { detectPattern } from './src/pattern/detect.ts'
  import { CpuTime } from './test/support/cpu-time.ts'
  const [folder, ...names] = process.argv.slice(1)
  const files = names.map(name => readFileSync(folder + '/' + name))
  detectPattern(Buffer.from('GIF89a'))
  // proc(5): 5 puts the high-water mark (VmHWM) back to what is resident now.
  writeFileSync('/proc/self/clear_refs', '5')
  const highWater = () => Number(/VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
  const before = highWater()
  const cpu = new CpuTime()
  const faults = files.map(bytes => {
    const found = detectPattern(bytes)
    if (!found.ok) return found.fault.kind
    const opened = found.value[0].open({ scaleTo: { width: 16, height: 16 } })
    return opened.ok ? 'read' : opened.fault.kind
  })
  const cpuMs = cpu.ms
  const grownBytes = highWater() - before
  process.stdout.write(JSON.stringify({ faults, cpuMs, tooSlow: cpu.exceeds(1000), grownBytes }))`

/** Detects and opens files in a process of their own, whose memory nobody else uses. */
export function readInChild(folder: string, names: readonly string[]): ChildReading {
  const args = [
    '--max-semi-space-size=2',
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    script,
    folder,
    ...names,
  ]
  const cwd = new URL('../../..', import.meta.url).pathname
  return JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 60_000 }))
}
