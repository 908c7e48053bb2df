import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { systemClock } from '../../../src/kernel/clock.ts'
import { withDeadline } from '../../../src/kernel/deadline.ts'
import { stop } from '../../support/pty.ts'

const answerTimeoutMs = 60_000

/** A rig on simavr (desk.h): its ready line names the pty of the board, and each command gets a JSON line as its answer. */
export interface Rig {
  readonly port: string
  /** Commands may overlap; their answers come in order. Rejects when the rig has ended or is silent. */
  ask(command: string): Promise<unknown>
  stop(): Promise<void>
}

/** Starts a rig that has been built; it ends at the test's teardown. */
export async function startRig(
  t: Pick<Test, 'teardown'>,
  program: string,
  args: readonly string[],
): Promise<Rig> {
  const child: ChildProcess = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => stop(child))
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('the rig has no pipes')
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<unknown> => {
    const late = 'the rig is silent'
    const { value, done } = await withDeadline(
      systemClock,
      answerTimeoutMs,
      lines.next(),
      'link_failed',
      late,
    )
    if (done === true) throw new Error('the rig has ended')
    return JSON.parse(value)
  }
  const { path } = (await answer()) as { path: string }
  let last: Promise<unknown> = Promise.resolve()
  return {
    port: path,
    ask(command) {
      const answered = last.then(() => {
        stdin.write(`${command}\n`)
        return answer()
      })
      last = answered.catch(() => undefined)
      return answered
    },
    stop: () => stop(child),
  }
}
