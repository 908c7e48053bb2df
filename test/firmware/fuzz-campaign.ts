import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Harnesses of firmware-protocol/fuzz, with the share of the time that each gets. */
export const fuzzTargets = { stream: 25, session: 40, small: 15, manifest: 5, block: 15 } as const
export type FuzzTarget = keyof typeof fuzzTargets
export const isFuzzTarget = (name: string): name is FuzzTarget => Object.hasOwn(fuzzTargets, name)

export const fuzzFolder = fileURLToPath(new URL('../../firmware-protocol/fuzz/', import.meta.url))
const buildFolder = join(fuzzFolder, 'build')
/** A single input may take this long; none needs a hundredth of it. */
const inputTimeoutSeconds = 10
const memoryLimitMb = 1024
const longestInput = 4096
const graceMs = 30_000
const buildTimeoutMs = 150_000
const longestOutput = 1_000_000

export interface FuzzCrash {
  /** What the judge or the sanitizer said. */
  readonly fault: string
  /** Stack inside the library, innermost first. */
  readonly stack: readonly string[]
  /** A command that shows it again. */
  readonly replay: string
}

export interface FuzzSummary {
  readonly target: FuzzTarget
  readonly seconds: number
  readonly executions: number
  readonly executionsPerSecond: number
  /** Edges of the control flow that were reached. */
  readonly edges: number
  /** Inputs kept, each for something new. */
  readonly corpus: number
  readonly crash: FuzzCrash | undefined
}

interface Ended {
  readonly status: number | null
  /** Standard output and error; of a very long one the end. */
  readonly output: string
}

function run(command: string, args: readonly string[], timeoutMs: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: fuzzFolder,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-longestOutput)
      })
    child.once('error', reject)
    child.once('close', status => resolve({ status, output }))
  })
}

/** Why harnesses cannot be built here, or undefined: there is clang with libFuzzer, and make. */
export async function whyNoFuzzing(): Promise<string | undefined> {
  const outputOf = (command: string, ...args: string[]) =>
    run(command, args, graceMs).then(
      ({ output }) => output,
      () => undefined,
    )
  if ((await outputOf('make', '--version')) === undefined) return 'there is no make here'
  const link = await outputOf('clang', '-###', '-fsanitize=fuzzer', '-x', 'c', '/dev/null')
  if (link === undefined) return 'there is no clang here'
  const library = /"([^"]*libclang_rt\.fuzzer[^"]*\.a)"/.exec(link)?.[1]
  return library !== undefined && existsSync(library) ? undefined : 'clang has no libFuzzer here'
}

/** Builds harnesses and seeds. Throws with the compiler's words when that fails. */
export async function buildFuzzers(names: readonly string[]): Promise<void> {
  const goals = [...names.map(name => `build/fuzz-${name}`), 'corpus']
  const { status, output } = await run('make', ['-s', '-j2', ...goals], buildTimeoutMs)
  if (status !== 0) throw new Error(`the fuzzers do not build:\n${output}`)
}

const binary = (name: string) => join(buildFolder, `fuzz-${name}`)

/** What a run has to say of the fault it ended with. */
function crashOf(target: string, output: string): FuzzCrash | undefined {
  const fault =
    /^FAULT: (.*)$/m.exec(output)?.[1] ??
    /^.*(?:runtime error:|ERROR: \w+Sanitizer:|ERROR: libFuzzer:).*$/m.exec(output)?.[0]
  const file = /Test unit written to (\S+)/.exec(output)?.[1]
  if (fault === undefined && file === undefined) return undefined
  const stack = [...output.matchAll(/^\s*#\d+ 0x\w+ in (\w+) .*\/(src\/\w+\.c:\d+)/gm)]
  return {
    fault: fault ?? 'an input took too long or too much memory',
    stack: stack.map(([, name, place]) => `${name} ${place}`),
    replay: `${binary(target)} ${file ?? ''}`.trim(),
  }
}

export interface FuzzOptions {
  readonly target: FuzzTarget
  readonly seconds: number
  /** The same seed and folder try the same inputs in the same order. */
  readonly seed: number
  /** Inputs that were worth keeping are read from and written to here. */
  readonly found: string
  /** An input that ends in a fault is written here. */
  readonly faults: string
}

/** One harness for `seconds`, or until its first fault. */
export async function fuzz({ target, seconds, seed, found, faults }: FuzzOptions): Promise<FuzzSummary> {
  for (const folder of [found, faults]) mkdirSync(folder, { recursive: true })
  const options = {
    max_total_time: seconds,
    seed,
    timeout: inputTimeoutSeconds,
    rss_limit_mb: memoryLimitMb,
    max_len: longestInput,
    print_final_stats: 1,
    artifact_prefix: `${faults}/${target}-`,
  }
  const args = Object.entries(options).map(([name, value]) => `-${name}=${value}`)
  const startedMs = performance.now()
  const { status, output } = await run(
    binary(target),
    [...args, found, join(buildFolder, 'corpus', target)],
    seconds * 1000 + graceMs,
  )
  const last = (pattern: RegExp) => Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0)
  const took = (performance.now() - startedMs) / 1000
  const executions = Math.max(last(/^#(\d+)\s/gm), last(/number_of_executed_units:\s+(\d+)/g))
  const crash = crashOf(target, output)
  if (status !== 0 && crash === undefined)
    throw new Error(`fuzz-${target} ended with status ${status}:\n${output.slice(-2000)}`)
  return {
    target,
    seconds: took,
    executions,
    executionsPerSecond: Math.round(executions / took),
    edges: last(/ cov: (\d+)/g),
    corpus: last(/ corp: (\d+)/g),
    crash: status === 0 ? undefined : crash,
  }
}

/** One input, once. Undefined when nothing is wrong. */
export async function replay(harness: string, file: string): Promise<FuzzCrash | undefined> {
  const { status, output } = await run(binary(harness), [`-timeout=${inputTimeoutSeconds}`, file], graceMs)
  if (status === 0) return undefined
  const crash = crashOf(harness, output)
  if (crash === undefined)
    throw new Error(`fuzz-${harness} ended with status ${status}:\n${output.slice(-2000)}`)
  return { ...crash, replay: `${binary(harness)} ${file}` }
}
