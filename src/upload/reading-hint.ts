import type { ImportHint, OpenOptions } from '../pattern/candidate.ts'
import { parseRange, type Range } from '../pattern/range.ts'
import { parseSize } from '../pattern/size.ts'
import { unwrap } from './unwrap.ts'
import type { Reading } from './upload-options.ts'

/** What a reading says of the file, as importers take it. Throws `usage` for a range or size that is none. */
export const readingHint = ({ fileName, leds, width, height, sprite, channels }: Reading): ImportHint => ({
  fileName,
  leds,
  width,
  height,
  sprite: sprite === undefined ? undefined : unwrap(parseSize(sprite)),
  channels: range(channels, 'channels'),
})

/** The part of the file that is wanted. Throws `usage` for a range that is none. */
export const wantedPart = ({
  channels,
  frames,
}: Pick<Reading, 'channels' | 'frames'>): Pick<OpenOptions, 'channels' | 'frames'> => ({
  channels: range(channels, 'channels'),
  frames: range(frames, 'frames'),
})

const range = (text: string | undefined, what: 'channels' | 'frames'): Range | undefined =>
  text === undefined ? undefined : unwrap(parseRange(text, what))
