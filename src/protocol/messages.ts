import type { PairReply, PairRequest } from './pair-codec.ts'

/** The messages of the wire (SPEC §2). Names and fields are those of SPEC; identifiers (`id`, `uuid`) are 16 bytes. */

/** SPEC §2, table of types. */
export const messageTypes = {
  HELLO: 0x01,
  CAPS: 0x02,
  ERR: 0x03,
  BUSY: 0x04,
  PROBE: 0x05,
  ECHO: 0x06,
  SETBAUD: 0x07,
  LINKTEST: 0x08,
  BEGIN: 0x10,
  HAVEQ: 0x11,
  HAVE: 0x12,
  DATA: 0x13,
  ACK: 0x14,
  COPY: 0x15,
  VERIFY: 0x16,
  ACTIVATE: 0x17,
  CONFIRM: 0x18,
  ROLLBACK: 0x19,
  ABORT: 0x1a,
  BLOCKS: 0x1b,
  LIST: 0x20,
  DELETE: 0x21,
  SELECT: 0x22,
  BRIGHTNESS: 0x23,
  PLAY: 0x24,
  STOP: 0x25,
  NEXT: 0x26,
  PREVIOUS: 0x27,
  STATUS: 0x28,
  IDENTIFY: 0x29,
  REBOOT: 0x2a,
  SETID: 0x2b,
  PAIR: 0x2c,
  TIME: 0x2d,
  TEST: 0x2e,
  LOG: 0x2f,
  FRAME: 0x30,
  FILL: 0x31,
} as const

export type MessageName = keyof typeof messageTypes

export interface Run {
  readonly slot: number
  readonly oldBlock: number
  readonly newBlock: number
  readonly count: number
}

/** ACK and the body of ECHO (SPEC §5.6). */
export interface AckState {
  readonly next: number
  readonly bitmap: number
  readonly credit: number
  readonly durable: number
}

/** A row of the block table (SPEC §10.4). */
export interface BlockEntry {
  readonly crc32: number
  readonly storedBytes: number
  readonly codec: number
  readonly frames: number
}

/** What the host sends. */
export type HostMessage =
  | {
      readonly type: 'HELLO'
      readonly minVersion: number
      readonly maxVersion: number
      readonly hostMaxBody: number
      readonly page: number
    }
  | { readonly type: 'PROBE' | 'ROLLBACK' | 'PLAY' | 'STOP' | 'NEXT' | 'PREVIOUS' | 'STATUS' | 'REBOOT' }
  | { readonly type: 'SETBAUD'; readonly baud: number }
  | { readonly type: 'LINKTEST'; readonly bytes: Uint8Array }
  | {
      readonly type: 'BEGIN'
      readonly id: Uint8Array
      readonly manifestBytes: number
      readonly manifestCrc: number
      readonly imageBytes: number
      readonly blocks: number
      readonly slot: number
      readonly fresh: boolean
    }
  | {
      readonly type: 'HAVEQ'
      readonly start: boolean
      readonly firstSeq: number
      readonly bodyBytes: number
      readonly from: number
    }
  | { readonly type: 'DATA'; readonly bytes: Uint8Array }
  | { readonly type: 'COPY'; readonly runs: readonly Run[] }
  | { readonly type: 'VERIFY'; readonly alg: number; readonly key: Uint8Array; readonly expected: Uint8Array }
  | {
      readonly type: 'ACTIVATE'
      readonly slot: number
      readonly id: Uint8Array
      readonly trialSeconds: number
    }
  | { readonly type: 'CONFIRM' | 'DELETE' | 'SELECT'; readonly slot: number; readonly id: Uint8Array }
  | { readonly type: 'ABORT'; readonly id: Uint8Array }
  | { readonly type: 'BLOCKS'; readonly slot: number; readonly from: number }
  | { readonly type: 'LIST'; readonly slot: number }
  | { readonly type: 'BRIGHTNESS'; readonly level: number }
  | { readonly type: 'IDENTIFY'; readonly ms: number }
  | { readonly type: 'SETID'; readonly uuid: Uint8Array }
  | {
      readonly type: 'FRAME'
      readonly holdMs: number
      readonly offset: number
      readonly show: boolean
      readonly bytes: Uint8Array
    }
  | { readonly type: 'FILL'; readonly holdMs: number; readonly value: Uint8Array }
  | PairRequest

