import { exporters } from '../../pattern/export/exporters.ts'
import type { Command, OptionSpec, Surroundings } from '../command.ts'
import { type Conversion, convertPattern } from '../convert/convert-pattern.ts'
import { modeOptions, operationOptions } from '../convert/operation-options.ts'
import { readingOptions } from '../open-pattern.ts'
import { flag } from '../option-values.ts'
import { formatBytes } from '../progress-bar.ts'

const formats = exporters.map(({ format }) => format).join('|')

const outputOptions = {
  format: { type: 'string', value: formats, help: 'format of OUT; default: by its name' },
  wiring: { type: 'string', value: 'W', help: 'write the pixels in the order of a strip wired so' },
  layout: {
    type: 'string',
    value: 'FILE.json',
    help: 'write them as the strip of this layout; see docs/formats.md',
  },
  'color-order': { type: 'string', value: 'ORDER', help: 'GRB, RGBW, RGB565BE …; default: RGB' },
  'color-mode': { type: 'string', value: 'M', help: 'of .leds: rgb, mono, bicolour, 3bpp' },
  name: { type: 'string', value: 'TEXT', help: 'what the pattern is called' },
  'loop-count': { type: 'string', value: 'N', help: 'passes; 0: for ever' },
  force: { type: 'boolean', help: 'replace OUT' },
  json: { type: 'boolean', help: 'one JSON object' },
} as const satisfies Record<string, OptionSpec>

export const patternConvert: Command = {
  name: 'pattern convert',
  summary: 'Change a pattern, step by step in the order of the options, and write it in any format',
  operands: 'FILE OUT',
  operandCount: [2, 2],
  options: {
    ...readingOptions,
    'source-layout': {
      type: 'string',
      value: 'FILE.json',
      help: 'the pixels of FILE are in the order of this layout',
    },
    ...Object.fromEntries(Object.entries(operationOptions).map(([name, { spec }]) => [name, spec])),
    ...modeOptions,
    ...outputOptions,
  },
  examples: [
    'pixelgate pattern convert flame.gif flame.bin --scale 16x16 --gamma 2.2 --max-ma 2000',
    'pixelgate pattern convert show.leds wall.bin --format raw --wiring column-serpentine-tl --color-order GRB',
    'pixelgate pattern convert a.gif ab.gif --crop 0,0,8,8 --append b.gif --reverse --colors 16 --dither ordered',
  ],
  async run([file = '', out = ''], options, surroundings, given = []) {
    const { stdout } = surroundings
    const done = await convertPattern(file, out, options, given, surroundings)
    if (flag(options, 'json')) stdout.write(`${JSON.stringify(done)}\n`)
    else tell(done, stdout)
    return 0
  },
}

function tell(done: Conversion, out: Surroundings['stdout']): void {
  for (const step of done.steps) out.write(`${step}\n`)
  const size = done.height > 1 ? `${done.width}×${done.height}` : `${done.leds} LEDs`
  const seconds = (done.durationMs / 1000).toFixed(2)
  out.write(
    `${done.file}: ${done.format}, ${size}, ${done.frames} frames, ${seconds} s, ${formatBytes(done.sizeBytes)}; draws ${done.peakMa} mA at most, ${done.meanMa} mA on average\n`,
  )
  for (const note of done.notes) out.write(`note: ${note}\n`)
}
