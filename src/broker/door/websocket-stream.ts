import { Duplex } from 'node:stream'
import { FrameReader, frameHeader } from './websocket-frames.ts'

/** Pings beyond it are not answered: a client that takes nothing gets no more. */
const maxWaitingBytes = 64 * 1024

/** The bytes of MQTT within the WebSocket frames of an upgraded socket; frames need not be packets [MQTT-6.0.0-2]. */
export class WebSocketStream extends Duplex {
  readonly #socket: Duplex
  readonly #reader = new FrameReader()
  #saidClose = false
  #ended = false

  /** `head`: what came behind the request already. */
  constructor(socket: Duplex, head: Buffer) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('end', () => this.#end())
    socket.on('error', error => this.destroy(error))
    // What it said before it left is still read.
    socket.on('close', () => {
      if (!this.#ended) this.destroy()
    })
    if (head.length > 0) this.#take(Buffer.from(head))
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.cork()
    this.#socket.write(frameHeader('binary', chunk.length))
    this.#socket.write(chunk, done)
    this.#socket.uncork()
  }

  override _final(done: () => void): void {
    if (!this.#socket.writable) return done()
    this.#close(1000)
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  #take(chunk: Buffer): void {
    for (const event of this.#reader.read(chunk)) {
      if (this.destroyed) return
      if (event.type === 'payload') {
        if (!this.push(event.bytes)) this.#socket.pause()
      } else if (event.type === 'ping') {
        if (this.#socket.writable && this.#socket.writableLength < maxWaitingBytes)
          this.#socket.write(Buffer.concat([frameHeader('pong', event.bytes.length), event.bytes]))
      } else {
        this.#close(event.type === 'fault' ? event.code : 1000)
        this.#end()
      }
    }
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.push(null)
  }

  #close(code: number): void {
    if (this.#saidClose || !this.#socket.writable) return
    this.#saidClose = true
    this.#socket.write(Buffer.concat([frameHeader('close', 2), Buffer.from([code >> 8, code & 0xff])]))
  }
}
