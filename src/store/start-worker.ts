import { Worker } from 'node:worker_threads'

/**
 * Starts a worker on a module of ours, from dist (`.js`) or from the sources (`.ts`). Under tsx on Node 20 a worker does
 * not inherit the TypeScript hooks of its parent (privatenumber/tsx#354): there it registers them before it loads.
 */
export function startWorker(entry: URL, workerData: unknown): Worker {
  const underTsx =
    entry.pathname.endsWith('.ts') && process.execArgv.some(argument => /\btsx\b/.test(argument))
  if (!underTsx) return new Worker(entry, { workerData })
  const [tsx, module] = [import.meta.resolve('tsx/esm/api'), entry.href].map(url => JSON.stringify(url))
  return new Worker(`import(${tsx}).then(({ register }) => { register(); return import(${module}) })`, {
    eval: true,
    workerData,
  })
}
