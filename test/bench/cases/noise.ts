import type { Context } from '../context.ts'
import type { SendThroughLine } from '../delivery.ts'
import { gatewaySender, type Measurement, measure } from '../measure.ts'
import { atLeast, median, type Row, row, type Target } from '../row.ts'
import { zmodemThroughLine } from '../zmodem.ts'

const baudRate = 500_000
/** ZMODEM may take this much longer than a line without noise would; then it counts as not completed. */
const zmodemTimeoutMs = 45_000
const gatewayTimeoutMs = 120_000

/** Lines that flip bits: the median over seeds, each seed another noise and another payload. */
export async function* noise({ main, seed, quick }: Context): AsyncGenerator<Row> {
  const seeds = Array.from({ length: quick ? 1 : 5 }, (_, n) => seed + n)
  const few = quick ? seeds : seeds.slice(0, 3)
  const lineSeconds = quick ? 2 : 5
  yield await over(
    seeds,
    1e-5,
    'pixelgate, 256 B bodies',
    gatewaySender(main, baudRate, 256),
    lineSeconds,
    atLeast(0.93),
  )
  if (!quick)
    yield await over(few, 1e-5, 'pixelgate, bodies adapt', gatewaySender(main, baudRate), lineSeconds)
  yield await over(
    few,
    1e-4,
    'pixelgate, bodies adapt',
    gatewaySender(main, baudRate),
    lineSeconds,
    atLeast(0),
  )
  yield await over(
    few,
    1e-3,
    'pixelgate, bodies adapt',
    gatewaySender(main, baudRate),
    quick ? 1 : 3,
    atLeast(0),
  )
  if (quick) return
  yield await over(few, 1e-5, 'ZMODEM', zmodemThroughLine, lineSeconds)
  yield await over([seed], 1e-4, 'ZMODEM', zmodemThroughLine, lineSeconds)
  yield await over([seed], 1e-3, 'ZMODEM', zmodemThroughLine, 3)
}

/** A transfer that does not come to its end makes the whole row so. */
async function over(
  seeds: readonly number[],
  bitErrorRate: number,
  what: string,
  send: SendThroughLine,
  lineSeconds: number,
  target?: Target,
): Promise<Row> {
  const native = send !== zmodemThroughLine
  const timeoutMs = native ? gatewayTimeoutMs : zmodemTimeoutMs
  const measured: Measurement[] = []
  for (const each of seeds) {
    const line = { baudRate, bitErrorRate, seed: each, nativeBoard: native }
    measured.push(await measure(line, send, { lineSeconds, timeoutMs }))
  }
  const shares = measured.map(({ shareOfLine }) => shareOfLine ?? 0)
  const failed = shares.filter(share => share === 0).length
  const last = measured.at(-1)
  const detail = {
    seeds: `${seeds[0]}…${seeds.at(-1)}`,
    'lowest %': 100 * Math.min(...shares),
    'not completed': failed,
    ...last?.delivery.detail,
  }
  return row({
    case: 'noise',
    line: `${baudRate}, BER ${bitErrorRate.toExponential()}`,
    what,
    figure: failed > 0 ? null : median(shares),
    unit: '%',
    seed: seeds[0] ?? 0,
    detail,
    ...(target && { target }),
  })
}
