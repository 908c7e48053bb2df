import { whiteFlag, wledColor } from './wled-color.ts'
import { WledJsonScanner } from './wled-json-scanner.ts'

/** Takes what a WLED file draws, in order. */
export interface WledSink {
  /** LEDs `start` to `stop` − 1 get a colour, 0xRRGGBB. What is not painted stays as it was in the frame before. */
  readonly paint: (start: number, stop: number, rgb: number) => void
  /** `durMs` undefined: the file does not say. */
  readonly endFrame: (durMs: number | undefined) => void
}

/** LEDs of one call of the API; longer frames come in several (WLED, JSON API, "Per-segment individual LED control"). */
const callLeds = 256

/** What a segment can do to the order of its LEDs; a drawing for it is no drawing for a strip. */
const rearranging = new Set(['grp', 'spc', 'of', 'rev', 'mi', 'rY', 'mY', 'tp'])

interface SegmentBounds {
  start: number | undefined
  stop: number | undefined
  startY: number | undefined
  stopY: number | undefined
}

/**
 * Walks through a WLED JSON file: `{leds, frames: [{dur, data}]}` as Upload Bridge exports it; or a state of WLED's JSON API with
 * `seg.i`, an array of states, or a state a line. `i` is a list of colours; a number before one is the LED it begins at, two are a
 * range (the second is the LED after it).
 */
export class WledFrames {
  readonly scanner: WledJsonScanner
  readonly #sink: WledSink
  readonly #segments = new Map<number, SegmentBounds>()
  #open: { durMs: number | undefined } | undefined
  #fresh = true
  /** Where the last call ended, and how many single colours it set. */
  #callEnd = 0
  #callColors = 0
  #dataLeds: number | undefined

  /** A key that the format has was seen; without one the file is other JSON. */
  recognised = false
  hasSegments = false
  hasData = false
  /** LEDs of a `ledmap.json`, which is a wiring. */
  ledmap: number | undefined
  /** LEDs that the header tells, or the end of the last segment. */
  leds = 0
  width: number | undefined
  height: number | undefined
  hasWhite = false

  constructor(bytes: Uint8Array, sink: WledSink) {
    this.scanner = new WledJsonScanner(bytes)
    this.#sink = sink
  }

