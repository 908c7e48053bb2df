import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { PatternKind } from '../../support/synthetic-patterns.ts'

/** What is measured in a process of its own, since it is about the first time or about memory. */
export type Question =
  /** A `Cost`. */
  | {
      readonly work: 'first-compile'
      readonly kind: PatternKind
      readonly frames: number
      readonly seed: number
    }
  /** Bytes by which the process grew at most while it opened the channels; null: the file has no such format. */
  | { readonly work: 'channels'; readonly path: string; readonly first: number; readonly count: number }
  /** Bytes by which the process grew at most while a file of so many bytes was compiled beside the main thread. */
  | { readonly work: 'pattern-thread'; readonly sizeBytes: number }

const child = fileURLToPath(new URL('answer.ts', import.meta.url))

/** Rejects with what the child wrote to stderr. */
export async function askChild(question: Question): Promise<unknown> {
  const args = ['--import', 'tsx', child, JSON.stringify(question)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 })
  return JSON.parse(stdout)
}
