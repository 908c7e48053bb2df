import { AppError, toError } from '../kernel/errors.ts'
import { gpiodBackend } from './gpiod-backend.ts'
import type { GpiodOptions } from './gpiod-tools.ts'
import { MemoryChip } from './memory-backend.ts'
import { type OnoffOptions, onoffBackend } from './onoff-backend.ts'
import type { PinBackend } from './pin.ts'

export interface BackendOptions extends GpiodOptions {
  readonly sysfsFolder?: string | undefined
  readonly gpio?: OnoffOptions['gpio']
}

/** auto: the tools of libgpiod, else onoff. Rejects with `gpio_failed`, which says what is missing. */
export async function chooseBackend(
  wanted: 'auto' | 'gpiod' | 'onoff' | 'memory',
  options: BackendOptions,
): Promise<PinBackend> {
  const onoff = () => onoffBackend({ clock: options.clock, folder: options.sysfsFolder, gpio: options.gpio })
  if (wanted === 'memory') return new MemoryChip()
  if (wanted === 'gpiod') return gpiodBackend(options)
  if (wanted === 'onoff') return onoff()
  try {
    return await gpiodBackend(options)
  } catch (noTools) {
    try {
      return await onoff()
    } catch (noOnoff) {
      throw new AppError(
        'gpio_failed',
        `GPIO needs the tools of libgpiod: sudo apt-get install gpiod. (${toError(noTools).message} ${toError(noOnoff).message})`,
        { cause: noTools },
      )
    }
  }
}
