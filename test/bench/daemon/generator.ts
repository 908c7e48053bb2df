import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../src/kernel/clock.ts'
import { withDeadline } from '../../../src/kernel/deadline.ts'
import { startProcess } from './started-process.ts'

/** A process that loads the gateway; it counts only between `begin` and `end`. */
export interface Generator<Figures> {
  begin(): void
  end(): Promise<Figures>
  stop(): Promise<void>
}

/** Starts a script of this folder that calls `generate`; resolves when all its connections stand. */
export async function startGenerator<Figures>(
  script: string,
  config: object,
  answerTimeoutMs = 20_000,
): Promise<Generator<Figures>> {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const mark = randomUUID()
  // What it must know, tokens among it, goes through its standard input: arguments are open to everybody.
  const starting = startProcess(process.execPath, ['--import', 'tsx', file, mark], line => line === mark)
  const { child } = await starting
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('a generator has pipes')
  const lines = createInterface({ input: stdout })
  const next = () =>
    withDeadline(
      systemClock,
      answerTimeoutMs,
      new Promise<string>((resolve, reject) => {
        lines.once('line', resolve)
        child.once('exit', () => reject(new Error(`${script} ended`)))
      }),
      'daemon_failed',
      `${script} does not answer`,
    )
  const stop = (await starting).end
  try {
    const connected = next()
    stdin.write(`${JSON.stringify(config)}\n`)
    await connected
  } catch (error) {
    await stop()
    throw error
  }
  return {
    begin: () => void stdin.write('begin\n'),
    async end() {
      const answer = next()
      stdin.write('end\n')
      return JSON.parse(await answer) as Figures
    },
    stop,
  }
}
