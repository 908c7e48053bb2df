import { execFileSync } from 'node:child_process'

export interface ChildReading {
  /** Kind of fault of each file, or `read`. */
  readonly faults: readonly string[]
  readonly elapsedMs: number
  /** Highest resident memory above that before reading. */
  readonly grownBytes: number
}

const script = `
  import { readFileSync, writeFileSync } from 'node:fs'
  import { detectPattern } from './src/pattern/detect.ts'
  const [folder, ...names] = process.argv.slice(1)
  const files = names.map(name => readFileSync(folder + '/' + name))
  detectPattern(Buffer.from('GIF89a'))
  // proc(5): 5 puts the high-water mark (VmHWM) back to what is resident now.
  writeFileSync('/proc/self/clear_refs', '5')
  const highWater = () => Number(/VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
  const before = highWater()
  const started = performance.now()
  const faults = files.map(bytes => {
    const found = detectPattern(bytes)
    if (!found.ok) return found.fault.kind
    const opened = found.value[0].open({ scaleTo: { width: 16, height: 16 } })
    return opened.ok ? 'read' : opened.fault.kind
  })
  const elapsedMs = performance.now() - started
  const grownBytes = highWater() - before
  process.stdout.write(JSON.stringify({ faults, elapsedMs, grownBytes }))`

/** Detects and opens files in a process of their own, whose memory nobody else uses. */
export function readInChild(folder: string, names: readonly string[]): ChildReading {
  const args = ['--import', 'tsx', '--input-type=module', '-e', script, folder, ...names]
  const cwd = new URL('../../..', import.meta.url).pathname
  return JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 60_000 }))
}
