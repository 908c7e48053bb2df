import { randomInt } from 'node:crypto'
import type { Clock, Timer } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { maxBodyBytes, wireVersion } from '../protocol/frame.ts'
import { decodeBoardMessage, decodeCaps, encodeHostMessage } from '../protocol/message-codec.ts'
import { type BoardMessage, type Caps, messageTypes } from '../protocol/messages.ts'
import { errorCodes } from '../protocol/wire-errors.ts'
import type { FrameChannel } from './frame-channel.ts'

/** An Arduino's boot loader listens for about two seconds after the reset that opening the port may cause. */
export const handshakeTimeoutMs = 5000
const firstRepeatMs = 250
const longestRepeatMs = 1000
/**
 * STK500 v2's CMD_LEAVE_PROGMODE_ISP (Atmel AVR068): what an Arduino Mega's boot loader goes by. Opening the port resets the board, and
 * any byte within the second after makes that boot loader stay until nothing has come for eight seconds: greetings alone would keep it
 * there for ever. To a board it is noise before a delimiter.
 */
const leaveBootLoader = Uint8Array.of(0x1b, 0x01, 0x00, 0x01, 0x0e, 0x11, 0x04)
/** So many bytes that are no frames mean that something else is talking. */
const garbageBytes = 256

export interface Greeting {
  readonly session: number
  readonly caps: Caps
  /** Next free seq for requests. */
  readonly nextSeq: number
}

/**
 * HELLO until CAPS is complete (SPEC §3.1, §3.2).
 * Rejects with `board_mute`, `board_garbage`, `board_version` or `board_refused`.
 */
export function shakeHands(
  channel: FrameChannel,
  clock: Clock,
  timeoutMs: number = handshakeTimeoutMs,
  pickSession: () => number = () => randomInt(1, 256),
): Promise<Greeting> {
  const session = pickSession()
  const pages: Uint8Array[] = []
  const { bytesDropped, bytesIn, framesIn } = channel
  let seq = 0
  let repeatMs = firstRepeatMs
  let timer: Timer | undefined
  let greeted = false
  const { promise, resolve, reject } = withResolvers<Greeting>()

  let settled = false
  const settle = (finish: () => void) => {
    if (settled) return
    settled = true
    timer?.cancel()
    deadline.cancel()
    channel.onFrame(() => undefined)
    channel.onClose(() => undefined)
    finish()
  }
  const hello = () => {
    const message = {
      type: 'HELLO',
      minVersion: wireVersion,
      maxVersion: wireVersion,
      hostMaxBody: maxBodyBytes,
      page: pages.length,
    } as const
    if (greeted && channel.link.kind === 'serial') channel.link.write(leaveBootLoader)
    greeted = true
    channel.send(messageTypes.HELLO, session, seq, encodeHostMessage(message))
    timer?.cancel()
    timer = clock.setTimer(repeatMs, hello)
    repeatMs = Math.min(longestRepeatMs, repeatMs * 2)
  }
  const onMessage = (message: BoardMessage) => {
    if (message.type === 'ERR') return settle(() => reject(refusal(message.code, message.detail)))
    if (message.type !== 'CAPS' || message.page !== pages.length) return
    pages.push(message.bytes.slice())
    greeted = false
    seq++
    if (pages.length < message.pages) {
      repeatMs = firstRepeatMs
      return hello()
    }
    const caps = decodeCaps(Buffer.concat(pages))
    if (!caps.ok)
      return settle(() =>
        reject(
          new AppError(
            'board_garbage',
            'The board describes itself in a way that cannot be read. Update its firmware.',
          ),
        ),
      )
    settle(() => resolve({ session, caps: caps.value, nextSeq: seq }))
  }
  const deadline = clock.setTimer(timeoutMs, () =>
    settle(() => {
      // Plain text has no delimiter, so without a single frame all that came is garbage, dropped already or not.
      const dropped =
        channel.framesIn === framesIn ? channel.bytesIn - bytesIn : channel.bytesDropped - bytesDropped
      reject(silence(channel, dropped, timeoutMs))
    }),
  )
  channel.onFrame(frame => {
    if (frame.session !== session || frame.seq !== seq) return
    if (frame.version !== wireVersion)
      return settle(() => reject(refusal(errorCodes.BAD_VERSION, frame.version)))
    const message = decodeBoardMessage(frame.type, frame.body)
    if (message.ok) onMessage(message.value)
  })
  channel.onClose(error =>
    settle(() => reject(error ?? new AppError('link_lost', `${channel.link.address} was closed.`))),
  )
  if (!settled) hello()
  return promise
}

function withResolvers<T>(): {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: Error) => void
} {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

function refusal(code: number, detail: number): AppError {
  if (code !== errorCodes.BAD_VERSION)
    return new AppError('board_refused', `The board refused the handshake (error ${code}).`, {
      detail: { code, detail },
    })
  return new AppError(
    'board_version',
    `The board speaks protocol version ${detail}, this gateway version ${wireVersion}. Update the older of the two.`,
    { detail: { board: detail, gateway: wireVersion } },
  )
}

function silence(channel: FrameChannel, dropped: number, timeoutMs: number): AppError {
  const { address, baudRate } = channel.link
  const rate = baudRate === null ? '' : ` at ${baudRate} baud`
  if (dropped < garbageBytes) {
    return new AppError(
      'board_mute',
      `Nothing answers on ${address}${rate} (waited ${timeoutMs / 1000} s). Check power, cable and baud rate, and that the board runs pixelgate firmware.`,
      { detail: { address, droppedBytes: dropped } },
    )
  }
  return new AppError(
    'board_garbage',
    `${address} sends data${rate}, but not in the pixelgate protocol (${dropped} bytes). Check the baud rate, or whether another device is on this port.`,
    { detail: { address, droppedBytes: dropped } },
  )
}
