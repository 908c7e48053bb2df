import type { OptionSpec, OptionValues } from './command.ts'
import { text, whole } from './option-values.ts'

const mostLeds = 65_535

/** How a file that does not say it itself is to be read. */
export const readingOptions = {
  candidate: { type: 'string', value: 'N', help: 'which reading of the file (index of pattern inspect)' },
  leds: { type: 'string', value: 'N', help: 'LEDs of a headerless file' },
  width: { type: 'string', value: 'N', help: 'width of its matrix' },
  height: { type: 'string', value: 'N', help: 'height of its matrix' },
  'source-wiring': {
    type: 'string',
    value: 'W',
    help: 'order of the pixels in the file: row|column-straight|serpentine-tl|tr|bl|br',
  },
} as const satisfies Record<string, OptionSpec>

export const readingGiven = (options: OptionValues) => ({
  candidate: whole(options, 'candidate', 0, 1000),
  leds: whole(options, 'leds', 1, mostLeds),
  width: whole(options, 'width', 1, mostLeds),
  height: whole(options, 'height', 1, mostLeds),
  sourceWiring: text(options, 'source-wiring'),
})
