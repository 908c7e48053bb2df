import { flag0, id16, layout, u8, u16, u32 } from './fields.ts'

/** Fixed parts of the bodies (SPEC §3 – §8), in the order of their tables. First those that several types share. */
export const empty = layout({})
export const slotAndId = layout({ slot: u8, id: id16 })
export const idOnly = layout({ id: id16 })
export const uuidOnly = layout({ uuid: id16 })
export const baudOnly = layout({ baud: u32 })
export const levelOnly = layout({ level: u8 })
export const msOnly = layout({ ms: u16 })
export const slotOnly = layout({ slot: u8 })
export const activate = layout({ slot: u8, id: id16, trialSeconds: u16 })

/** From the host. */
export const hello = layout({ minVersion: u8, maxVersion: u8, hostMaxBody: u16, page: u8 })
export const beginRequest = layout({
  id: id16,
  manifestBytes: u32,
  manifestCrc: u32,
  imageBytes: u32,
  blocks: u16,
  slot: u8,
  fresh: flag0,
})
export const haveRequest = layout({ start: flag0, firstSeq: u16, bodyBytes: u16, from: u16 })
export const run = layout({ slot: u8, oldBlock: u16, newBlock: u16, count: u16 })
export const verifyRequest = layout({ alg: u8, key: id16, expected: id16 })
export const blocksRequest = layout({ slot: u8, from: u16 })
export const liveFrame = layout({ holdMs: u16, offset: u16, show: flag0 })
export const fill = layout({ holdMs: u16, channels: u8 })

/** Fixed part of the capability record, SPEC §3.2. */
export const capsRecord = layout({
  version: u8,
  flags: u8,
  uuid: id16,
  bootId: u32,
  maxBody: u16,
  rxBuffer: u16,
  lineRateBaud: u32,
  window: u16,
  codecs: u16,
  digests: u8,
  macs: u8,
  slots: u8,
  slotsFree: u8,
  slotBytes: u32,
  decodeBytes: u32,
  leds: u16,
  width: u16,
  height: u16,
  blockBytes: u16,
  maxBaud: u32,
  maxPowerMa: u16,
  zero: u16,
})

/** From the board. */
export const capsPage = layout({ page: u8, pages: u8 })
export const err = layout({ code: u8, requestType: u8, detail: u16 })
export const busy = layout({ requestType: u8, percent: u8, moreMs: u16 })
export const beginReply = layout({ slot: u8, state: u8 })
export const have = layout({
  start: flag0,
  firstSeq: u16,
  bodyBytes: u16,
  block: u16,
  offset: u16,
  missing: u16,
  from: u16,
})
export const ackState = layout({ next: u16, bitmap: u32, credit: u16, durable: u16 })
export const copyReply = layout({ copied: u16, failed: u16 })
export const verifyReply = layout({ alg: u8, manifestCrc: u32, imageBytes: u32 })
export const blocksReply = layout({ slot: u8, from: u16, total: u16 })
export const blockEntry = layout({ crc32: u32, storedBytes: u16, codec: u8, frames: u8 })
export const listReply = layout({
  slots: u8,
  slot: u8,
  state: u8,
  flags: u8,
  id: id16,
  imageBytes: u32,
  frames: u32,
  leds: u16,
  blocks: u16,
  nameBytes: u8,
})
export const playing = layout({ slot: u8, playing: flag0 })
export const status = layout({
  mode: u8,
  slot: u8,
  id: id16,
  frame: u32,
  brightness: u8,
  transferOpen: flag0,
  trialSecondsLeft: u16,
  uptimeSeconds: u32,
  bootId: u32,
  framesReceived: u32,
  bytesDropped: u32,
  framesShown: u32,
})
