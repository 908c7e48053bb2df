import { terminalColors } from '../../config/terminal-colors.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Command, OptionValues } from '../command.ts'
import { localReading, readingOptions } from '../open-pattern.ts'
import { flag, text, whole } from '../option-values.ts'
import { writePictures } from '../pattern-pictures.ts'
import { previewPattern } from '../pattern-preview.ts'

export const patternPreview: Command = {
  name: 'pattern preview',
  summary: 'Play a pattern in the terminal, or draw it as its LEDs will look',
  operands: 'FILE',
  operandCount: [1, 1],
  options: {
    ...readingOptions,
    loops: { type: 'string', value: 'N', help: 'how often' },
    once: { type: 'boolean', help: 'one pass' },
    colors: {
      type: 'string',
      value: '24bit|256|none',
      help: 'colours of the terminal; default: what NO_COLOR, COLORTERM and TERM say',
    },
    out: { type: 'string', value: 'FILE', help: 'write a moving picture instead: .gif, .png or .apng' },
    'contact-sheet': { type: 'string', value: 'FILE', help: 'write a PNG with frames side by side instead' },
    look: {
      type: 'string',
      value: 'led|flat',
      help: 'of these pictures: round lights on a dark ground (default), or squares',
    },
    cell: { type: 'string', value: 'PX', help: 'pixels of an LED in them; default: what fits well' },
    force: { type: 'boolean', help: 'replace a picture that is there' },
  },
  examples: [
    'pixelgate pattern preview samples/comet.gif',
    'pixelgate pattern preview old.bin --candidate 0 --once',
    'pixelgate pattern preview show.fseq --channels 601-900 --frames 1+200',
    'pixelgate pattern preview samples/lantern.leds --out lantern.gif --contact-sheet lantern.png',
  ],
  async run([file = ''], options, surroundings) {
    const { stdout, signal, env } = surroundings
    const [out, contactSheet] = [text(options, 'out'), text(options, 'contact-sheet')]
    const look = choice(options, 'look', ['led', 'flat'])
    const cell = whole(options, 'cell', 1, 64)
    const force = flag(options, 'force')
    const reading = await localReading(options, surroundings)
    if (out !== undefined || contactSheet !== undefined)
      return writePictures(file, { ...reading, out, contactSheet, look: look ?? 'led', cell, force }, stdout)
    if (look !== undefined || cell !== undefined || force)
      throw new AppError('usage', '--look, --cell and --force go with --out or --contact-sheet.')
    return previewPattern(
      file,
      {
        ...reading,
        loops: whole(options, 'loops', 1, 65_535),
        once: flag(options, 'once'),
        colors: choice(options, 'colors', ['24bit', '256', 'none']) ?? terminalColors(env),
      },
      stdout,
      signal,
    )
  },
}

function choice<T extends string>(options: OptionValues, name: string, choices: readonly T[]): T | undefined {
  const value = text(options, name)
  if (value === undefined) return undefined
  const found = choices.find(one => one === value)
  if (found !== undefined) return found
  throw new AppError('usage', `--${name} takes ${choices.join(', ')}, not "${value}".`)
}
