import type { JobView } from '../../wire/job.ts'
import { formatBytes, formatRate } from '../model/format.ts'
import { jobTone, jobWord } from '../model/jobs.ts'
import { jobShare } from '../model/progress.ts'
import { routeHash } from '../model/route.ts'
import { tracks } from '../state/jobs.ts'
import { ProgressBar } from './progress-bar.tsx'

/** The upload that a board is busy with, small. */
export function TileJob({ job }: { readonly job: JobView }) {
  const track = tracks.value.get(job.id)
  const rate = track?.bytesPerSecond ?? null
  return (
    <a class="tile-job" href={routeHash({ page: 'jobs', jobId: job.id })}>
      <span class="tile-job-words">
        <span class="clip">
          {jobWord[job.state]}: {job.name}
        </span>
        <span class="number">
          {track !== undefined && formatBytes(track.progress.doneBytes)}
          {rate !== null && rate > 0 && ` · ${formatRate(rate)}`}
        </span>
      </span>
      <ProgressBar share={jobShare(job, track)} label={`Upload of ${job.name}`} tone={jobTone(job.state)} />
    </a>
  )
}
