import { realpath } from 'node:fs/promises'
import { AppError } from '../kernel/errors.ts'
import type { LoanLine } from '../wire/port.ts'
import { ControlClient } from './control-client.ts'

/**
 * Does something with a serial port that the daemon lets go of meanwhile, if it has it. `work` hears whether it did. Without a daemon that may
 * be asked the port is used as it is: its lock tells whether somebody has it.
 */
export async function withPort<T>(
  controlSocket: string,
  port: string,
  work: (lent: boolean) => Promise<T>,
): Promise<T> {
  const ending = new AbortController()
  const loan = new ControlClient(controlSocket).lines('/ports/loan', ending.signal, {
    path: await realpath(port).catch(() => port),
  })
  const [lent, unasked] = await begin(loan)
  // The end of the loan, also an early one, is heard all the time: a daemon that dies does not have the port either.
  const over = loan.next().catch(() => undefined)
  try {
    return await work(lent)
  } catch (thrown) {
    if (unasked === undefined || !(thrown instanceof AppError) || thrown.code !== 'port_busy') throw thrown
    throw new AppError(
      'port_busy',
      `${thrown.message} It may be the daemon, which could not be asked: ${unasked.message}`,
      { cause: thrown },
    )
  } finally {
    ending.abort()
    await over
  }
}

/** Whether the port is lent, and why the daemon could not be asked. */
async function begin(loan: AsyncGenerator<unknown, void>): Promise<[boolean, AppError | undefined]> {
  try {
    const { value } = await loan.next()
    return [(value as LoanLine | undefined)?.lent === true, undefined]
  } catch (thrown) {
    if (
      !(thrown instanceof AppError) ||
      (thrown.code !== 'daemon_unreachable' && thrown.code !== 'not_found')
    )
      throw thrown
    return [false, thrown]
  }
}
