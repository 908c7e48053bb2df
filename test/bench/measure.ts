import { type LineModelOptions, type LineStatistics, startLineModel } from '../support/line-model.ts'
import { uploadByCommand } from './command-upload.ts'
import type { Delivery, SendThroughLine } from './delivery.ts'
import { noiseBytes } from './payload.ts'

export interface Measurement {
  readonly payloadBytes: number
  /** Payload bits, ten a byte, over what the line could have carried meanwhile; null when it did not arrive. */
  readonly shareOfLine: number | null
  readonly delivery: Delivery
  readonly statistics: LineStatistics
}

export interface MeasureOptions {
  /** Line time of the payload. */
  readonly lineSeconds: number
  readonly timeoutMs: number
}

/** Sends noise that fills the line for so long, once. */
export async function measure(
  line: LineModelOptions,
  send: SendThroughLine,
  { lineSeconds, timeoutMs }: MeasureOptions,
): Promise<Measurement> {
  const payload = noiseBytes(Math.round((lineSeconds * line.baudRate) / 10), line.seed ?? 1)
  const model = await startLineModel(line)
  try {
    const [ends] = model.lines
    if (ends === undefined) throw new Error('the line model has no line')
    const delivery = await send(ends, payload, timeoutMs)
    const [statistics] = await model.stop()
    if (statistics === undefined) throw new Error('the line model has no statistics')
    const { complete, seconds } = delivery
    const shareOfLine = complete ? (payload.length * 10) / line.baudRate / seconds : null
    return { payloadBytes: payload.length, shareOfLine, delivery, statistics }
  } finally {
    await model.stop()
  }
}

/** The gateway's way: the command, raw. `maxBody` fixes the bodies; without it they adapt. */
export function gatewaySender(main: string, baudRate: number, maxBody?: number): SendThroughLine {
  const args = ['--raw', ...(maxBody === undefined ? [] : ['--max-body', String(maxBody)])]
  return async ({ host }, payload, timeoutMs) => {
    const upload = await uploadByCommand(payload, {
      main,
      port: host,
      baudRate,
      fileName: 'noise.bin',
      args,
      timeoutMs,
    })
    const { report, totalSeconds, cpuSeconds, failure } = upload
    if (report === undefined) return { seconds: timeoutMs / 1000, complete: false, detail: { failure } }
    const seconds = report.durationMs / 1000
    const wholeShare = (payload.length * 10) / baudRate / totalSeconds
    return {
      seconds,
      complete: report.payloadBytes === payload.length,
      detail: {
        s: seconds,
        'BEGIN to CONFIRM %': 100 * wholeShare,
        'retransmitted B': report.retransmittedBytes,
        'CPU s/MB': (cpuSeconds * 1e6) / payload.length,
      },
    }
  }
}
