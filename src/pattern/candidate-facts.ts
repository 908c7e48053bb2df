/** What is known of one way to read a file. */
export interface CandidateFacts {
  readonly format: string
  /** null: the format does not say how the LEDs are laid out. */
  readonly width: number | null
  readonly height: number | null
  readonly leds: number
  /** 3: red, green and blue of each LED. A sequence of channels (FSEQ): the channels of one frame. */
  readonly channels: number
  readonly frames: number
  /** One pass; null when the format carries no times. */
  readonly durationMs: number | null
  /** 0 … 1. */
  readonly confidence: number
  readonly reason: string
  /** The file itself says what it is: a magic, or a header that accounts for every byte. */
  readonly selfDescribing: boolean
  /** A picture, not a drawing for LEDs: it may be scaled to a board or a screen (`OpenOptions.scaleTo`). */
  readonly picture?: true | undefined
}
