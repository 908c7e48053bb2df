import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { openSerial } from '../link/serial-link.ts'
import type { BoardTransport, TransportListeners } from './board-transport.ts'

/** An open that takes longer is held up by a driver, not by the line. */
const OPEN_TIMEOUT_MS = 5000

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
      link.setBaudRate(baud === 0 ? baudRate : baud).catch(cause => {
        listeners.onFault(
          cause instanceof AppError
            ? cause
            : new AppError('link_failed', `${path} refuses ${baud} baud.`, { cause }),
        )
      })
    },
    close: () => link.close(),
  }
}
