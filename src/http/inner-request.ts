import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Operation } from './api/operation.ts'

export interface InnerAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What a request that is made within the process says. */
export interface InnerAsked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body?: Buffer | undefined
  /** Throws for an operation that is not for such a request; asked by who has found it. */
  readonly check: (operation: Operation) => void
}

const checks = new WeakMap<object, InnerAsked['check']>()

/** Throws when the request was made within the process, and the operation is not for it. */
export const checkWithin = (request: IncomingMessage, operation: Operation): void =>
  checks.get(request)?.(operation)

/**
 * Has a listener answer a request that no connection brought, in the name of one that did: same peer, same door. `from` lends its
 * socket's addresses, never the socket itself.
 */
export async function askWithin(
  listener: RequestListener,
  from: Pick<IncomingMessage, 'socket'>,
  asked: InnerAsked,
): Promise<InnerAnswer> {
  const request = new InnerRequest(from, asked)
  checks.set(request, asked.check)
  const response = new InnerResponse(request as unknown as IncomingMessage)
  const done = new Promise<InnerAnswer>(resolve => response.once('finish', () => resolve(response.answer)))
  listener(
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse<IncomingMessage> & { req: IncomingMessage },
  )
  return done
}

/** As much of an IncomingMessage as Koa and the API look at. */
class InnerRequest extends Readable {
  readonly httpVersion = '1.1'
  readonly httpVersionMajor = 1
  readonly httpVersionMinor = 1
  readonly complete = true
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: string[]
  readonly socket: Socket

  constructor(
    { socket }: Pick<IncomingMessage, 'socket'>,
    { method, url, headers, body }: Omit<InnerAsked, 'check'>,
  ) {
    super({ read: () => undefined })
    this.method = method
    this.url = url
    this.headers = headers
    this.rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)])
    this.socket = {
      remoteAddress: socket.remoteAddress,
      remotePort: socket.remotePort,
      readable: true,
      writable: true,
      on: () => undefined,
      ...('encrypted' in socket && { encrypted: true }),
    } as unknown as Socket
    if (body !== undefined) this.push(body)
    this.push(null)
  }
}

/** Keeps what is written to it. */
class InnerResponse extends ServerResponse {
  readonly #chunks: Buffer[] = []

  get answer(): InnerAnswer {
    const headers = Object.entries(this.getHeaders()).map(([name, value]) => [name, String(value)])
    return {
      status: this.statusCode,
      headers: Object.fromEntries(headers),
      body: Buffer.concat(this.#chunks),
    }
  }

  override writeHead(status: number, ...rest: unknown[]): this {
    this.statusCode = status
    const headers = rest.at(-1)
    if (typeof headers === 'object' && headers !== null)
      for (const [name, value] of Object.entries(headers)) this.setHeader(name, value as string)
    return this
  }

  override write(chunk: unknown): boolean {
    this.#keep(chunk)
    return true
  }

  override end(chunk?: unknown): this {
    if (this.finished) return this
    this.#keep(chunk)
    this.finished = true
    this.emit('finish')
    return this
  }

  override flushHeaders(): void {
    // There is nobody to send them to.
  }

  override writeContinue(): void {
    // Its body is here already.
  }

  #keep(chunk: unknown): void {
    if (typeof chunk === 'string') this.#chunks.push(Buffer.from(chunk))
    else if (chunk instanceof Uint8Array) this.#chunks.push(Buffer.from(chunk))
  }
}
