import type { Duplex } from 'node:stream'
import type { Clock } from '../../kernel/clock.ts'

/** For the other side to take the last words. */
const lingerMs = 500

/** Ends a socket and lets the other side close it: a reset would take the last words back. */
export function partFrom(socket: Duplex, clock: Clock): void {
  socket.removeAllListeners('data')
  socket.resume()
  socket.end()
  const timer = clock.setTimer(lingerMs, () => socket.destroy())
  socket.on('close', () => timer.cancel())
}
