import { connect, type Socket } from 'node:net'

const answerTimeoutMs = 30_000

/** What QEMU tells by itself. */
export interface QmpEvent {
  readonly event: string
  readonly data?: Readonly<Record<string, unknown>>
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** QEMU's machine protocol: one command after the other, events kept until somebody asks for them. */
export class Qmp {
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  readonly #events: QmpEvent[] = []
  #wake: () => void = () => undefined
  #rest = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('utf8').on('data', (text: string) => this.#take(text))
    socket.once('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('QEMU has ended'))
    })
  }

  /** Rejects when nobody listens there. */
  static async connect(path: string): Promise<Qmp> {
    const socket = connect(path)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    socket.on('error', () => undefined)
    const qmp = new Qmp(socket)
    await qmp.ask('qmp_capabilities')
    return qmp
  }

  /** Rejects with QEMU's words when it refuses. */
  ask(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`QEMU has not answered ${execute} within ${answerTimeoutMs / 1000} s`)),
        answerTimeoutMs,
      )
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer)
          settle(value)
        }
      this.#waiting.push({ resolve: settled(resolve), reject: settled(reject) })
      this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`)
    })
  }

  /** The next event, or one that came already, for which `wanted` holds; it is forgotten then. */
  async event(wanted: (event: QmpEvent) => boolean, timeoutMs: number): Promise<QmpEvent> {
    const latestMs = performance.now() + timeoutMs
    for (;;) {
      const at = this.#events.findIndex(wanted)
      if (at >= 0) return this.#events.splice(at, 1)[0] as QmpEvent
      const leftMs = latestMs - performance.now()
      if (leftMs <= 0) throw new Error(`QEMU told no such event within ${timeoutMs / 1000} s`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, leftMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const said = JSON.parse(line) as {
        readonly return?: unknown
        readonly error?: { readonly desc: string }
        readonly event?: string
      }
      if (said.event !== undefined) {
        this.#events.push(said as QmpEvent)
        this.#wake()
      } else if (said.error !== undefined) this.#waiting.shift()?.reject(new Error(said.error.desc))
      else if ('return' in said) this.#waiting.shift()?.resolve(said.return)
    }
  }
}
