import { execFileSync } from 'node:child_process'

const deadlineMs = 60_000
const lookEveryMs = 10

/** Looks again and again until there is something; rejects after half a minute. Loads nothing of the program. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  for (const startMs = performance.now(); ; await new Promise(resolve => setTimeout(resolve, lookEveryMs))) {
    const found = look()
    if (found !== undefined && found !== false) return found
    if (performance.now() - startMs > deadlineMs) throw new Error(`waited ${deadlineMs} ms for ${what}`)
  }
}

/** False when all of the programs are there, otherwise why a test is skipped. */
export function missing(...programs: readonly string[]): string | false {
  const absent = programs.filter(program => {
    try {
      execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' })
      return false
    } catch {
      return true
    }
  })
  return absent.length > 0 && `not installed: ${absent.join(', ')}`
}
