// Somebody on the LAN: talks to the gateway over HTTP, listens on its WebSocket.
import { once } from 'node:events'
import { WebSocket } from 'ws'

export class Visitor {
  #url
  #token

  constructor(url) {
    this.#url = url
  }

  /** The first person claims the gateway with the code that its console shows. */
  async claim(claimCode, name, password) {
    const signedIn = await this.post('/setup', { claimCode, name, password })
    this.#token = signedIn.token
    return signedIn
  }

  get(path) {
    return this.#call('GET', path)
  }

  post(path, body) {
    return this.#call('POST', path, { 'content-type': 'application/json' }, JSON.stringify(body))
  }

  upload(name, bytes) {
    const type = { 'content-type': 'application/octet-stream' }
    return this.#call('POST', `/patterns?name=${encodeURIComponent(name)}`, type, bytes)
  }

  async #call(method, path, headers = {}, body) {
    const authorization = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: { ...headers, ...authorization },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(30_000),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.parse(text).detail ?? response.status}`)
    return text === '' ? undefined : JSON.parse(text)
  }

  /** Subscribes and calls `heard` with each message; ends when the gateway or the caller closes it. */
  async listen(topics, heard) {
    const socket = new WebSocket(`${this.#url.replace(/^http/, 'ws')}/ws`, {
      headers: { authorization: `Bearer ${this.#token}` },
    })
    socket.on('error', () => undefined)
    socket.on('message', text => heard(JSON.parse(String(text))))
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'subscribe', topics }))
    return socket
  }
}
