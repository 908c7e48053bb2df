import { FrameChannel } from '../../src/board/frame-channel.ts'
import { BoardSession } from '../../src/board/session.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import type { Link } from '../../src/link/link.ts'
import { type MemoryLinkPair, memoryLinkPair } from '../../src/link/memory-link.ts'
import { encodeFrame, type Frame, maxBodyBytes } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { encodeBoardMessage, encodeCaps } from '../../src/protocol/message-codec.ts'
import { type BoardMessage, type Caps, type MessageName, messageTypes } from '../../src/protocol/messages.ts'

export const someCaps: Caps = {
  version: 1,
  paired: false,
  transferOpen: false,
  trialRunning: false,
  uuid: new Uint8Array(16).fill(3),
  bootId: 5,
  maxBody: 1024,
  rxBuffer: 4096,
  lineRateBaud: 1_000_000,
  window: 4096,
  codecs: 0b1111,
  digests: 1,
  macs: 0,
  slots: 2,
  slotsFree: 2,
  slotBytes: 500_000,
  decodeBytes: 16_384,
  leds: 256,
  width: 16,
  height: 16,
  blockBytes: 65_535,
  maxBaud: 0,
  maxPowerMa: 0,
  firmwareName: 'test',
  firmwareVersion: '1',
  boardName: 'shelf',
}

type Answer = (board: ScriptedBoard, frame: Frame) => void

/** A board that does as it is told, at the far end of a link. */
export class ScriptedBoard {
  readonly link: Link
  readonly frames: Frame[] = []
  answer: Answer

  constructor(link: Link, answer: Answer) {
    this.link = link
    this.answer = answer
    const decoder = new FrameDecoder(maxBodyBytes)
    link.onData(chunk =>
      decoder.push(chunk, frame => {
        const copy = { ...frame, body: frame.body.slice() }
        this.frames.push(copy)
        this.answer(this, copy)
      }),
    )
  }

  /** Frames of a type that have come so far. */
  heard(type: MessageName): readonly Frame[] {
    return this.frames.filter(frame => frame.type === messageTypes[type])
  }

  say(frame: Pick<Frame, 'session' | 'seq'>, message: BoardMessage): void {
    this.link.write(
      encodeFrame(messageTypes[message.type], frame.session, frame.seq, encodeBoardMessage(message)),
    )
  }

  refuse(frame: Frame, code: number, detail = 0): void {
    this.say(frame, { type: 'ERR', code, requestType: frame.type, detail })
  }

  caps(frame: Frame, caps: Caps, pageBytes = 4096): void {
    const record = encodeCaps(caps)
    const page = frame.body[4] ?? 0
    const pages = Math.ceil(record.length / pageBytes)
    this.say(frame, {
      type: 'CAPS',
      page,
      pages,
      bytes: record.subarray(page * pageBytes, (page + 1) * pageBytes),
    })
  }
}

/** Answers what a healthy board answers without storage: HELLO, STATUS, SETID. */
export const healthy =
  (caps: Caps = someCaps): Answer =>
  (board, frame) => {
    if (frame.type === messageTypes.HELLO) board.caps(frame, caps)
    if (frame.type === messageTypes.STATUS) board.say(frame, status)
    if (frame.type === messageTypes.SETID) board.say(frame, { type: 'SETID', uuid: frame.body })
  }

export const silent: Answer = () => undefined

export const status: BoardMessage = {
  type: 'STATUS',
  mode: 1,
  slot: 0,
  id: new Uint8Array(16),
  frame: 0,
  brightness: 255,
  transferOpen: false,
  trialSecondsLeft: 0,
  uptimeSeconds: 1,
  bootId: 5,
  framesReceived: 1,
  bytesDropped: 0,
  framesShown: 1,
}

export interface Wired {
  readonly clock: VirtualClock
  readonly line: MemoryLinkPair
  readonly channel: FrameChannel
  readonly board: ScriptedBoard
}

/** A channel to a scripted board, in virtual time. */
export function wire(answer: Answer, clock = new VirtualClock(), address = 'memory'): Wired {
  const line = memoryLinkPair({ clock, address })
  return {
    clock,
    line,
    channel: new FrameChannel(line.host, clock),
    board: new ScriptedBoard(line.board, answer),
  }
}

/** A session that was greeted already. */
export function wiredSession(
  answer: Answer,
  caps: Caps = someCaps,
  clock = new VirtualClock(),
  address = 'memory',
): Wired & { readonly session: BoardSession } {
  const wired = wire(answer, clock, address)
  return { ...wired, session: new BoardSession(wired.channel, { session: 9, caps, nextSeq: 3 }, clock) }
}

/** Lets virtual time pass, with room for promises between the events. */
export async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left--) {
    clock.advance(Math.min(1, left))
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
}

/** What became of a promise so far. */
export function watch<T>(work: Promise<T>): { value?: T; error?: Error & { code?: string } } {
  const seen: { value?: T; error?: Error } = {}
  work.then(
    value => {
      seen.value = value
    },
    error => {
      seen.error = error
    },
  )
  return seen
}
