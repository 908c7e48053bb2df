import { z } from 'zod'
import { selectOrder, testCardKind } from './board-command.ts'
import { pulseLine, setLine } from './gpio.ts'
import { newJobs } from './job.ts'

/** Comes back in the result, so that a program finds the answer to its command. */
const correlationId = z.union([z.string().min(1).max(128), z.int()]).optional()
const plain = z.strictObject({ correlationId })

/** Payload of `pixelgate/GW/BOARD/cmd/NAME` by name. Nothing at all stands for `{}`, a bare number for `{"level": …}`. */
export const boardCommands = {
  play: plain,
  stop: plain,
  next: plain,
  previous: plain,
  brightness: plain.extend({ level: z.int().min(0).max(255) }),
  identify: plain.extend({ ms: z.int().min(0).max(60_000).default(5000) }),
  /** Plays a pattern that an earlier upload has left on the board, or what lies in a slot. */
  select: selectOrder.safeExtend({ correlationId }),
  reboot: plain,
  /** Uploads a test card for the size of each board. */
  'test-card': plain.extend({ card: testCardKind.default('checking') }),
  /** The options of POST /jobs. */
  upload: newJobs.omit({ boards: true }).extend({ correlationId }),
} as const

export type MqttCommandName = keyof typeof boardCommands

/** Payload of `pixelgate/GW/gpio/LINE/cmd/NAME` by name. */
export const lineCommands = {
  set: setLine.extend({ correlationId }),
  pulse: pulseLine.extend({ correlationId }),
} as const

/** What a command for several boards has besides, at `pixelgate/GW/cmd/NAME`: ids or names; `"all"`: every known board. */
export const targetBoards = newJobs.shape.boards

/** Payload of `…/cmd/NAME/result`; not retained. */
export interface CommandResultView {
  /** As it came; null where the command had none. */
  readonly correlationId: string | number | null
  readonly command: string
  readonly ok: boolean
  /** Code and words of the fault; only where `ok` is false. */
  readonly code?: string
  readonly message?: string
  /** Of an upload or a test card: it is queued; `…/upload/JOB/status` tells how it goes on. A test card has one for each board. */
  readonly batchId?: string
  readonly jobs?: readonly { readonly id: string; readonly boardId: string; readonly state: string }[]
  /** Of a command for several boards, `ok` is true when all are. */
  readonly results?: readonly {
    readonly boardId: string
    readonly ok: boolean
    readonly code?: string
    readonly message?: string
  }[]
}

/** Payload of `pixelgate/GW/gpio/LINE/cmd/NAME/result`; not retained. */
export interface LineResultView extends CommandResultView {
  /** Level of the line after the command; only where `ok` is true. */
  readonly active?: boolean
}

/** `pixelgate/GW/info`, retained. */
export interface GatewayInfoPayload {
  readonly gatewayId: string
  readonly version: string
  /** RFC 3339. */
  readonly startedAt: string
}

/** `pixelgate/GW/BOARD/info`, retained. */
export interface BoardInfoPayload {
  /** untrusted, paired, locked or refused (docs/pairing.md). */
  readonly trust: string
  readonly id: string
  readonly name: string
  readonly leds: number
  readonly width: number
  readonly height: number
  readonly firmware: string
  readonly address: string
}

/** `pixelgate/GW/BOARD/state`, retained. */
export interface BoardStatePayload {
  readonly mode: string
  /** 0 to 255. */
  readonly brightness: number
  readonly patternId: string | null
  readonly patternName: string | null
  readonly imageId: string | null
}

/** `pixelgate/GW/BOARD/upload/JOB/status`, retained until some time after the end. */
export interface UploadStatusPayload {
  readonly state: string
  readonly name: string
  readonly patternId: string | null
  readonly bytes: number
  readonly total: number
  /** 0 to 100; 100 only when the board has proven what it holds. */
  readonly percent: number
  /** Share of the line that is payload, 0 to 1; null where it is not known. */
  readonly lineShare: number | null
  readonly error: { readonly code: string; readonly message: string } | null
}

/** `pixelgate/GW/BOARD/upload/JOB/offer`, retained from the beginning of the job to its end. */
export interface UploadOfferPayload {
  readonly job: string
  readonly name: string
  readonly patternId: string | null
  /** 32 hexadecimal digits (SPEC §4.1). This and the rest are null until the gateway has met the board and made its image. */
  readonly transferId: string | null
  /** As the board stores it. */
  readonly imageBytes: number | null
  readonly manifestBytes: number | null
  readonly blocks: number | null
  /** Bytes of the largest block. */
  readonly blockSize: number | null
  /** Of the image, 64 hexadecimal digits. */
  readonly sha256: string | null
  /** RFC 3339. */
  readonly createdAt: string
}

/** `pixelgate/GW/BOARD/upload/JOB/abort`: it was cancelled; not retained. */
export interface UploadAbortPayload {
  readonly job: string
  readonly transferId: string | null
}
