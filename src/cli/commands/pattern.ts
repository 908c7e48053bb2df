import type { Command, OptionSpec } from '../command.ts'
import { flag, text, whole } from '../option-values.ts'
import { inspectPattern } from '../pattern-inspect.ts'
import { previewPattern } from '../pattern-preview.ts'

const mostLeds = 65_535

const geometry = {
  leds: { type: 'string', value: 'N', help: 'LEDs of a headerless file, if you know' },
  width: { type: 'string', value: 'N', help: 'width of its matrix' },
  height: { type: 'string', value: 'N', help: 'height of its matrix' },
} as const satisfies Record<string, OptionSpec>

export const patternInspect: Command = {
  name: 'pattern inspect',
  summary: 'Say how a pattern file can be read, best reading first',
  operands: 'FILE',
  operandCount: [1, 1],
  options: { ...geometry, json: { type: 'boolean', help: 'one JSON object' } },
  examples: [
    'pixelgate pattern inspect samples/lantern.leds',
    'pixelgate pattern inspect old.bin --leds 75 --json',
  ],
  run: ([file = ''], options, { stdout }) =>
    inspectPattern(
      file,
      {
        json: flag(options, 'json'),
        leds: whole(options, 'leds', 1, mostLeds),
        width: whole(options, 'width', 1, mostLeds),
        height: whole(options, 'height', 1, mostLeds),
      },
      stdout,
    ),
}

export const patternPreview: Command = {
  name: 'pattern preview',
  summary: 'Play a pattern in the terminal',
  operands: 'FILE',
  operandCount: [1, 1],
  options: {
    candidate: { type: 'string', value: 'N', help: 'which reading (index of inspect)' },
    'source-wiring': {
      type: 'string',
      value: 'W',
      help: 'order of the pixels in the file, e.g. column-serpentine-tl',
    },
    ...geometry,
    loops: { type: 'string', value: 'N', help: 'how often' },
    once: { type: 'boolean', help: 'one pass' },
    colors: { type: 'string', value: '24bit|256', help: 'colours of the terminal; default: 24bit' },
  },
  examples: [
    'pixelgate pattern preview samples/comet.gif',
    'pixelgate pattern preview old.bin --candidate 0 --once',
  ],
  run: ([file = ''], options, { stdout, signal }) =>
    previewPattern(
      file,
      {
        candidate: whole(options, 'candidate', 0, 1000),
        sourceWiring: text(options, 'source-wiring'),
        leds: whole(options, 'leds', 1, mostLeds),
        width: whole(options, 'width', 1, mostLeds),
        height: whole(options, 'height', 1, mostLeds),
        loops: whole(options, 'loops', 1, 65_535),
        once: flag(options, 'once'),
        colors: text(options, 'colors') === '256' ? '256' : '24bit',
      },
      stdout,
      signal,
    ),
}
