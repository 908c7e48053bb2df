import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { DoneReport } from '../../src/upload/report.ts'
import { stop } from '../support/pty.ts'
import { processCpuSeconds } from './process-cpu.ts'

const sampleMs = 100

export interface CommandUploadOptions {
  /** The gateway's main file. */
  readonly main: string
  readonly port: string
  readonly baudRate: number
  readonly fileName: string
  /** Further arguments of `pixelgate upload`. */
  readonly args: readonly string[]
  readonly timeoutMs: number
  /** Kept by the caller when several uploads belong together. */
  readonly stateDir?: string
}

export interface CommandUpload {
  /** undefined: failed, or not done in time. */
  readonly report: DoneReport | undefined
  /** BEGIN to CONFIRM, as told by the command; a few ms more at the end. */
  readonly totalSeconds: number
  readonly cpuSeconds: number
  /** The last words of an upload that failed. */
  readonly failure: string
}

/** `pixelgate upload --port` as a user runs it. */
export async function uploadByCommand(
  bytes: Uint8Array,
  options: CommandUploadOptions,
): Promise<CommandUpload> {
  const folder = await mkdtemp(join(tmpdir(), 'upload-'))
  const file = join(folder, options.fileName)
  await writeFile(file, bytes)
  const { main, port, baudRate, args, timeoutMs, stateDir = join(folder, 'state') } = options
  const child = spawn(
    process.execPath,
    [
      main,
      'upload',
      file,
      '--port',
      port,
      '--baud',
      String(baudRate),
      '--json',
      '--state',
      stateDir,
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const deadline = setTimeout(() => void stop(child), timeoutMs)
  let cpuSeconds = 0
  const sampler = setInterval(() => {
    processCpuSeconds(child.pid).then(
      seconds => {
        cpuSeconds = seconds
      },
      () => undefined,
    )
  }, sampleMs)
  try {
    let [beginMs, doneMs, last] = [0, 0, '']
    let report: DoneReport | undefined
    child.stderr.on('data', chunk => {
      last = String(chunk)
    })
    const ended = new Promise(resolve => child.once('close', resolve))
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line) as { event: string }
      if (event.event === 'progress') beginMs ||= performance.now()
      if (event.event === 'failed') last = line
      if (event.event !== 'done') continue
      doneMs = performance.now()
      report = event as DoneReport
    }
    await ended
    return { report, totalSeconds: (doneMs - beginMs) / 1000, cpuSeconds, failure: last.trim() }
  } finally {
    clearTimeout(deadline)
    clearInterval(sampler)
    await stop(child)
    await rm(folder, { recursive: true, force: true })
  }
}
