import type { LengthHeader } from './length-framing.ts'
import type { Newline } from './line-framing.ts'
import type { PayloadEncoding } from './payload.ts'

/** How a line is bridged; the line itself is opened by somebody else. */
export interface BridgeSettings extends LengthHeader {
  readonly name: string
  /** Without a slash at its end. */
  readonly topic: string
  /** For people: `/dev/ttyUSB1` or `tcp://HOST:PORT`. */
  readonly address: string
  /** null where a rate means nothing. */
  readonly baudRate: number | null
  readonly framing: 'line' | 'cobs' | 'length' | 'idle' | 'raw'
  readonly newline: Newline
  /** Silence that ends a frame; undefined: as the framing has it. */
  readonly idleMs?: number | undefined
  readonly encoding: PayloadEncoding
  readonly maxFrameBytes: number
  /** Each way: the line's messages beyond it are dropped or merged, those for the line wait. */
  readonly maxMessagesPerSecond: number
  /** Of messages that wait for the line. */
  readonly maxQueuedBytes: number
  /** The last frame of the line is kept for whoever subscribes later. */
  readonly retain: boolean
  /** Of what the line has said. */
  readonly qos: 0 | 1
}
