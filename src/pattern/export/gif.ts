import { fail, ok } from '../../kernel/result.ts'
import type { Frame } from '../pattern.ts'
import { refusedLayout } from './canvas-format.ts'
import { type Area, changedArea, cutArea } from './changed-area.ts'
import { colorIndex } from './color-index.ts'
import type { Exporter } from './exporter.ts'
import { exactIndices, type IndexedImage, indexedImage, paletteOf } from './gif-colors.ts'
import { GifLzwWriter } from './gif-lzw-writer.ts'

/** Viewers show a delay of 0 or 10 ms for 100 ms, so none is written. */
const leastHundredths = 2
const mostHundredths = 0xffff
const mostSide = 0xffff

/** GIF89a: exact where the file or the frame has at most 256 colours; each frame holds what has changed. */
export const gifExporter: Exporter = {
  format: 'gif',
  extensions: ['.gif'],
  summary: 'animated GIF; at most 256 colours a frame, times of 10 ms',
  write: ({ width, height, frames, loopCount }, options) => {
    const refused = refusedLayout('GIF', options)
    if (refused !== undefined) return fail(refused)
    if (width > mostSide || height > mostSide) {
      const message = `a GIF may be ${mostSide} pixels wide and high; the pattern is ${width}×${height}: write an APNG, or cut it`
      return fail({ kind: 'does_not_fit', message })
    }
    const common = colorIndex(pixelsOf(frames), 256)
    const lzw = new GifLzwWriter()
    const images: Uint8Array[] = []
    const times = hundredths(frames)
    let before: Uint8Array | undefined
    let inexact = 0
    for (const [at, { pixels }] of frames.entries()) {
      let time = times[at] ?? leastHundredths
      const whole = { x: 0, y: 0, width, height }
      let area = before === undefined ? whole : changedArea(before, pixels, { width, height })
      for (;;) {
        const piece = time <= mostHundredths ? time : mostHundredths - leastHundredths
        const cut = cutArea(pixels, width, area)
        const image: IndexedImage =
          common === undefined
            ? indexedImage(cut, area, options.dither === true)
            : { indices: exactIndices(cut, common), palette: undefined, exact: true }
        if (!image.exact) inexact++
        const size = paletteBits((image.palette ?? paletteOf(common ?? new Map())).length / 3)
        images.push(imageHead(area, piece, image.palette, size), lzw.encode(image.indices, Math.max(2, size)))
        time -= piece
        if (time <= 0) break
        area = { x: 0, y: 0, width: 1, height: 1 }
      }
      before = pixels
    }
    const bytes = Buffer.concat([
      fileHead(width, height, common === undefined ? undefined : paletteOf(common), loopCount),
      ...images,
      Uint8Array.of(0x3b),
    ])
    return ok({ bytes, notes: notesOf(frames, times, inexact) })
  },
}

function* pixelsOf(frames: readonly Frame[]): Generator<Uint8Array> {
  for (const { pixels } of frames) yield pixels
}

/** Each frame's time in 1/100 s; what rounding takes or gives is carried on to the next, so that the whole keeps its length. */
function hundredths(frames: readonly Frame[]): readonly number[] {
  let wantedMs = 0
  let shown = 0
  return frames.map(({ delayMs }) => {
    wantedMs += delayMs
    const time = Math.max(leastHundredths, Math.round(wantedMs / 10) - shown)
    shown += time
    return time
  })
}

function notesOf(frames: readonly Frame[], times: readonly number[], inexact: number): readonly string[] {
  const short = frames.filter(frame => frame.delayMs < leastHundredths * 10).length
  const wantedMs = frames.reduce((total, frame) => total + frame.delayMs, 0)
  const shownMs = times.reduce((total, time) => total + time * 10, 0)
  const slower = shownMs - wantedMs >= 10 ? `, and the whole takes ${shownMs} ms instead of ${wantedMs}` : ''
  return [
    ...(inexact > 0
      ? [`a GIF image has at most 256 colours: in ${inexact} frames the nearest ones are shown`]
      : []),
    ...(short > 0 ? [`a GIF shows a frame for at least 20 ms: ${short} frames are shorter${slower}`] : []),
    ...(frames.some(frame => frame.delayMs % 10 !== 0)
      ? ['a GIF counts in 10 ms: frame times are rounded']
      : []),
  ]
}

/** Bits of an index: palettes have 2, 4 … 256 colours. */
const paletteBits = (colors: number): number => Math.max(1, Math.ceil(Math.log2(colors)))

function paddedPalette(palette: Uint8Array): Uint8Array {
  const padded = new Uint8Array(3 << paletteBits(palette.length / 3))
  padded.set(palette)
  return padded
}

/** Header, screen, palette, and how often it is played: NETSCAPE2.0, which a file that plays once does not have. */
function fileHead(
  width: number,
  height: number,
  palette: Uint8Array | undefined,
  loopCount: number,
): Uint8Array {
  const screen = Buffer.alloc(13)
  screen.write('GIF89a', 'latin1')
  screen.writeUInt16LE(width, 6)
  screen.writeUInt16LE(height, 8)
  screen[10] = palette === undefined ? 0x70 : 0xf0 | (paletteBits(palette.length / 3) - 1)
  const loop = Buffer.from('\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0', 'latin1')
  loop.writeUInt16LE(loopCount, 16)
  return Buffer.concat([
    screen,
    ...(palette === undefined ? [] : [paddedPalette(palette)]),
    ...(loopCount === 1 ? [] : [loop]),
  ])
}

/** Graphic control (left in place, §23), image descriptor and, where it has one, its palette. */
function imageHead(
  { x, y, width, height }: Area,
  time: number,
  palette: Uint8Array | undefined,
  bits: number,
): Uint8Array {
  const head = Buffer.alloc(18)
  head.set([0x21, 0xf9, 4, 1 << 2])
  head.writeUInt16LE(time, 4)
  head[8] = 0x2c
  head.writeUInt16LE(x, 9)
  head.writeUInt16LE(y, 11)
  head.writeUInt16LE(width, 13)
  head.writeUInt16LE(height, 15)
  if (palette === undefined) return head
  head[17] = 0x80 | (bits - 1)
  return Buffer.concat([head, paddedPalette(palette)])
}
