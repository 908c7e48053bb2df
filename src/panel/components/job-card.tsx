import type { JobView } from '../../wire/job.ts'
import { formatBytes, formatRate, formatShare } from '../model/format.ts'
import { isFinal, jobCure, jobTone, jobWord } from '../model/jobs.ts'
import { jobShare, type Track } from '../model/progress.ts'
import { boardName } from '../state/boards.ts'
import { tracks } from '../state/jobs.ts'
import { Badge } from './badge.tsx'
import { JobReport } from './job-report.tsx'
import { JobVerbs } from './job-verbs.tsx'
import { Notice } from './notice.tsx'
import { ProgressBar } from './progress-bar.tsx'

/** An upload from its first byte to the board's word that all of it is there. */
export function JobCard({ job }: { readonly job: JobView }) {
  const track = tracks.value.get(job.id)
  const name = boardName(job.boardId)
  return (
    <article class="card job-card" aria-label={`Upload of ${job.name} to ${name}`}>
      <div class="row between">
        <span class="clip">
          <strong>{name}</strong> <span class="quiet">{job.name}</span>
        </span>
        <Badge tone={jobTone(job.state)} text={jobWord[job.state]} />
      </div>
      {!isFinal(job.state) && (
        <>
          <ProgressBar share={jobShare(job, track)} label={`Upload to ${name}`} tone={jobTone(job.state)} />
          <div class="row between">
            <Figures job={job} track={track} />
            <JobVerbs job={job} />
          </div>
        </>
      )}
      {job.state === 'done' && <JobReport job={job} />}
      {job.errorMessage !== null && job.state !== 'done' && job.state !== 'cancelled' && (
        <Notice tone={job.state === 'failed' ? 'bad' : 'warn'}>
          <p>{job.errorMessage}</p>
          {jobCure(job.errorCode) !== null && <p>{jobCure(job.errorCode)}</p>}
        </Notice>
      )}
    </article>
  )
}

function Figures({ job, track }: { readonly job: JobView; readonly track: Track | undefined }) {
  const { progress } = track ?? {}
  const rate = track?.bytesPerSecond ?? null
  const blocks = progress?.blocks ?? job.blocks
  return (
    <p class="figures small">
      {progress !== undefined && (
        <span>
          {formatBytes(progress.doneBytes)} of {formatBytes(progress.totalBytes)}
        </span>
      )}
      {rate !== null && rate > 0 && <span>{formatRate(rate)}</span>}
      {progress !== undefined && progress.lineShare !== null && progress.lineShare > 0 && (
        <span title="Share of the line that is pattern">{formatShare(progress.lineShare)} of the line</span>
      )}
      {blocks > 0 && (
        <span>
          {progress?.durableBlocks ?? job.durableBlocks} of {blocks} blocks
        </span>
      )}
      {job.attempts > 1 && <span>attempt {job.attempts}</span>}
    </p>
  )
}
