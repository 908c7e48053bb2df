import { brightestFrame, frameOf, type Preview } from './decode.ts'
import { LedPainter } from './led-painter.ts'
import { onFrame } from './ticker.ts'
import { frameAt, type Timeline, timelineOf } from './timeline.ts'

/** What a canvas is to show. */
export interface Showing {
  /** null: there is nothing to play; the LEDs stay dark. */
  readonly preview: Preview | null
  /** Size of the board while there is no preview. */
  readonly shape: { readonly width: number; readonly height: number }
  readonly moving: boolean
  /** Light, 0 to 1. */
  readonly level: number
}

/** More pixels than this a second screen of a phone has not, and a repaint would only cost. */
const maxDensity = 2

/** Plays a preview on a canvas that fills its box, at the pattern's own speed and only while it is on the screen. */
export class LedPlayer {
  readonly #canvas: HTMLCanvasElement
  readonly #painter: LedPainter
  readonly #sized: ResizeObserver
  readonly #seen: IntersectionObserver
  #showing: Showing | undefined
  #timeline: Timeline = timelineOf([])
  #visible = false
  #startedMs = performance.now()
  #frame = -1
  #size = ''
  #stopTicking: (() => void) | undefined

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas
    this.#painter = new LedPainter(canvas)
    this.#sized = new ResizeObserver(() => this.#repaint())
    this.#sized.observe(canvas)
    this.#seen = new IntersectionObserver(entries => {
      this.#visible = entries.at(-1)?.isIntersecting === true
      this.#tickIfNeeded()
    })
    this.#seen.observe(canvas)
  }

  show(showing: Showing): void {
    const before = this.#showing
    this.#showing = showing
    if (showing.preview !== before?.preview) {
      this.#timeline = timelineOf(showing.preview?.delaysMs ?? [])
      this.#startedMs = performance.now()
    }
    this.#repaint()
    this.#tickIfNeeded()
  }

  close(): void {
    this.#stopTicking?.()
    this.#sized.disconnect()
    this.#seen.disconnect()
  }

  #tickIfNeeded(): void {
    const wanted =
      this.#visible && this.#showing?.moving === true && (this.#showing.preview?.delaysMs.length ?? 0) > 1
    if (wanted === (this.#stopTicking !== undefined)) return
    if (wanted) this.#stopTicking = onFrame(nowMs => this.#turn(nowMs))
    else {
      this.#stopTicking?.()
      this.#stopTicking = undefined
    }
  }

  #turn(nowMs: number): void {
    const frame = frameAt(this.#timeline, nowMs - this.#startedMs)
    if (frame !== this.#frame) this.#paint(frame)
  }

  #repaint(): void {
    const showing = this.#showing
    if (showing === undefined) return
    const density = Math.min(maxDensity, window.devicePixelRatio || 1)
    const width = Math.round(this.#canvas.clientWidth * density)
    const height = Math.round(this.#canvas.clientHeight * density)
    if (width === 0 || height === 0) return
    const shape = showing.preview ?? showing.shape
    const size = `${shape.width}×${shape.height} ${width}×${height}`
    if (size !== this.#size) this.#painter.resize(shape, { width, height })
    this.#size = size
    const { preview } = showing
    if (preview === null) this.#paint(-1)
    else if (showing.moving) this.#paint(frameAt(this.#timeline, performance.now() - this.#startedMs))
    else this.#paint(brightestFrame(preview))
  }

  #paint(frame: number): void {
    const showing = this.#showing
    if (showing === undefined) return
    this.#frame = frame
    const pixels = showing.preview === null || frame < 0 ? undefined : frameOf(showing.preview, frame)
    this.#painter.paint(pixels, showing.level)
  }
}
