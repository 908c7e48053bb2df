import type { BridgeSettings } from './bridge-settings.ts'
import { cobsFraming } from './cobs-framing.ts'
import type { Framing, OnLost } from './framing.ts'
import { IdleFraming } from './idle-framing.ts'
import { LengthFraming } from './length-framing.ts'
import { lineFraming } from './line-framing.ts'
import { RawFraming } from './raw-framing.ts'

type FramingSettings = Pick<
  BridgeSettings,
  'framing' | 'newline' | 'idleMs' | 'maxFrameBytes' | 'lengthBytes' | 'lengthEndian'
>

/** The framing that the settings name. */
export function createFraming(settings: FramingSettings, onLost: OnLost): Framing {
  const options = { maxFrameBytes: settings.maxFrameBytes, idleMs: settings.idleMs, onLost }
  switch (settings.framing) {
    case 'line':
      return lineFraming(settings.newline, options)
    case 'cobs':
      return cobsFraming(options)
    case 'length':
      return new LengthFraming(settings, options)
    case 'idle':
      return new IdleFraming(options)
    case 'raw':
      return new RawFraming(options)
  }
}
