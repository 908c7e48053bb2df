import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { AppError } from '../../kernel/errors.ts'
import type { Result } from '../../kernel/result.ts'
import { exporters } from '../../pattern/export/exporters.ts'
import { type PatternFault, patternError } from '../../pattern/fault.ts'
import type { Pattern } from '../../pattern/pattern.ts'
import { checkingCard, findingCard, type TestCard } from '../../pattern/test-card/test-card.ts'
import { parseAnswers, wiringFromAnswers } from '../../pattern/test-card/wiring-from-answers.ts'
import { parseWiring } from '../../pattern/wiring.ts'
import type { UploadOptions } from '../../upload/upload-options.ts'
import type { Command, OptionValues, Surroundings } from '../command.ts'
import { chooseExporter } from '../convert/choose-exporter.ts'
import { sizeOf } from '../convert/operation-values.ts'
import { controlClient, daemonOptions, localConfig } from '../local-config.ts'
import { flag, text, whole } from '../option-values.ts'
import { previewPattern } from '../pattern-preview.ts'
import { uploadAlone } from '../upload-alone.ts'
import { UploadEvents } from '../upload-events.ts'
import { uploadThroughDaemon } from '../upload-through-daemon.ts'
import { writeNewFile } from '../write-new-file.ts'
import { targetOf } from './upload.ts'

/** A file of this name holds size and times and can be read in one way only. */
const fileName = 'test-card.ledm'

export const patternTestCard: Command = {
  name: 'pattern test-card',
  summary: 'Show what tells how a board is wired and in which order its colours are',
  operands: '',
  operandCount: [0, 0],
  options: {
    leds: { type: 'string', value: 'N', help: 'LEDs of a strip' },
    size: { type: 'string', value: 'WxH', help: 'size of a matrix' },
    wiring: {
      type: 'string',
      value: 'W',
      help: 'check this wiring; without it the card finds the right one',
    },
    'color-order': {
      type: 'string',
      value: 'ORDER',
      help: 'send the colours so; default: RGB, with --wiring the profile',
    },
    saw: {
      type: 'string',
      value: 'CORNER,LINE,SECOND',
      help: 'answers to the three questions, e.g. bl,column,far: says the wiring',
    },
    out: { type: 'string', value: 'FILE', help: 'write the card into a file, by its name or --format' },
    format: { type: 'string', value: 'F', help: 'format of the file; see pattern convert' },
    force: { type: 'boolean', help: 'replace the file' },
    board: { type: 'string', value: 'ID[,ID]', help: 'send it to boards of the daemon' },
    port: { type: 'string', value: 'DEV', help: 'send it over a serial port, without the daemon' },
    baud: { type: 'string', value: 'N', help: 'its rate; default 115200' },
    tcp: { type: 'string', value: 'HOST:PORT', help: 'send it over the network, without the daemon' },
    ...daemonOptions,
    json: { type: 'boolean', help: 'JSON' },
  },
  examples: [
    'pixelgate pattern test-card --size 16x16 --board window',
    'pixelgate pattern test-card --saw bl,column,far',
    'pixelgate pattern test-card --size 16x16 --wiring column-serpentine-bl --board window',
    'pixelgate pattern test-card --leds 60 --out card.gif',
  ],
  async run(_operands, options, surroundings) {
    const saw = text(options, 'saw')
    if (saw !== undefined) return tellWiring(saw, options, surroundings)
    const wiring = text(options, 'wiring')
    if (wiring !== undefined) value(parseWiring(wiring))
    const size = sizeFrom(options)
    const card = value(wiring === undefined ? findingCard(size) : checkingCard(size))
    const out = text(options, 'out')
    const sent = ['board', 'port', 'tcp'].some(name => text(options, name) !== undefined)
    if (out !== undefined && sent) throw new AppError('usage', 'Give --out or a board, not both.')
    explain(card, flag(options, 'json'), surroundings)
    if (out !== undefined) {
      const { exporter } = chooseExporter(exporters, out, text(options, 'format'))
      const { bytes } = value(exporter.write(card.pattern, { name: card.pattern.name }))
      await writeNewFile(out, bytes, { force: flag(options, 'force') })
      if (wiring === undefined && !flag(options, 'json'))
        surroundings.stdout.write(`Send ${out} with --wiring row-straight-tl --color-order RGB.\n`)
      return 0
    }
    return sent ? send(card, options, surroundings) : preview(card, options, surroundings)
  },
}