/** What the board sends. */
export type BoardMessage =
  | { readonly type: 'CAPS'; readonly page: number; readonly pages: number; readonly bytes: Uint8Array }
  | { readonly type: 'ERR'; readonly code: number; readonly requestType: number; readonly detail: number }
  | { readonly type: 'BUSY'; readonly requestType: number; readonly percent: number; readonly moreMs: number }
  | ({ readonly type: 'ECHO' | 'ACK' } & AckState)
  | { readonly type: 'SETBAUD'; readonly baud: number }
  | { readonly type: 'LINKTEST'; readonly bytes: Uint8Array }
  | { readonly type: 'BEGIN'; readonly slot: number; readonly state: number }
  | {
      readonly type: 'HAVE'
      readonly start: boolean
      readonly firstSeq: number
      readonly bodyBytes: number
      readonly block: number
      readonly offset: number
      readonly missing: number
      readonly from: number
      readonly bitmap: Uint8Array
    }
  | { readonly type: 'COPY'; readonly copied: number; readonly failed: number }
  | {
      readonly type: 'VERIFY'
      readonly alg: number
      readonly manifestCrc: number
      readonly imageBytes: number
      readonly digest: Uint8Array
    }
  | {
      readonly type: 'ACTIVATE'
      readonly slot: number
      readonly id: Uint8Array
      readonly trialSeconds: number
    }
  | { readonly type: 'CONFIRM' | 'DELETE' | 'SELECT'; readonly slot: number; readonly id: Uint8Array }
  | { readonly type: 'ROLLBACK'; readonly slot: number }
  | { readonly type: 'ABORT'; readonly id: Uint8Array }
  | {
      readonly type: 'BLOCKS'
      readonly slot: number
      readonly from: number
      readonly total: number
      readonly entries: readonly BlockEntry[]
    }
  | {
      readonly type: 'LIST'
      readonly slots: number
      readonly slot: number
      readonly state: number
      readonly active: boolean
      readonly trial: boolean
      readonly id: Uint8Array
      readonly imageBytes: number
      readonly frames: number
      readonly leds: number
      readonly blocks: number
      readonly name: string
    }
  | { readonly type: 'BRIGHTNESS'; readonly level: number }
  | { readonly type: 'PLAY' | 'STOP' | 'NEXT' | 'PREVIOUS'; readonly slot: number; readonly playing: boolean }
  | {
      readonly type: 'STATUS'
      readonly mode: number
      readonly slot: number
      readonly id: Uint8Array
      readonly frame: number
      readonly brightness: number
      readonly transferOpen: boolean
      readonly trialSecondsLeft: number
      readonly uptimeSeconds: number
      readonly bootId: number
      readonly framesReceived: number
      readonly bytesDropped: number
      readonly framesShown: number
    }
  | { readonly type: 'IDENTIFY'; readonly ms: number }
  | { readonly type: 'REBOOT' | 'FRAME' | 'FILL' }
  | { readonly type: 'SETID'; readonly uuid: Uint8Array }
  | { readonly type: 'LOG'; readonly text: string }
  | PairReply

/** The capability record, all pages joined (SPEC §3.2). */
export interface Caps {
  readonly version: number
  readonly paired: boolean
  readonly transferOpen: boolean
  readonly trialRunning: boolean
  readonly uuid: Uint8Array
  readonly bootId: number
  readonly maxBody: number
  readonly rxBuffer: number
  readonly lineRateBaud: number
  readonly window: number
  readonly codecs: number
  readonly digests: number
  readonly macs: number
  readonly slots: number
  readonly slotsFree: number
  readonly slotBytes: number
  readonly decodeBytes: number
  readonly leds: number
  readonly width: number
  readonly height: number
  readonly blockBytes: number
  readonly maxBaud: number
  readonly maxPowerMa: number
  readonly firmwareName: string
  readonly firmwareVersion: string
  readonly boardName: string
}
