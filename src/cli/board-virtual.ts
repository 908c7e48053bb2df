import { createHash, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { formatUuid, parseUuid } from '../kernel/ids.ts'
import { type BoardConfig, defaultBoardConfig } from '../virtual/board-config.ts'
import { type BoardFaults, parseFaults } from '../virtual/board-faults.ts'
import type { BoardTransport, TransportListeners } from '../virtual/board-transport.ts'
import { Flash } from '../virtual/flash.ts'
import { type FrameRecorder, openFrameRecorder } from '../virtual/frame-recorder.ts'
import { openPty } from '../virtual/pty.ts'
import { openSerialDevice } from '../virtual/serial-transport.ts'
import { listenTcp } from '../virtual/tcp-transport.ts'
import { VirtualBoard } from '../virtual/virtual-board.ts'
import { type MqttBoardLine, openMqtt, parseMqttLine } from './board-virtual-mqtt.ts'

/** Options of `pixelgate board virtual`, for `parseArgs` of node:util. */
export const virtualBoardOptions = {
  pty: { type: 'string' },
  serial: { type: 'string' },
  baud: { type: 'string' },
  tcp: { type: 'string' },
  host: { type: 'string' },
  mqtt: { type: 'string' },
  'mqtt-user': { type: 'string' },
  'mqtt-password-file': { type: 'string' },
  'mqtt-ca': { type: 'string' },
  'mqtt-gateway': { type: 'string' },
  leds: { type: 'string' },
  uuid: { type: 'string' },
  name: { type: 'string' },
  flash: { type: 'string' },
  'flash-size': { type: 'string' },
  slots: { type: 'string' },
  'max-body': { type: 'string' },
  window: { type: 'string' },
  'ram-limit': { type: 'string' },
  'frames-out': { type: 'string' },
  fault: { type: 'string', multiple: true },
} as const

type OptionName = keyof typeof virtualBoardOptions

/** What `parseArgs` makes of the options above. */
export type VirtualBoardValues = { readonly [name in OptionName]?: unknown }

type VirtualBoardLine =
  | { readonly kind: 'pty'; readonly link: string }
  | { readonly kind: 'serial'; readonly device: string; readonly baudRate: number }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | MqttBoardLine

export interface VirtualBoardOptions {
  readonly line: VirtualBoardLine
  readonly config: BoardConfig
  readonly faults: BoardFaults
  readonly flashFile: string | undefined
  readonly framesOut: string | undefined
}

/** Smallest buffer with which a frame of the largest body before CAPS fits (SPEC §1.8). */
const LEAST_WINDOW = 256
const U16_MAX = 0xffff

/** Throws AppError `usage`. */
export function parseVirtualBoard(values: VirtualBoardValues): VirtualBoardOptions {
  const flashFile = text(values, 'flash')
  const faults = Array.isArray(values.fault) ? values.fault.map(String) : []
  return {
    line: parseLine(values),
    config: parseConfig(values, flashFile),
    faults: parseFaults(faults),
    flashFile,
    framesOut: text(values, 'frames-out'),
  }
}

/**
 * Runs a virtual board until `signal` aborts; then 0. Prints a JSON line `{ready, kind, path, uuid}` once a client can
 * reach it. Rejects with AppError when the line, the flash file or the record of frames fails.
 */
export async function runVirtualBoard(
  options: VirtualBoardOptions,
  out: { write(text: string): unknown },
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<number> {
  const { config, faults } = options
  const startedAt = clock.now()
  const flash = new Flash({
    sizeBytes: config.storageBytes,
    eraseUnit: config.eraseUnit,
    ...(options.flashFile === undefined ? {} : { file: options.flashFile }),
  })
  let fail: (error: AppError) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)
  let recorder: FrameRecorder | undefined
  let transport: BoardTransport | undefined
  const board = new VirtualBoard({
    config,
    flash,
    faults,
    clock,
    onSend: bytes => transport?.write(bytes),
    onFrame: shown => recorder?.record(clock.now() - startedAt, config.leds, shown),
    onBaud: baud => transport?.setBaud(baud),
    onPower: (isOn, isCut) => transport?.power?.(isOn, isCut),
  })
  try {
    if (options.framesOut !== undefined) recorder = await openFrameRecorder(options.framesOut, fail)
    const onData = (chunk: Uint8Array) => board.receive(chunk)
    const uuid = formatUuid(config.uuid)
    transport = await openTransport(options.line, clock, { onData, onFault: fail }, uuid)
    board.start()
    await Promise.race([failed, aborted(signal), transport.ready])
    if (signal.aborted) return 0
    out.write(`${JSON.stringify({ ready: true, kind: transport.kind, path: transport.path, uuid })}\n`)
    await Promise.race([failed, aborted(signal)])
    return 0
  } finally {
    board.stop()
    await transport?.close()
    await recorder?.close()
    flash.close()
  }
}

function openTransport(
  line: VirtualBoardLine,
  clock: Clock,
  listeners: TransportListeners,
  boardId: string,
): Promise<BoardTransport> {
  if (line.kind === 'pty') return openPty({ link: line.link, clock, listeners })
  if (line.kind === 'tcp') return listenTcp(line.host, line.port, listeners)
  if (line.kind === 'mqtt') return openMqtt(line, { boardId, clock, listeners })
  return openSerialDevice(line.device, line.baudRate, clock, listeners)
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(settle => {
    if (signal.aborted) settle()
    else signal.addEventListener('abort', () => settle(), { once: true })
  })

function parseLine(values: VirtualBoardValues): VirtualBoardLine {
  const [link, device, port] = [text(values, 'pty'), text(values, 'serial'), text(values, 'tcp')]
  const mqtt = parseMqttLine(name => text(values, name))
  const baudRate = number(values, 'baud', 115_200, 50, 20_000_000)
  const host = text(values, 'host') ?? '127.0.0.1'
  if ([link, device, port, mqtt].filter(given => given !== undefined).length !== 1) {
    throw new AppError(
      'usage',
      'Give the board one line: --pty LINK, --serial DEVICE, --tcp PORT or --mqtt URL.',
    )
  }
  if (values.baud !== undefined && device === undefined)
    throw new AppError('usage', '--baud goes with --serial.')
  if (values.host !== undefined && port === undefined) throw new AppError('usage', '--host goes with --tcp.')
  if (mqtt !== undefined) return mqtt
  if (link !== undefined) return { kind: 'pty', link }
  if (device !== undefined) return { kind: 'serial', device, baudRate }
  return { kind: 'tcp', host, port: number(values, 'tcp', 0, 0, U16_MAX) }
}

function parseConfig(values: VirtualBoardValues, flashFile: string | undefined): BoardConfig {
  const base = defaultBoardConfig
  const ramBytes = number(values, 'ram-limit', base.decodeBytes, 1, 2 ** 31 - 1)
  const window = number(values, 'window', base.window, LEAST_WINDOW, U16_MAX)
  const maxBody = number(values, 'max-body', base.maxBody, 64, base.maxBody)
  const storageBytes = number(values, 'flash-size', base.storageBytes, base.eraseUnit, 2 ** 30)
  if (storageBytes % base.eraseUnit !== 0) {
    throw new AppError('usage', `--flash-size ${storageBytes} must be a multiple of ${base.eraseUnit}.`)
  }
  const boardName = text(values, 'name') ?? base.boardName
  if (Buffer.byteLength(boardName) > 32) throw new AppError('usage', '--name may have 32 bytes of UTF-8.')
  return {
    ...base,
    ...parseLeds(text(values, 'leds')),
    slots: number(values, 'slots', base.slots, 1, 254),
    storageBytes,
    boardName,
    uuid: withIdentity(parseIdentity(text(values, 'uuid'), flashFile), values.mqtt !== undefined),
    ...withinRam(ramBytes, window, maxBody),
  }
}

/**
 * A board with little memory decodes small blocks only, and its receive buffer, hence its window and the frames in it,
 * are no larger than that memory.
 */
function withinRam(ramBytes: number, wantedWindow: number, wantedBody: number) {
  const window = Math.max(LEAST_WINDOW, Math.min(wantedWindow, ramBytes))
  const rxBuffer =
    ramBytes < defaultBoardConfig.rxBuffer ? window : Math.max(window, defaultBoardConfig.rxBuffer)
  const maxBody = Math.min(wantedBody, Math.max(64, window >> 1))
  return { decodeBytes: Math.min(defaultBoardConfig.decodeBytes, ramBytes), window, rxBuffer, maxBody }
}

function parseLeds(leds: string | undefined): Pick<BoardConfig, 'leds' | 'width' | 'height'> {
  const [, first, second] = /^(\d{1,5})(?:x(\d{1,5}))?$/i.exec(leds ?? '') ?? []
  const width = Number(first)
  const count = second === undefined ? width : width * Number(second)
  if (!(count >= 1 && count <= U16_MAX)) {
    throw new AppError(
      'usage',
      'Give the LEDs as --leds WIDTHxHEIGHT or, for a strip, --leds COUNT; at most 65535.',
    )
  }
  return second === undefined
    ? { leds: count, width: 0, height: 0 }
    : { leds: count, width, height: Number(second) }
}

/**
 * The board's UUID: as told; else with a flash file always the same for this file on this machine (UUIDv8, RFC 9562 §5.8);
 * else a new one. All zeros is a board that has none yet.
 */
function parseIdentity(uuid: string | undefined, flashFile: string | undefined): Uint8Array {
  if (uuid === undefined && flashFile !== undefined) return uuidOfFile(resolve(flashFile))
  const bytes = parseUuid(uuid ?? randomUUID())
  if (bytes === undefined)
    throw new AppError('usage', `--uuid ${uuid} is no UUID: 32 hexadecimal digits are wanted.`)
  return bytes
}

/** A board without a UUID has no topics. */
function withIdentity(uuid: Uint8Array, overMqtt: boolean): Uint8Array {
  if (!overMqtt || uuid.some(byte => byte !== 0)) return uuid
  throw new AppError('usage', 'Over MQTT a board needs a UUID: that of its credential.')
}

function uuidOfFile(path: string): Uint8Array {
  const bytes = new Uint8Array(createHash('sha256').update(`${hostname()}\0${path}`).digest().subarray(0, 16))
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return bytes
}

function text(values: VirtualBoardValues, name: OptionName): string | undefined {
  const value = values[name]
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '') return value
  throw new AppError('usage', `--${name} wants a value.`)
}

function number(
  values: VirtualBoardValues,
  name: OptionName,
  fallback: number,
  least: number,
  most: number,
): number {
  const given = text(values, name)
  if (given === undefined) return fallback
  const value = /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN
  if (value >= least && value <= most) return value
  throw new AppError('usage', `--${name} ${given} must be a whole number from ${least} to ${most}.`)
}
