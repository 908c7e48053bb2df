import { isDeepStrictEqual } from 'node:util'
import { encodeFrame, type Frame, maxBodyBytes } from '../../src/protocol/frame.ts'
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts'
import { decodeBoardMessage, encodeHostMessage } from '../../src/protocol/message-codec.ts'
import { type BoardMessage, type HostMessage, messageTypes } from '../../src/protocol/messages.ts'
import { type BoardConfig, defaultBoardConfig } from '../../src/virtual/board-config.ts'
import { createWasmBoard, type WasmBoard } from '../../src/virtual/wasm-board.ts'
import { hex, plain } from './hex.ts'

/** What a reply must be: its type, and the fields that SPEC fixes at this point. */
export type Expected = { readonly type: BoardMessage['type'] } & Readonly<Record<string, unknown>>

export type Step = { readonly host: string } | { readonly board: string } | { readonly advanceMs: number }

/** A board small enough that a conversation with it can be read; blank storage, started at 0 ms. */
export const recordedBoard: BoardConfig = {
  ...defaultBoardConfig,
  leds: 64,
  width: 8,
  height: 8,
  slots: 2,
  storageBytes: 65_536,
  maxBody: 256,
  rxBuffer: 1024,
  window: 1024,
  lineRateBaud: 2_000_000,
  maxBaud: 2_000_000,
  decodeBytes: 128,
  blockBytes: 4096,
  maxPowerMa: 2000,
  macs: 0,
  firmwareVersion: '1.0.0',
  boardName: 'recorded',
}

/** NOR flash in memory: erased is 0xFF, and writing only clears bits. */
function blankStorage(sizeBytes: number) {
  const bytes = new Uint8Array(sizeBytes).fill(0xff)
  return {
    read(address: number, into: Uint8Array) {
      into.set(bytes.subarray(address, address + into.length))
      return 0
    },
    write(address: number, data: Uint8Array) {
      for (const [at, byte] of data.entries()) bytes[address + at] = (bytes[address + at] ?? 0) & byte
      return 0
    },
    erase(address: number, length: number) {
      bytes.fill(0xff, address, address + length)
      return 0
    },
  }
}

/** Plays the host towards the C library, checks every answer against what SPEC says, and writes all of it down. */
export class Recorder {
  readonly #name: string
  readonly #config: BoardConfig
  readonly #steps: Step[] = []
  readonly #decoder = new FrameDecoder(maxBodyBytes)
  readonly #board: WasmBoard
  #unread: { frame: Frame; message: BoardMessage }[] = []
  #nowMs = 0
  #spokeMs = Number.NEGATIVE_INFINITY
  #seq = 0
  session = 1

  constructor(name: string, config: BoardConfig = recordedBoard) {
    this.#name = name
    this.#config = config
    this.#board = createWasmBoard({
      config,
      storage: blankStorage(config.storageBytes),
      now: () => this.#nowMs,
      onSend: bytes => this.#hear(bytes),
    })
    this.#settle()
    this.expect()
  }

  /** Sends a request, and checks that the answers are exactly these, with its session and seq. */
  ask(message: HostMessage, ...expected: Expected[]): BoardMessage[] {
    const seq = ++this.#seq
    this.send(message, seq)
    for (const { frame } of this.#unread)
      if (frame.session !== this.session || frame.seq !== seq)
        throw this.#wrong('an answer does not echo session and seq')
    return this.expect(...expected)
  }

  send(message: HostMessage, seq: number): void {
    this.raw(encodeFrame(messageTypes[message.type], this.session, seq, encodeHostMessage(message)))
  }

  /** Any bytes, after the extra delimiter that a silence asks for (SPEC §1.4). */
  raw(wire: Uint8Array): void {
    const bytes = this.#nowMs - this.#spokeMs >= 20 ? Buffer.concat([Uint8Array.of(0), wire]) : wire
    this.#spokeMs = this.#nowMs
    this.#steps.push({ host: hex(bytes) })
    this.#board.sink(bytes)
    this.#settle()
  }

  advance(byMs: number): void {
    this.#nowMs += byMs
    this.#steps.push({ advanceMs: byMs })
    this.#settle()
  }

  /** Checks that what came since the last check is exactly this. */
  expect(...expected: Expected[]): BoardMessage[] {
    const messages = this.heard()
    const fits =
      messages.length === expected.length && expected.every((fields, at) => matches(messages[at], fields))
    if (!fits)
      throw this.#wrong(`got ${JSON.stringify(plain(messages))}, expected ${JSON.stringify(plain(expected))}`)
    return messages
  }

  /** What came since the last check. */
  heard(): BoardMessage[] {
    const messages = this.#unread.map(({ message }) => message)
    this.#unread = []
    return messages
  }

  /** The conversation, as handshake.json, transfer.json and pairing.json hold it. */
  finish() {
    this.expect()
    const { uuid, storageNeedsNoErase, ...rest } = this.#config
    const board = { ...rest, flags: storageNeedsNoErase ? 1 : 0, uuid: hex(uuid) }
    return { name: this.#name, board, steps: this.#steps }
  }

  #settle(): void {
    for (let turns = 0; this.#board.poll() === 0; turns++)
      if (turns > 100_000) throw this.#wrong('the board never comes to rest')
  }

  #hear(bytes: Uint8Array): void {
    this.#steps.push({ board: hex(bytes) })
    const dropped = this.#decoder.droppedBytes
    this.#decoder.push(bytes, frame => {
      const message = decodeBoardMessage(frame.type, frame.body)
      if (!message.ok || frame.version !== 1) throw this.#wrong(`a reply is no message: ${hex(bytes)}`)
      // BUSY may come before the answer of a long request (SPEC §2.4); it is recorded and says nothing more.
      if (message.value.type !== 'BUSY') this.#unread.push({ frame, message: message.value })
    })
    if (this.#decoder.droppedBytes !== dropped) throw this.#wrong(`a reply is no frame: ${hex(bytes)}`)
  }

  #wrong(what: string): Error {
    return new Error(`${this.#name}, step ${this.#steps.length}: ${what}`)
  }
}

const matches = (message: BoardMessage | undefined, expected: Expected): boolean =>
  message !== undefined &&
  Object.entries(expected).every(([name, value]) =>
    isDeepStrictEqual(plain((message as Readonly<Record<string, unknown>>)[name as 'type']), plain(value)),
  )
