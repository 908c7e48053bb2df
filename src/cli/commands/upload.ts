import { basename } from 'node:path'
import { AppError } from '../../kernel/errors.ts'
import type { LinkSettings } from '../../link/link-settings.ts'
import type { UploadOptions } from '../../upload/upload-options.ts'
import type { Command, OptionValues } from '../command.ts'
import { fileToUpload } from '../file-to-upload.ts'
import { controlClient, daemonOptions, localConfig } from '../local-config.ts'
import { readingFrom, readingOptions } from '../open-pattern.ts'
import { flag, hostAndPort, text, whole } from '../option-values.ts'
import { uploadAlone } from '../upload-alone.ts'
import { UploadEvents } from '../upload-events.ts'
import { uploadThroughDaemon } from '../upload-through-daemon.ts'

const defaultBaudRate = 115_200
const largestBody = 4096

export const upload: Command = {
  name: 'upload',
  summary:
    'Bring a pattern file onto a board: checked, compiled, resumed after any cut, verified by the board',
  operands: 'FILE|--pattern ID',
  operandCount: [0, 1],
  options: {
    pattern: {
      type: 'string',
      value: 'ID|NAME',
      help: 'a pattern that the daemon keeps, instead of a file (see: pixelgate pattern list)',
    },
    port: { type: 'string', value: 'DEV', help: 'serial port, without the daemon' },
    baud: { type: 'string', value: 'N', help: 'its rate; default 115200' },
    'max-baud': {
      type: 'string',
      value: 'N',
      help: 'rate to go to after the greeting, if board and line carry it',
    },
    tcp: { type: 'string', value: 'HOST:PORT', help: 'board on the network, without the daemon' },
    board: {
      type: 'string',
      value: 'ID[,ID]',
      help: 'boards of the daemon, by id or name; absent ones get it when they come',
    },
    all: { type: 'boolean', help: 'every board that the daemon knows' },
    ...readingOptions,
    wiring: { type: 'string', value: 'W', help: 'how the board is wired; default: its profile' },
    'color-order': {
      type: 'string',
      value: 'ORDER',
      help: 'RGB RBG GRB GBR BRG BGR, with white RGBW GRBW …; default: its profile',
    },
    brightness: { type: 'string', value: '0-255', help: 'dim the pattern' },
    'scale-power': {
      type: 'boolean',
      help: 'dim a pattern that draws more than the board may, instead of refusing it',
    },
    raw: { type: 'boolean', help: 'send any file as opaque bytes (for measurements)' },
    'max-body': {
      type: 'string',
      value: 'BYTES',
      help: 'largest frame body, 32 to 4096; fixed when given, else adapted to the line',
    },
    ...daemonOptions,
    json: { type: 'boolean', help: 'JSON lines' },
  },
  examples: [
    'pixelgate upload samples/lantern.leds --port /dev/ttyUSB0 --baud 500000',
    'pixelgate upload samples/comet.gif --board window,door --json',
    'pixelgate upload --pattern fire.leds --board window',
    'pixelgate upload show.fseq --channels 601-900 --board window',
    'pixelgate upload old.bin --candidate 0 --source-wiring column-serpentine-tl --tcp 192.0.2.7:7000',
  ],
  async run([file], options, surroundings) {
    const stored = text(options, 'pattern')
    if (file === undefined && stored === undefined)
      throw new AppError('usage', 'FILE is missing; or name a stored pattern with --pattern ID.')
    if (file !== undefined && stored !== undefined)
      throw new AppError('usage', 'Give a FILE or --pattern ID, not both.')
    const target = targetOf(options)
    const events = new UploadEvents(surroundings, flag(options, 'json'))
    if (stored !== undefined && target.kind === 'link')
      throw new AppError('usage', '--pattern goes with --board or --all: the daemon keeps the pattern.')
    const { bytes, options: how } =
      file === undefined
        ? { bytes: new Uint8Array(0), options: uploadOptions('', options) }
        : await fileToUpload(file, uploadOptions(file, options))
    if (target.kind === 'boards') {
      return uploadThroughDaemon(
        stored === undefined ? { kind: 'file', bytes } : { kind: 'stored', pattern: stored },
        how,
        target.boards,
        await controlClient(options, surroundings),
        events,
        surroundings,
      )
    }
    const maxBody = whole(options, 'max-body', 32, largestBody)
    const config = await localConfig(options, surroundings)
    return uploadAlone(
      bytes,
      how,
      {
        link: target.link,
        stateDir: text(options, 'state') ?? config.stateDir,
        maxBody: maxBody ?? largestBody,
        adaptBody: maxBody === undefined,
        patternLimits: config.pattern,
      },
      events,
      surroundings,
    )
  },
}

type Target =
  | { readonly kind: 'link'; readonly link: LinkSettings }
  | { readonly kind: 'boards'; readonly boards: readonly string[] | 'all' }

export function targetOf(options: OptionValues): Target {
  const [port, tcp, board] = [text(options, 'port'), text(options, 'tcp'), text(options, 'board')]
  const all = flag(options, 'all')
  if ([port, tcp, board, all || undefined].filter(value => value !== undefined).length !== 1) {
    throw new AppError('usage', 'Say where to: one of --port, --tcp, --board and --all.')
  }
  const baudRate = whole(options, 'baud', 300, 20_000_000)
  const maxBaudRate = whole(options, 'max-baud', 300, 20_000_000)
  if ((baudRate ?? maxBaudRate) !== undefined && port === undefined) {
    throw new AppError('usage', '--baud and --max-baud go with --port.')
  }
  if (port !== undefined)
    return {
      kind: 'link',
      link: {
        kind: 'serial',
        path: port,
        baudRate: baudRate ?? defaultBaudRate,
        maxBaudRate: maxBaudRate ?? null,
      },
    }
  if (tcp !== undefined) return { kind: 'link', link: { kind: 'tcp', ...hostAndPort(tcp, 'tcp') } }
  const boards = (board ?? '')
    .split(',')
    .map(id => id.trim())
    .filter(id => id !== '')
  if (!all && boards.length === 0)
    throw new AppError('usage', '--board takes one or more ids or names, separated by commas.')
  return { kind: 'boards', boards: all ? 'all' : boards }
}

function uploadOptions(file: string, options: OptionValues): UploadOptions {
  return {
    fileName: basename(file),
    raw: flag(options, 'raw'),
    ...readingFrom(options),
    wiring: text(options, 'wiring'),
    colorOrder: text(options, 'color-order'),
    brightness: whole(options, 'brightness', 0, 255),
    scalePower: flag(options, 'scale-power') || undefined,
  }
}
