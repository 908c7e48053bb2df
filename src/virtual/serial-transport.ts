import type { Clock } from '../kernel/clock.ts'
import { openSerial } from '../link/serial-link.ts'
import type { BoardTransport, TransportListeners } from './board-transport.ts'

/** An open that takes longer is held up by a driver, not by the line. */
const OPEN_TIMEOUT_MS = 5000
/**
 * Before a change of rate: the change discards what is still on its way, and a pty says too early that all has left.
 * Well within the 20 ms that the host waits (SPEC §3.6).
 */
const SETTLE_MS = 5

/** An existing serial device with the board behind it, for the far end of a cable. Rejects as `openSerial` does. */
export async function openSerialDevice(
  path: string,
  baudRate: number,
  clock: Clock,
  listeners: TransportListeners,
): Promise<BoardTransport> {
  const link = await openSerial(path, { baudRate, clock, openTimeoutMs: OPEN_TIMEOUT_MS })
  link.onData(listeners.onData)
  link.onClose(error => {
    if (error !== undefined) listeners.onFault(error)
  })
  return {
    kind: 'serial',
    path,
    write: bytes => void link.write(bytes),
    setBaud: baud => {
      clock.setTimer(SETTLE_MS, () => {
        // A rate that the device refuses is heard of by nobody, so both sides go back (SPEC §3.6); a lost line tells onClose.
        link.setBaudRate(baud === 0 ? baudRate : baud).catch(() => undefined)
      })
    },
    close: () => link.close(),
  }
}
