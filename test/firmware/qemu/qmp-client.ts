import { createConnection, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { systemClock } from '../../../src/kernel/clock.ts'
import { withDeadline } from '../../../src/kernel/deadline.ts'
import { eventually } from '../../support/pixelgate.ts'

const answerTimeoutMs = 60_000

/** The machine protocol of QEMU (docs/interop/qmp-spec.txt there): JSON lines, one command at a time. Events are ignored. */
export class QmpClient {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<string>
  #last: Promise<unknown> = Promise.resolve()

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  }

  /** Connects as soon as QEMU listens. */
  static async connect(path: string): Promise<QmpClient> {
    const qmp = new QmpClient(await eventually(() => tryConnect(path), 'QEMU'))
    await qmp.#answer() // its greeting
    await qmp.execute('qmp_capabilities')
    return qmp
  }

  /** Resolves with what the command returns; rejects with QEMU's error. */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const answered = this.#last.then(() => {
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
      return this.#answer()
    })
    this.#last = answered.catch(() => undefined)
    return answered
  }

  close(): void {
    this.#socket.destroy()
  }

  async #answer(): Promise<unknown> {
    for (;;) {
      const { value, done } = await withDeadline(
        systemClock,
        answerTimeoutMs,
        this.#lines.next(),
        'link_failed',
        'QEMU does not answer',
      )
      if (done === true) throw new Error('QEMU has ended')
      const line: Readonly<Record<string, unknown>> = JSON.parse(value)
      if ('error' in line) throw new Error(`QEMU: ${JSON.stringify(line['error'])}`)
      if ('return' in line) return line['return']
      if ('QMP' in line) return line['QMP']
    }
  }
}

function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise(resolve => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.on('error', () => socket.destroy()) // QEMU was killed: the next answer says so
      resolve(socket)
    })
    socket.once('error', () => resolve(undefined))
  })
}
