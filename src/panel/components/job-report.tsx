import { useEffect, useState } from 'preact/hooks'
import type { JobView } from '../../wire/job.ts'
import { get } from '../api.ts'
import { formatBytes, formatDuration, formatRate, formatShare, shortDigest } from '../model/format.ts'
import { CopyButton } from './copy-button.tsx'
import { Icon } from './icon.tsx'

/** Answer of GET /jobs/:id/report, as far as it is shown. */
interface Report {
  readonly digest: { readonly alg: string; readonly value: string }
  readonly imageBytes: number
  readonly payloadBytes: number
  readonly durationMs: number
  readonly lineShare: number | null
  readonly retransmittedBytes: number
  readonly resumed: boolean
}

/** The proof: the hash that the board returned, and what it cost to get there. */
export function JobReport({ job }: { readonly job: JobView }) {
  const [report, setReport] = useState<Report | null>(null)
  useEffect(() => {
    let wanted = true
    get<Report>(`/jobs/${job.id}/report`).then(
      answer => {
        if (wanted) setReport(answer)
      },
      () => {},
    )
    return () => {
      wanted = false
    }
  }, [job.id])
  if (report === null) return <p class="quiet small">{formatBytes(job.imageBytes)}, verified by the board</p>
  const { digest, payloadBytes, imageBytes, durationMs, lineShare, retransmittedBytes, resumed } = report
  return (
    <div class="report">
      <p class="verified">
        <Icon name="check" />
        <span>
          Verified: the board holds {digest.alg} <code title={digest.value}>{shortDigest(digest.value)}</code>
        </span>
        <CopyButton text={digest.value} what="the digest" />
      </p>
      <p class="figures small">
        <span>
          {formatBytes(payloadBytes)} sent for {formatBytes(imageBytes)}
        </span>
        {payloadBytes > 0 && <span>{formatDuration(durationMs)}</span>}
        {payloadBytes > 0 && durationMs > 0 && <span>{formatRate((payloadBytes * 1000) / durationMs)}</span>}
        {lineShare !== null && lineShare > 0 && <span>{formatShare(lineShare)} of the line</span>}
        {retransmittedBytes > 0 && <span>{formatBytes(retransmittedBytes)} sent again</span>}
        {resumed && <span>resumed</span>}
      </p>
    </div>
  )
}
