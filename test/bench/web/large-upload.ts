import { GatewayFolder } from '../daemon/gateway-process.ts'
import { atMost, type Row, row } from '../row.ts'
import { end } from './answers.ts'
import type { WebContext } from './web-context.ts'

const sizeBytes = 64 * 2 ** 20
const pieceBytes = 4 * 2 ** 20
const megabyte = 2 ** 20
const sampleMs = 20
const tus = { 'tus-resumable': '1.0.0' }

/** What a file of 64 MiB that comes in pieces costs the gateway at most, all its bytes on the disk. */
export async function* largeUpload({ main, seed }: WebContext): AsyncGenerator<Row> {
  const folder = await GatewayFolder.make({ ports: [], baudRate: 0 })
  const gateway = await folder.start(main)
  let sampler: NodeJS.Timeout | undefined
  try {
    const [token = ''] = await gateway.signIn(1)
    const headers = { ...tus, authorization: `Bearer ${token}` }
    const made = await fetch(`${gateway.http}/api/v1/files`, {
      method: 'POST',
      headers: {
        ...headers,
        'upload-length': String(sizeBytes),
        'upload-metadata': `filename ${Buffer.from('large.bin').toString('base64')}`,
      },
    })
    const location = new URL(made.headers.get('location') ?? '', gateway.http)
    const idle = (await gateway.process.memoryBytes()).rss
    let peak = idle
    const look = () =>
      gateway.process.memoryBytes().then(
        ({ rss }) => {
          peak = Math.max(peak, rss)
        },
        () => undefined,
      )
    sampler = setInterval(() => void look(), sampleMs)
    const piece = Buffer.alloc(pieceBytes)
    const beganMs = performance.now()
    // All but the last byte: with it the file would be read as a pattern, which is another matter.
    for (let offset = 0; offset < sizeBytes - 1; ) {
      piece.fill((seed + offset / pieceBytes) % 251)
      const body = piece.subarray(0, Math.min(pieceBytes, sizeBytes - 1 - offset))
      const answer = await fetch(location, {
        method: 'PATCH',
        headers: {
          ...headers,
          'upload-offset': String(offset),
          'content-type': 'application/offset+octet-stream',
        },
        body,
      })
      if (answer.status !== 204) throw new Error(`PATCH: ${answer.status} ${await answer.text()}`)
      offset += body.length
    }
    await look()
    const seconds = (performance.now() - beganMs) / 1000
    yield row({
      case: 'upload',
      line: `tus, ${sizeBytes / megabyte} MiB in pieces of ${pieceBytes / megabyte}`,
      what: 'more memory than before',
      figure: (peak - idle) / 1e6,
      unit: 'MB',
      target: atMost(48),
      seed,
      detail: { 'idle MB': idle / 1e6, 'peak MB': peak / 1e6, 'MB/s': sizeBytes / 1e6 / seconds },
    })
  } finally {
    clearInterval(sampler)
    await end(gateway, folder)
  }
}
