import { AppError } from '../../kernel/errors.ts'
import { append } from '../../pattern/operations/append.ts'
import { brightness } from '../../pattern/operations/brightness.ts'
import { crop } from '../../pattern/operations/crop.ts'
import { type DitherMethod, ditherMethods } from '../../pattern/operations/dither.ts'
import { flip } from '../../pattern/operations/flip.ts'
import { gamma } from '../../pattern/operations/gamma.ts'
import { limitPower } from '../../pattern/operations/limit-power.ts'
import type { Operation } from '../../pattern/operations/operation.ts'
import { pad } from '../../pattern/operations/pad.ts'
import { reduceColors, reduceLevels } from '../../pattern/operations/reduce-colors.ts'
import { repeat } from '../../pattern/operations/repeat.ts'
import { resize, type ScaleMode, scaleModes } from '../../pattern/operations/resize.ts'
import { changeSpeed, setDelay, setFrameRate } from '../../pattern/operations/retime.ts'
import { reverse } from '../../pattern/operations/reverse.ts'
import { quarters, rotate } from '../../pattern/operations/rotate.ts'
import { trim } from '../../pattern/operations/trim.ts'
import { colorTemperature, whiteBalance } from '../../pattern/operations/white-balance.ts'
import type { Pattern } from '../../pattern/pattern.ts'
import { parseRange } from '../../pattern/range.ts'
import type { OptionSpec } from '../command.ts'
import { decimal, numbers, oneOf, sizeOf, wholes } from './operation-values.ts'

/** What an operation may need beside its own value. */
export interface OperationContext {
  readonly scaleMode: ScaleMode
  readonly dither: DitherMethod
  /** A pattern file, read as the command line says. */
  readonly open: (path: string) => Promise<Pattern>
}

interface OperationOption {
  readonly spec: OptionSpec
  /** Throws `usage` in words when the value is none. */
  readonly make: (value: string, context: OperationContext) => Operation | Promise<Operation>
}

const taking = (value: string, help: string, make: OperationOption['make']): OperationOption => ({
  spec: { type: 'string', multiple: true, value, help },
  make,
})

/** Options that change the pattern, each as often as it is given, in the order of the command line. */
export const operationOptions: Readonly<Record<string, OperationOption>> = {
  crop: taking('X,Y,W,H', 'keep this part of the canvas; 0,0 is its top left', text => {
    const [x = 0, y = 0, width = 0, height = 0] = wholes(text, 'crop', [4], 'X,Y,W,H')
    return crop({ x, y, width, height })
  }),
  pad: taking('N|T,R,B,L', 'black pixels round the canvas', text => {
    const [top = 0, right = top, bottom = top, left = top] = wholes(
      text,
      'pad',
      [1, 4],
      'N or TOP,RIGHT,BOTTOM,LEFT',
    )
    return pad({ top, right, bottom, left })
  }),
  scale: taking('WxH', 'another size of the canvas', (text, { scaleMode }) =>
    resize(sizeOf(text, 'scale'), scaleMode),
  ),
  rotate: taking('90|180|270', 'turn clockwise', text => rotate(oneOf(Number(text), 'rotate', quarters))),
  flip: taking('x|y', 'exchange left and right (x) or top and bottom (y)', text =>
    flip(oneOf(text, 'flip', ['x', 'y'] as const)),
  ),
  trim: taking('A-B', 'keep these frames, from 1: FIRST-LAST or FIRST+COUNT', text => {
    const range = parseRange(text, 'frames')
    if (range.ok) return trim(range.value)
    throw new AppError(
      'usage',
      `--trim takes FIRST-LAST or FIRST+COUNT, frames counted from 1, not "${text}".`,
    )
  }),
  append: taking('FILE', 'another pattern of the same size after it', async (path, { open }) =>
    append(await open(path)),
  ),
  repeat: taking('N', 'all frames N times over', text => repeat(decimal(text, 'repeat'))),
  reverse: {
    spec: { type: 'boolean', multiple: true, help: 'the last frame first' },
    make: () => reverse,
  },
  delay: taking('MS', 'show every frame for MS milliseconds', text => setDelay(decimal(text, 'delay'))),
  fps: taking('N', 'N frames a second', text => setFrameRate(decimal(text, 'fps'))),
  speed: taking('F', '2: twice as fast; 0.5: half as fast', text => changeSpeed(decimal(text, 'speed'))),
  gamma: taking('G', 'for pictures made for screens: 2.2 to 2.8', text => gamma(decimal(text, 'gamma'))),
  'white-balance': taking(
    'K|R,G,B',
    'white of a colour temperature in kelvin (6500: as it is), or three factors',
    text => {
      const kelvin = /^\d+(\.\d+)?k?$/i.test(text.trim())
      if (kelvin) return colorTemperature(Number.parseFloat(text))
      const [red = 0, green = 0, blue = 0] = numbers(text, 'white-balance', [3], 'KELVIN or R,G,B')
      return whiteBalance([red, green, blue])
    },
  ),
  brightness: taking('0-255', 'dim as a board does', text => brightness(decimal(text, 'brightness'))),
  'max-ma': taking('MA', 'dim all frames until the brightest draws this at most', text =>
    limitPower(decimal(text, 'max-ma')),
  ),
  colors: taking('N', 'at most N colours in all frames together (1 to 256)', (text, { dither }) =>
    reduceColors(decimal(text, 'colors'), dither),
  ),
  levels: taking('N', 'N levels of red, green and blue (2 to 256)', (text, { dither }) =>
    reduceLevels(decimal(text, 'levels'), dither),
  ),
}

/** How some operations are done, wherever they stand. */
export const modeOptions = {
  'scale-mode': {
    type: 'string',
    value: scaleModes.join('|'),
    help: 'how --scale makes pixels; default: area',
  },
  dither: {
    type: 'string',
    value: ditherMethods.join('|'),
    help: 'how --colors, --levels and the palette of a GIF make colours that are not there; default: none',
  },
} as const satisfies Record<string, OptionSpec>
