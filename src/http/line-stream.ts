import { PassThrough } from 'node:stream'
import type { Context } from 'koa'

/** A reader that stops reading is dropped at this much. */
const maxBufferedBytes = 256 * 1024

/** An answer that goes on: a JSON line for each thing that happens, or an event of an EventSource for whoever accepts only that. */
export class LineStream {
  readonly #stream = new PassThrough()
  readonly #asEvents: boolean

  constructor(ctx: Context) {
    this.#asEvents = ctx.accepts('application/x-ndjson', 'text/event-stream') === 'text/event-stream'
    ctx.type = this.#asEvents ? 'text/event-stream' : 'application/x-ndjson'
    ctx.vary('Accept')
    ctx.body = this.#stream
  }

  /** What waits for the reader. */
  get bufferedBytes(): number {
    return this.#stream.writableLength
  }

  get ended(): boolean {
    return this.#stream.writableEnded || this.#stream.destroyed
  }

  write(line: unknown): void {
    if (this.#stream.writableLength > maxBufferedBytes) this.#stream.destroy()
    else if (!this.ended)
      this.#stream.write(this.#asEvents ? `data: ${JSON.stringify(line)}\n\n` : `${JSON.stringify(line)}\n`)
  }

  end(): void {
    if (!this.ended) this.#stream.end()
  }

  /** Breaks the answer off, so that the reader sees that it is not the end. */
  destroy(): void {
    this.#stream.destroy()
  }

  /** Once, when nobody reads any more. */
  onClose(act: () => void): void {
    this.#stream.once('close', act)
  }
}
