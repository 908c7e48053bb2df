import { fileURLToPath } from 'node:url'
import { Prng } from '../../src/link/prng.ts'
import { type LineModelOptions, type LineStatistics, startLineModel } from '../support/line-model.ts'
import type { SendThroughLine, UploadThroughLine } from './delivery.ts'
import { zmodemThroughLine } from './zmodem.ts'

/** A row of the table: one sender on one kind of line. */
export interface LinkCase {
  readonly sender: string
  readonly send: SendThroughLine
  readonly line: LineModelOptions
  /** Line time of the payload; default 5 s. */
  readonly lineSeconds?: number
}

export interface LinkResult {
  readonly sender: string
  readonly baudRate: number
  readonly bitErrorRate: number
  readonly adapterLatencyMs: number
  readonly payloadBytes: number
  readonly seconds: number
  readonly complete: boolean
  /** Payload bits, ten a byte, over what the line could have carried meanwhile; 0 for an incomplete transfer. */
  readonly shareOfLine: number
  readonly retransmittedBytes: number | null
  readonly cpuSeconds: number | null
  readonly statistics: LineStatistics
}

/** A transfer may take so many times its line time before it counts as failed, and at least the floor. */
const patience = 6
const patienceFloorMs = 30_000

/** Bytes that no codec shrinks, the same for the same seed. */
export function noiseBytes(sizeBytes: number, seed: number): Uint8Array {
  const prng = new Prng(seed)
  return Uint8Array.from({ length: sizeBytes }, () => prng.below(256))
}

export async function measure(linkCase: LinkCase): Promise<LinkResult> {
  const { baudRate, bitErrorRate = 0, adapterLatencyMs = 0, seed = 1 } = linkCase.line
  const lineSeconds = linkCase.lineSeconds ?? 5
  const payload = noiseBytes(Math.round((lineSeconds * baudRate) / 10), seed)
  const model = await startLineModel(linkCase.line)
  try {
    const [line] = model.lines
    if (line === undefined) throw new Error('the line model has no line')
    const timeoutMs = Math.max(patienceFloorMs, patience * lineSeconds * 1000)
    const delivery = await linkCase.send(line, payload, timeoutMs)
    const [statistics] = await model.stop()
    if (statistics === undefined) throw new Error('the line model has no statistics')
    return {
      sender: linkCase.sender,
      baudRate,
      bitErrorRate,
      adapterLatencyMs,
      payloadBytes: payload.length,
      seconds: delivery.seconds,
      complete: delivery.complete,
      shareOfLine: delivery.complete ? (payload.length * 10) / baudRate / delivery.seconds : 0,
      retransmittedBytes: delivery.retransmittedBytes ?? null,
      cpuSeconds: delivery.cpuSeconds ?? null,
      statistics,
    }
  } finally {
    await model.stop()
  }
}

/** The lines on which senders are compared: rate, noise, adapter. */
export const lines: readonly LineModelOptions[] = [
  { baudRate: 115_200 },
  { baudRate: 500_000 },
  { baudRate: 2_000_000 },
  { baudRate: 2_000_000, adapterLatencyMs: 16 },
  { baudRate: 500_000, bitErrorRate: 1e-5 },
  { baudRate: 500_000, bitErrorRate: 1e-4 },
]

/** A body size belongs to a line only as a sender's choice, so each is a sender of its own. */
export function uploadSender(
  upload: UploadThroughLine,
  bodyBytes: number,
  baudRate: number,
): SendThroughLine {
  return (line, payload, timeoutMs) => upload(line, payload, { bodyBytes, baudRate, timeoutMs })
}

export function formatTable(results: readonly LinkResult[]): string {
  const rows = results.map(result => [
    result.sender,
    String(result.baudRate),
    result.bitErrorRate === 0 ? 'clean' : result.bitErrorRate.toExponential(),
    result.adapterLatencyMs === 0 ? '–' : `${result.adapterLatencyMs} ms`,
    String(result.payloadBytes),
    result.seconds.toFixed(2),
    result.complete ? `${(100 * result.shareOfLine).toFixed(1)} %` : 'failed',
    result.retransmittedBytes === null ? '–' : String(result.retransmittedBytes),
    result.cpuSeconds === null ? '–' : ((result.cpuSeconds * 1e6) / result.payloadBytes).toFixed(3),
    String(result.statistics.overrunBytes),
  ])
  const head = ['sender', 'baud', 'noise', 'adapter', 'bytes', 's', 'share', 'resent', 'CPU s/MB', 'overrun']
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map(row => (row[column] ?? '').length)))
  const text = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return `${all.map(text).join('\n')}\n`
}

/** Measures every case in turn, telling each result as it comes. Wants a machine with nothing else to do. */
export async function benchLink(
  cases: readonly LinkCase[],
  onResult: (result: LinkResult) => void,
): Promise<LinkResult[]> {
  const results: LinkResult[] = []
  for (const linkCase of cases) {
    const result = await measure(linkCase)
    results.push(result)
    onResult(result)
  }
  return results
}

async function main(args: readonly string[]): Promise<void> {
  const cases = lines.map(line => ({ sender: 'ZMODEM', send: zmodemThroughLine, line }))
  const json = args.includes('--json')
  const tell = (text: string) => void process.stderr.write(text)
  const results = await benchLink(cases, result =>
    tell(formatTable([result]).split('\n')[1]?.concat('\n') ?? ''),
  )
  process.stdout.write(json ? `${JSON.stringify(results, null, 2)}\n` : formatTable(results))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))
