import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

/**
 * Starts a worker on a module of ours, from dist (`.js`) or, as tests and scripts do, from the sources (`.ts`). Then the built
 * module is taken where it is newer than all sources: to compile a worker's modules anew takes three times as long as its start.
 * Under tsx on Node 20 a worker does not inherit the TypeScript hooks of its parent (privatenumber/tsx#354): there it registers
 * them before it loads.
 */
export function startWorker(entry: URL, workerData: unknown): Worker {
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, { workerData })
  const built = builtModule(entry)
  // It needs none of the flags with which the sources are run.
  if (built !== undefined) return new Worker(built, { workerData, execArgv: [] })
  if (!process.execArgv.some(argument => /\btsx\b/.test(argument))) return new Worker(entry, { workerData })
  const [tsx, module] = [import.meta.resolve('tsx/esm/api'), entry.href].map(url => JSON.stringify(url))
  return new Worker(`import(${tsx}).then(({ register }) => { register(); return import(${module}) })`, {
    eval: true,
    workerData,
  })
}

let newestSourceMs: number | undefined

/** undefined: it is not built, or a source has changed since. */
function builtModule(entry: URL): string | undefined {
  const source = fileURLToPath(entry)
  const file = source.replace(/\/src\/(.*)\.ts$/, '/dist/$1.js')
  const builtMs = file === source ? undefined : statSync(file, { throwIfNoEntry: false })?.mtimeMs
  if (builtMs === undefined) return undefined
  const folder = source.slice(0, source.lastIndexOf('/src/') + '/src'.length)
  newestSourceMs ??= newestBelow(folder)
  return builtMs > newestSourceMs ? file : undefined
}

const newestBelow = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (newest, name) =>
      name.endsWith('.ts') ? Math.max(newest, statSync(join(folder, name)).mtimeMs) : newest,
    0,
  )
