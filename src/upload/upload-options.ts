/** How one file is to become one board's image; stored with the job, so a restart compiles the same bytes. */
export interface UploadOptions {
  readonly fileName: string
  /** Opaque bytes with the raw codec, for measurements. */
  readonly raw: boolean
  /** Index of the reading to take when a file can be read in several ways. */
  readonly candidate?: number | undefined
  /** What the user knows of a headerless file. */
  readonly leds?: number | undefined
  readonly width?: number | undefined
  readonly height?: number | undefined
  /** Size of the frames that a picture is cut into: `WxH`. */
  readonly sprite?: string | undefined
  /** Only these channels of a sequence (FSEQ), or these frames of any file: `FIRST-LAST` or `FIRST+COUNT`, counted from 1. */
  readonly channels?: string | undefined
  readonly frames?: string | undefined
  /** Order in which the file stores its pixels. */
  readonly sourceWiring?: string | undefined
  /** Instead of the board's profile. */
  readonly wiring?: string | undefined
  readonly colorOrder?: string | undefined
  /** 0 … 255, applied before the power is estimated. */
  readonly brightness?: number | undefined
  /** Dim a pattern that draws too much instead of refusing it. */
  readonly scalePower?: boolean | undefined
}

/** The part that says how to read the file. */
export type Reading = Pick<
  UploadOptions,
  'fileName' | 'candidate' | 'leds' | 'width' | 'height' | 'sprite' | 'channels' | 'frames'
>
