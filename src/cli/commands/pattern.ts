import type { Command } from '../command.ts'
import { controlClient, daemonOptions } from '../local-config.ts'
import { channelsOption, geometryOptions, readingFrom, readingOptions } from '../open-pattern.ts'
import { flag, text, whole } from '../option-values.ts'
import { inspectPattern } from '../pattern-inspect.ts'
import { previewPattern } from '../pattern-preview.ts'
import { powerOnBoard } from '../power-on-board.ts'

export const patternInspect: Command = {
  name: 'pattern inspect',
  summary: 'Say how a pattern file can be read, best reading first',
  operands: 'FILE',
  operandCount: [1, 1],
  options: {
    ...geometryOptions,
    ...channelsOption,
    candidate: { type: 'string', value: 'N', help: 'which reading --board is about' },
    board: { type: 'string', value: 'ID', help: 'also say what it would draw on this board of the daemon' },
    ...daemonOptions,
    json: { type: 'boolean', help: 'one JSON object' },
  },
  examples: [
    'pixelgate pattern inspect samples/lantern.leds',
    'pixelgate pattern inspect old.bin --leds 75 --json',
    'pixelgate pattern inspect show.fseq --channels 1-300',
    'pixelgate pattern inspect flame.gif --board window',
  ],
  async run([file = ''], options, surroundings) {
    const reading = readingFrom(options)
    const board = text(options, 'board')
    const power =
      board && (await powerOnBoard(file, reading, board, await controlClient(options, surroundings)))
    const asked = { ...reading, json: flag(options, 'json'), power: power || undefined }
    return inspectPattern(file, asked, surroundings.stdout)
  },
}

export const patternPreview: Command = {
  name: 'pattern preview',
  summary: 'Play a pattern in the terminal',
  operands: 'FILE',
  operandCount: [1, 1],
  options: {
    ...readingOptions,
    loops: { type: 'string', value: 'N', help: 'how often' },
    once: { type: 'boolean', help: 'one pass' },
    colors: { type: 'string', value: '24bit|256', help: 'colours of the terminal; default: 24bit' },
  },
  examples: [
    'pixelgate pattern preview samples/comet.gif',
    'pixelgate pattern preview old.bin --candidate 0 --once',
    'pixelgate pattern preview show.fseq --channels 601-900 --frames 1+200',
  ],
  run: ([file = ''], options, { stdout, signal }) =>
    previewPattern(
      file,
      {
        ...readingFrom(options),
        loops: whole(options, 'loops', 1, 65_535),
        once: flag(options, 'once'),
        colors: text(options, 'colors') === '256' ? '256' : '24bit',
      },
      stdout,
      signal,
    ),
}
