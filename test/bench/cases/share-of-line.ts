import type { Context } from '../context.ts'
import type { SendThroughLine } from '../delivery.ts'
import { gatewaySender, measure } from '../measure.ts'
import { atLeast, type Row, row, type Target } from '../row.ts'
import { zmodemThroughLine } from '../zmodem.ts'

const targets: Readonly<Record<number, Target>> = { 1024: atLeast(0.98), 128: atLeast(0.92) }

/** How much of a line without noise is payload. */
export async function* shareOfLine({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const lineSeconds = quick ? 3 : 6
  const options = { lineSeconds, timeoutMs: 2 * lineSeconds * 1000 + 4_000 }
  for (const baudRate of quick ? [2_000_000] : [115_200, 500_000, 2_000_000]) {
    for (const adapterLatencyMs of quick ? [16] : [0, 16]) {
      const line = adapterLatencyMs === 0 ? `${baudRate}` : `${baudRate}, ${adapterLatencyMs} ms adapter`
      const measured = async (what: string, send: SendThroughLine, nativeBoard: boolean, target?: Target) => {
        const { shareOfLine, delivery, statistics } = await measure(
          { baudRate, adapterLatencyMs, seed, nativeBoard },
          send,
          options,
        )
        const detail = { s: delivery.seconds, ...delivery.detail, 'overrun B': statistics.overrunBytes }
        return row({
          case: 'share',
          line,
          what,
          figure: shareOfLine,
          unit: '%',
          seed,
          detail,
          ...(target && { target }),
        })
      }
      for (const bodyBytes of [1024, 128]) {
        const send = gatewaySender(main, baudRate, bodyBytes)
        yield await measured(`pixelgate, ${bodyBytes} B bodies`, send, true, targets[bodyBytes])
      }
      yield await measured('ZMODEM', zmodemThroughLine, false)
    }
  }
}
