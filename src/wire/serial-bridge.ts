import { z } from 'zod'
import { pageShape } from './page.ts'

const bridgeTraffic = z
  .object({
    frames: z.int().min(0).describe('Since the start'),
    bytes: z.int().min(0).describe('Of those frames, without what frames them on the line'),
    dropped: z.int().min(0).describe('Frames or messages that were lost or refused'),
    droppedBytes: z.int().min(0),
    reasons: z
      .record(z.string(), z.int().min(0))
      .describe(
        'The dropped ones by reason: `too_long`, `malformed`, `unfinished`, `too_fast`, `no_room`, …',
      ),
    lastAt: z.iso.datetime().nullable().describe('Of the last frame that passed'),
  })
  .readonly()
export type BridgeTraffic = z.output<typeof bridgeTraffic>

export const serialBridgeView = z
  .object({
    name: z.string(),
    topic: z.string().describe('Its topics are `TOPIC/rx`, `TOPIC/tx` and `TOPIC/status`'),
    address: z.string().describe('`/dev/ttyUSB1` or `tcp://HOST:PORT`'),
    baudRate: z.int().nullable().describe('null where a rate means nothing'),
    framing: z.enum(['line', 'cobs', 'length', 'idle', 'raw']),
    encoding: z.enum(['utf-8', 'base64', 'binary']),
    state: z
      .enum(['open', 'waiting', 'closed'])
      .describe('waiting: it is tried again and again; closed: the gateway has ended'),
    reason: z.string().nullable().describe('Why it is not open; null: it is'),
    since: z.iso.datetime().describe('Of this state'),
    rx: bridgeTraffic.describe('From the line to MQTT'),
    tx: bridgeTraffic.describe('From MQTT to the line'),
    queuedBytes: z.int().min(0).describe('Of messages that wait for the line'),
    lastDrop: z
      .object({
        direction: z.enum(['rx', 'tx']),
        reason: z.string(),
        message: z.string().describe('What to do'),
        at: z.iso.datetime(),
      })
      .readonly()
      .nullable()
      .describe('The latest loss'),
  })
  .readonly()
  .meta({
    id: 'SerialBridge',
    description: 'A line that carries something else than our protocol, as topics',
  })
export type SerialBridgeView = z.output<typeof serialBridgeView>

/** Answer of GET /serial-bridges. */
export const serialBridgesView = z
  .object({ bridges: z.array(serialBridgeView).readonly(), ...pageShape })
  .readonly()

/** `TOPIC/status`, retained. */
export type BridgeStatusPayload = Omit<SerialBridgeView, 'topic'>
