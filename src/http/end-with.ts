import type { Duplex } from 'node:stream'

/** For a caller to read the answer before its connection goes, while it still sends. */
export const lingerMs = 5_000

/** Says a last thing to a connection that is outside of node:http's deadlines, and has it gone soon, whatever the other side does. */
export function endWith(socket: Duplex, text: string): void {
  // Its end is seen only by who reads on.
  socket.resume()
  socket.end(text)
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref()
  socket.once('close', () => clearTimeout(timer))
}
