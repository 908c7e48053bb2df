import { z } from 'zod'
import { gpioLineView } from '../../src/wire/gpio.ts'
import { serialBridgeView } from '../../src/wire/serial-bridge.ts'

const text = z.string()
const maybe = text.nullable()
const count = z.int().min(0)
const onOff = z.enum(['online', 'offline'])
const uploadState = z.enum([
  ...(['queued', 'waiting', 'transferring', 'verifying', 'trial', 'done', 'paused'] as const),
  ...(['failed', 'cancelled'] as const),
])
const percent = z.number().min(0).max(100)
const correlationId = z.union([text, z.int()])
const fault = { code: text.optional(), message: text.optional() }
const job = z.strictObject({ id: text, boardId: text, state: uploadState })
const commandResult = z.strictObject({
  ...{ correlationId: correlationId.nullable(), command: text, ok: z.boolean(), ...fault },
  ...{ batchId: text.optional(), jobs: z.array(job).optional() },
  results: z.array(z.strictObject({ boardId: text, ok: z.boolean(), ...fault })).optional(),
})
const entityResult = z.strictObject({ ok: z.boolean(), ...fault })
const anything = z.unknown()
/** Frames, lines and measurements are whatever they are. */
const bytes = anything

/** What stands on each documented topic, written from the documentation and not from the program's types. */
export const topicPayloads: Readonly<Record<string, z.ZodType>> = {
  'pixelgate/GW/status': onOff,
  'pixelgate/GW/info': z.strictObject({
    ...{ gatewayId: z.string().regex(/^[0-9a-f]{8}$/), version: text, startedAt: z.iso.datetime() },
  }),
  'pixelgate/GW/stats': z.strictObject({
    ...{ boards: count, boardsOnline: count, uploadsRunning: count, mqttClients: count },
    health: z.enum(['ok', 'degraded', 'failing', 'unknown']),
  }),
  '$SYS/broker/…': bytes,
  '$SYS/broker/connection/NAME/state': z.enum(['0', '1']).or(z.int().min(0).max(1)),
  'pixelgate/GW/BOARD/availability': onOff,
  'pixelgate/GW/BOARD/state': z.strictObject({
    mode: z.enum(['stopped', 'playing', 'trial', 'identify', 'live']),
    brightness: z.int().min(0).max(255),
    ...{ patternId: maybe, patternName: maybe, imageId: maybe },
  }),
  'pixelgate/GW/BOARD/info': z.strictObject({
    ...{ id: text, name: text, leds: count, width: count, height: count, firmware: text, address: text },
    trust: z.enum(['untrusted', 'paired', 'locked', 'refused']),
  }),
  'pixelgate/GW/BOARD/telemetry/METRIC': z.number().or(text),
  'pixelgate/GW/BOARD/cmd/NAME': anything,
  'pixelgate/GW/BOARD/cmd/NAME/result': commandResult,
  'pixelgate/GW/cmd/NAME': anything,
  'pixelgate/GW/cmd/NAME/result': commandResult,
  'pixelgate/GW/BOARD/light/set': z
    .strictObject({
      state: z.enum(['ON', 'OFF']),
      ...{ brightness: count.max(255), effect: text, flash: z.number() },
    })
    .partial({ brightness: true, effect: true, flash: true })
    .or(z.enum(['ON', 'OFF'])),
  'pixelgate/GW/BOARD/light/state': z.strictObject({
    ...{ state: z.enum(['ON', 'OFF']), brightness: count.max(255), effect: maybe },
    color_mode: z.literal('brightness'),
  }),
  'pixelgate/GW/BOARD/light/set/result': entityResult,
  'pixelgate/GW/BOARD/update/set': z.literal('install'),
  'pixelgate/GW/BOARD/update/state': z.strictObject({
    ...{ installed_version: text, latest_version: text, in_progress: z.boolean() },
    update_percentage: percent.nullable(),
  }),
  'pixelgate/GW/BOARD/update/set/result': entityResult,
  'pixelgate/GW/BOARD/frames/down': bytes,
  'pixelgate/GW/BOARD/frames/up': bytes,
  'pixelgate/GW/BOARD/upload/JOB/status': z.strictObject({
    ...{ state: uploadState, name: text, patternId: maybe, bytes: count, total: count, percent },
    lineShare: z.number().min(0).nullable(),
    error: z.strictObject({ code: text, message: text }).nullable(),
  }),
  'pixelgate/GW/BOARD/last-upload': z.strictObject({
    ...{ state: uploadState.or(z.literal('none')), name: maybe, percent, error: maybe },
    lineSharePercent: percent.nullable(),
  }),
  'pixelgate/GW/BOARD/upload/JOB/offer': z.strictObject({
    ...{ job: text, name: text, patternId: maybe, transferId: maybe, sha256: maybe },
    ...{ imageBytes: count.nullable(), manifestBytes: count.nullable(), blocks: count.nullable() },
    ...{ blockSize: count.nullable(), createdAt: z.iso.datetime() },
  }),
  'pixelgate/GW/BOARD/upload/JOB/get': bytes,
  'pixelgate/GW/BOARD/upload/JOB/data': bytes,
  'pixelgate/GW/BOARD/upload/JOB/abort': z.strictObject({ job: text, transferId: maybe }),
  'pixelgate/GW/gpio/LINE/state': gpioLineView,
  'pixelgate/GW/gpio/LINE/edge': z.strictObject({
    ...{ active: z.boolean().nullable(), edges: count, action: maybe, boardId: maybe },
    ...{ changedAt: z.iso.datetime().nullable(), monotonicMs: z.number().nullable() },
  }),
  'pixelgate/GW/gpio/LINE/cmd/NAME': anything,
  'pixelgate/GW/gpio/LINE/cmd/NAME/result': commandResult.extend({ active: z.boolean().optional() }),
  'pixelgate/GW/serial/NAME/rx': bytes,
  'pixelgate/GW/serial/NAME/rx/partial': bytes,
  'pixelgate/GW/serial/NAME/rx/base64': bytes,
  'pixelgate/GW/serial/NAME/tx': bytes,
  'pixelgate/GW/serial/NAME/status': serialBridgeView.unwrap().omit({ topic: true }),
  'homeassistant/device/pixelgate_GW/config': z.looseObject({
    dev: z.looseObject({}),
    cmps: z.looseObject({}),
  }),
  'homeassistant/device/pixelgate_GW_BOARD/config': z.looseObject({
    ...{
      dev: z.looseObject({}),
      o: z.looseObject({ name: z.literal('pixelgate') }),
      cmps: z.looseObject({}),
    },
    availability: z.array(z.strictObject({ topic: text })),
  }),
  'homeassistant/status': onOff,
}

/** As JSON where it is, else as text; undefined stands for a topic that was cleared. */
export function payloadOf(payload: Buffer): unknown {
  const plain = payload.toString()
  try {
    return JSON.parse(plain) as unknown
  } catch {
    return plain
  }
}
