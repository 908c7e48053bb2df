import { FrameChannel } from '../board/frame-channel.ts'
import { shakeHands } from '../board/handshake.ts'
import type { BoardKind } from '../flash/board-kinds.ts'
import type { FirmwareImage } from '../flash/firmware-image.ts'
import type { FlashProgress } from '../flash/flash-tool.ts'
import { runFlashTool } from '../flash/run-flash-tool.ts'
import { systemClock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { formatUuid } from '../kernel/ids.ts'
import { type LinkSettings, openLink } from '../link/link-settings.ts'

/** Opening the port resets the board once more: its bootloader waits up to two seconds before the firmware begins. */
const greetingTimeoutMs = 10_000
/** The daemon closes what it was just opening; ModemManager looks at what was just plugged in. */
const busyForMs = 3000
const tryEveryMs = 200

export interface FlashOrder {
  readonly kind: BoardKind
  readonly image: FirmwareImage
  readonly port: string
  /** Of the firmware, for the greeting. */
  readonly baudRate: number
  readonly signal: AbortSignal
  readonly onProgress: (progress: FlashProgress) => void
}

/** What answered after the firmware had started. */
export interface FlashedBoard {
  /** All zero until the gateway gives it one, at the first upload. */
  readonly uuid: string
  readonly firmwareName: string
  readonly firmwareVersion: string
  readonly leds: number
}

/** Puts an image on the board at a serial port that nobody else has open, and waits until the new firmware answers HELLO. */
export async function flashBoard(order: FlashOrder): Promise<FlashedBoard> {
  const { kind, image, port, baudRate, signal, onProgress } = order
  const settings = { kind: 'serial', path: port, baudRate } as const
  // The tool would open a port in use too, and talk in between: only a lock tells. This also says what is wrong with the port.
  await checkPort(settings, signal)
  const target = { port, imageFile: image.file }
  await runFlashTool({ tool: kind.tool, target, label: kind.label, clock: systemClock, signal, onProgress })
  const link = await openLink(settings, systemClock)
  const onAbort = () => void link.close()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const { caps } = await shakeHands(new FrameChannel(link, systemClock), systemClock, greetingTimeoutMs)
    const { uuid, firmwareName, firmwareVersion, leds } = caps
    return { uuid: formatUuid(uuid), firmwareName, firmwareVersion, leds }
  } catch (thrown) {
    if (signal.aborted)
      throw new AppError('cancelled', `Interrupted. The firmware is on the ${kind.label} and verified.`)
    if (!(thrown instanceof AppError)) throw thrown
    throw new AppError(
      thrown.code,
      `The firmware is on the ${kind.label} and verified, but does not answer: ${[thrown.message, ...(kind.wants ? [kind.wants] : [])].join(' ')}`,
      { cause: thrown },
    )
  } finally {
    signal.removeEventListener('abort', onAbort)
    await link.close()
  }
}

/** Rejects with what is wrong with the port. */
async function checkPort(settings: LinkSettings, signal: AbortSignal): Promise<void> {
  const latestMs = systemClock.now() + busyForMs
  for (;;) {
    try {
      return await (await openLink(settings, systemClock)).close()
    } catch (thrown) {
      const busy = thrown instanceof AppError && thrown.code === 'port_busy'
      if (!busy || signal.aborted || systemClock.now() > latestMs) throw thrown
      await new Promise<void>(resolve => systemClock.setTimer(tryEveryMs, resolve))
    }
  }
}