  walk(): void {
    const { scanner } = this
    if (scanner.isArray()) scanner.array(() => (scanner.isObject() ? this.#frame('frame') : scanner.skip()))
    else while (scanner.peek() !== undefined && scanner.fault === undefined) this.#frame('file')
    if (scanner.fault === undefined && scanner.peek() !== undefined)
      scanner.invalid('something after the end of the list')
    this.#flush()
  }

  /** A state or a frame with `data`; as a whole file also an object with `frames`, or a ledmap. */
  #frame(place: 'file' | 'frame'): void {
    const { scanner } = this
    let durMs: number | undefined
    let data: number | undefined
    let seg: number | undefined
    scanner.object(key => {
      if (key === 'dur') durMs = this.#whole()
      else if (key === 'leds') this.leds = Math.max(this.leds, this.#whole() ?? 0)
      else if (place === 'file' && key === 'frames' && scanner.isArray())
        scanner.array(() => (scanner.isObject() ? this.#frame('frame') : scanner.skip()))
      else if (place === 'file' && key === 'map' && scanner.isArray()) this.#map()
      else {
        if (place === 'frame' && key === 'data' && scanner.isArray()) data = scanner.position
        if (key === 'seg') seg = scanner.position
        this.recognised ||= data !== undefined || seg !== undefined
        scanner.skip()
      }
    })
    const end = scanner.position
    if (scanner.fault !== undefined) return
    if (seg !== undefined) this.#state(seg, durMs)
    else if (data !== undefined) this.#data(data, durMs)
    scanner.goTo(end)
  }

  #data(at: number, durMs: number | undefined): void {
    this.hasData = true
    this.#begin(durMs)
    this.scanner.goTo(at)
    const leds = this.#colors(0, false)
    this.#dataLeds ??= leds
    if (leds !== this.#dataLeds)
      this.scanner.invalid(`a frame of ${leds} LEDs after frames of ${this.#dataLeds}`, at)
  }

  #state(at: number, durMs: number | undefined): void {
    const { scanner } = this
    this.#fresh = true
    scanner.goTo(at)
    let index = 0
    if (scanner.isArray())
      scanner.array(() => (scanner.isObject() ? this.#segment(index++, durMs) : scanner.skip()))
    else if (scanner.isObject()) this.#segment(0, durMs)
  }

  #segment(index: number, durMs: number | undefined): void {
    const { scanner } = this
    this.hasSegments = true
    let id = index
    let colors: number | undefined
    let moved: string | undefined
    const bounds: SegmentBounds = { start: undefined, stop: undefined, startY: undefined, stopY: undefined }
    scanner.object(key => {
      if (key === 'id') id = this.#whole() ?? id
      else if (key === 'start' || key === 'stop' || key === 'startY' || key === 'stopY')
        bounds[key] = this.#whole()
      else {
        if (key === 'i' && scanner.isArray()) colors = scanner.position
        if (rearranging.has(key) && this.#rearranges(key)) moved = key
        scanner.skip()
      }
    })
    const end = scanner.position
    if (scanner.fault !== undefined) return
    const known = this.#segments.get(id)
    const segment: SegmentBounds = {
      start: bounds.start ?? known?.start ?? (id === 0 ? 0 : undefined),
      stop: bounds.stop ?? known?.stop,
      startY: bounds.startY ?? known?.startY,
      stopY: bounds.stopY ?? known?.stopY,
    }
    this.#segments.set(id, segment)
    if (colors === undefined) return
    this.#place(id, segment, moved, colors)
    this.#beginCall(colors, durMs)
    scanner.goTo(colors)
    this.#colors(segment.start ?? 0, true)
    scanner.goTo(end)
  }

  /** Size of the canvas, and what cannot be drawn. */
  #place(id: number, { start, stop, startY, stopY }: SegmentBounds, moved: string | undefined, at: number) {
    const refuse = (why: string) =>
      this.scanner.refuse({ kind: 'unsupported', format: 'wled', message: `the WLED file ${why}` })
    if (moved !== undefined)
      refuse(
        `changes the order of segment ${id} by '${moved}', so its colours are in no order of a strip; save it with the segment's usual settings`,
      )
    if (start === undefined) this.scanner.invalid(`segment ${id} does not say where it starts ("start")`, at)
    if (stopY !== undefined && stopY - (startY ?? 0) > 1) {
      if (id > 0 || (start ?? 0) > 0 || (startY ?? 0) > 0)
        refuse('draws several segments of a matrix; save it with one segment for the whole matrix')
      this.width = stop
      this.height = stopY
      this.leds = Math.max(this.leds, (stop ?? 0) * stopY)
    } else this.leds = Math.max(this.leds, stop ?? 0)
  }

  /** A new frame, unless the colours go on where those of a full call before them ended. */
  #beginCall(at: number, durMs: number | undefined): void {
    if (!this.#fresh) return
    const { scanner } = this
    let from: number | undefined
    if (this.#open !== undefined && durMs === undefined && this.#callColors >= callLeds) {
      scanner.goTo(at)
      let first = true
      scanner.array(() => {
        if (first && scanner.isNumber()) from = scanner.whole()
        else scanner.skip()
        first = false
      })
    }
    if (from === undefined || from === 0 || from !== this.#callEnd) this.#begin(durMs)
    this.#fresh = false
    this.#callColors = 0
  }

  #begin(durMs: number | undefined): void {
    this.#flush()
    this.#open = { durMs }
  }

  #flush(): void {
    if (this.#open !== undefined && this.scanner.fault === undefined) this.#sink.endFrame(this.#open.durMs)
    this.#open = undefined
  }

  /** Paints a list of colours; the LED after the last. */
  #colors(base: number, withPlaces: boolean): number {
    const { scanner } = this
    const sink = this.#sink
    let at = 0
    let from: number | undefined
    let to: number | undefined
    scanner.array(() => {
      if (withPlaces && scanner.isNumber()) {
        if (to !== undefined) scanner.invalid('three numbers without a colour')
        else if (from === undefined) from = scanner.whole()
        else to = scanner.whole()
        return
      }
      const start = from ?? at
      at = to !== undefined && to > start ? to : start + 1
      const color = wledColor(scanner)
      if (scanner.fault !== undefined) return
      if (to === undefined) this.#callColors++
      if (color >= whiteFlag) this.hasWhite = true
      sink.paint(base + start, base + at, color % whiteFlag)
      from = undefined
      to = undefined
    })
    if (from !== undefined) scanner.invalid('a number without a colour after it at the end of a list')
    this.#callEnd = at
    return at
  }

  #map(): void {
    const { scanner } = this
    let count = 0
    let numbers = true
    scanner.array(() => {
      const byte = scanner.peek()
      numbers &&= scanner.isNumber() || byte === 0x2d
      count++
      scanner.skip()
    })
    if (numbers && count > 0) this.ledmap = count
  }

  /** A whole number; undefined: another value, which WLED allows ("~10", "t"). */
  #whole(): number | undefined {
    if (this.scanner.isNumber()) return this.scanner.whole()
    this.scanner.skip()
    return undefined
  }

  /** The value at hand is not the one a plain segment has; it is not consumed. */
  #rearranges(key: string): boolean {
    const { scanner } = this
    const at = scanner.position
    const byte = scanner.peek()
    const value = scanner.isNumber() ? this.#whole() : byte === 0x74 ? 2 : 0
    scanner.goTo(at)
    return (value ?? 0) > (key === 'grp' ? 1 : 0)
  }
}