function tellWiring(saw: string, options: OptionValues, { stdout }: Surroundings): number {
  const wiring = wiringFromAnswers(value(parseAnswers(saw)))
  const board = text(options, 'board') ?? 'ID'
  if (flag(options, 'json')) stdout.write(`${JSON.stringify({ wiring })}\n`)
  else stdout.write(`The wiring is ${wiring}. Set it: pixelgate board set ${board} --wiring ${wiring}\n`)
  return 0
}

function sizeFrom(options: OptionValues): { readonly width: number; readonly height: number } {
  const [size, leds] = [text(options, 'size'), whole(options, 'leds', 1, 65_535)]
  if ((size === undefined) === (leds === undefined))
    throw new AppError(
      'usage',
      'Say what the board is like: --size WIDTHxHEIGHT of a matrix, or --leds N of a strip.',
    )
  return size === undefined ? { width: leds ?? 1, height: 1 } : sizeOf(size, 'size')
}

function explain({ steps }: TestCard, json: boolean, { stdout }: Surroundings): void {
  if (json) {
    const told = steps.map(({ caption, frames }) => ({ caption, frames: frames.length }))
    stdout.write(`${JSON.stringify({ steps: told })}\n`)
  } else for (const [index, { caption }] of steps.entries()) stdout.write(`${index + 1}. ${caption}\n`)
}

const cardFile = (pattern: Pattern): Uint8Array =>
  value(chooseExporter(exporters, fileName, undefined).exporter.write(pattern, {})).bytes

/** A strip goes onto any board as it is, whatever is known of its wiring. */
const asStrip = (pattern: Pattern): Pattern => ({ ...pattern, width: pattern.leds, height: 1 })

async function send(card: TestCard, options: OptionValues, surroundings: Surroundings): Promise<number> {
  const target = targetOf(options)
  const wiring = text(options, 'wiring')
  const how: UploadOptions = {
    fileName,
    raw: false,
    wiring,
    colorOrder: text(options, 'color-order') ?? (wiring === undefined ? 'RGB' : undefined),
    scalePower: true,
  }
  const file = cardFile(wiring === undefined ? asStrip(card.pattern) : card.pattern)
  const events = new UploadEvents(surroundings, flag(options, 'json'))
  if (target.kind === 'boards')
    return uploadThroughDaemon(
      { kind: 'file', bytes: file },
      how,
      target.boards,
      await controlClient(options, surroundings),
      events,
      surroundings,
    )
  const stateDir = text(options, 'state') ?? (await localConfig(options, surroundings)).stateDir
  return uploadAlone(
    file,
    how,
    { link: target.link, stateDir, maxBody: 4096, adaptBody: true },
    events,
    surroundings,
  )
}

/** In the terminal: once through, so that the captions above stay in sight. */
async function preview(
  card: TestCard,
  options: OptionValues,
  { stdout, signal }: Surroundings,
): Promise<number> {
  if (flag(options, 'json')) return 0
  const folder = await mkdtemp(join(tmpdir(), 'pixelgate-card-'))
  try {
    const file = join(folder, basename(fileName))
    await writeFile(file, cardFile(card.pattern))
    return await previewPattern(file, { once: true }, stdout, signal)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function value<T>(result: Result<T, PatternFault>): T {
  if (result.ok) return result.value
  throw patternError(result.fault)
}
