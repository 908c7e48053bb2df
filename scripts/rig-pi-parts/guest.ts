import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

const graceMs = 5_000
const ended = 'QEMU has ended'

interface Answer {
  readonly id: number
  readonly status?: number | string
  readonly out?: string
  readonly err?: string
}

export interface ShellAnswer {
  /** Exit status, or the signal's name. */
  readonly status: number | string
  readonly out: string
  readonly err: string
}

/** The agent inside the emulated machine (guest-agent.mjs), reached through a virtio port. */
export class Guest {
  readonly #socket: Socket
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #lastId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Resolves when the agent has started. */
  static async connect(path: string, timeoutMs: number): Promise<Guest> {
    const socket = connect(path)
    const guest = new Guest(socket)
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the machine has not started within ${timeoutMs / 1000} s`)),
        timeoutMs,
      )
      const over = (error: Error) => {
        clearTimeout(timer)
        reject(error)
      }
      socket.once('error', over)
      socket.once('close', () => {
        over(new Error(ended))
        for (const told of guest.#waiting.values()) told({ id: 0, status: ended })
      })
      guest.#waiting.set(0, () => {
        clearTimeout(timer)
        resolve()
      })
      createInterface({ input: socket }).on('line', line => {
        const answer = JSON.parse(line) as Answer
        const told = guest.#waiting.get(answer.id)
        guest.#waiting.delete(answer.id)
        told?.(answer)
      })
    })
    return guest
  }

  /** Runs a script with bash as root; its exit status is not judged. */
  async shell(script: string, timeoutMs = 60_000): Promise<ShellAnswer> {
    const { status = 'unknown', out = '', err = '' } = await this.#ask({ shell: script, timeoutMs })
    return { status, out, err }
  }

  /** Its stdout without the last newline. Throws with its words unless it ends with status 0. */
  async run(script: string, timeoutMs = 60_000): Promise<string> {
    const { status, out, err } = await this.shell(script, timeoutMs)
    if (status === 0) return out.trimEnd()
    throw new Error(`"${script}" ended with ${status}: ${`${err}\n${out}`.trim().slice(-1_500)}`)
  }

  /** Asks the daemon over its control socket; bytes go as they are, all else as JSON. Throws for another status than 2xx. */
  async api<T>(method: string, path: string, body?: unknown, timeoutMs = 20_000): Promise<T> {
    const socket = '/run/pixelgate/control.sock'
    const { status, out = '' } = await this.#ask({
      socket,
      method,
      path: `/api/v1${path}`,
      ...(body instanceof Uint8Array ? { base64: Buffer.from(body).toString('base64') } : { body }),
      timeoutMs,
    })
    if (typeof status === 'number' && status >= 200 && status < 300)
      return (out === '' ? undefined : JSON.parse(out)) as T
    throw new Error(`${method} ${path}: ${status} ${out.slice(0, 500)}`)
  }

  close(): void {
    this.#socket.destroy()
  }

  #ask(command: { readonly timeoutMs: number } & Readonly<Record<string, unknown>>): Promise<Answer> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`the machine is silent for ${command.timeoutMs / 1000} s`))
      }, command.timeoutMs + graceMs)
      this.#waiting.set(id, answer => {
        clearTimeout(timer)
        if (answer.status === ended) reject(new Error(ended))
        else resolve(answer)
      })
      this.#socket.write(`${JSON.stringify({ id, ...command })}\n`)
    })
  }
}

/** Asks again and again until `look` gives something else than undefined, null or false. */
export async function until<T>(
  look: () => Promise<T | undefined | null | false>,
  what: string,
  timeoutMs: number,
  everyMs = 200,
): Promise<T> {
  const latestMs = performance.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false) return found
    if (performance.now() > latestMs) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`)
    await new Promise(resolve => setTimeout(resolve, everyMs))
  }
}
