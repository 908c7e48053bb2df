import { useState } from 'preact/hooks'
import type { JobView } from '../../wire/job.ts'
import { Badge } from '../components/badge.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { JobVerbs } from '../components/job-verbs.tsx'
import { PageHead } from '../components/page-head.tsx'
import { nowMs } from '../live.ts'
import { formatAgo, formatShare, plural } from '../model/format.ts'
import { isFinal, jobTone, jobWord } from '../model/jobs.ts'
import { doneShare } from '../model/progress.ts'
import { routeHash } from '../model/route.ts'
import { boardName } from '../state/boards.ts'
import { jobs, jobsTotal, loadOlderJobs, tracks } from '../state/jobs.ts'
import { attempt } from '../state/toasts.ts'

export function JobsPage() {
  const [busy, setBusy] = useState(false)
  const total = jobsTotal.value
  const older = async () => {
    setBusy(true)
    await attempt(loadOlderJobs)
    setBusy(false)
  }
  return (
    <>
      <PageHead title="Jobs" words={total === null ? '' : plural(total, 'upload')} />
      {total === 0 && (
        <EmptyState icon="jobs" title="Nothing has been sent yet">
          <a href="#/upload">Upload a pattern</a>, and its way to the board is shown here.
        </EmptyState>
      )}
      {jobs.value.length > 0 && (
        <ul class="job-list">
          {jobs.value.map(job => (
            <JobRow key={job.id} job={job} />
          ))}
        </ul>
      )}
      {total !== null && total > jobs.value.length && (
        <button type="button" class="button" disabled={busy} onClick={() => void older()}>
          Show older ones
        </button>
      )}
    </>
  )
}

function JobRow({ job }: { readonly job: JobView }) {
  const track = tracks.value.get(job.id)
  const share =
    job.state === 'transferring' && track !== undefined ? ` ${formatShare(doneShare(track.progress))}` : ''
  return (
    <li class="job-row">
      <a href={routeHash({ page: 'jobs', jobId: job.id })}>
        <strong class="clip">{job.name}</strong>
        <span class="quiet small">
          {boardName(job.boardId)} · {formatAgo(job.finishedAt ?? job.createdAt, nowMs.value)}
        </span>
      </a>
      <Badge tone={jobTone(job.state)} text={`${jobWord[job.state]}${share}`} />
      {!isFinal(job.state) && <JobVerbs job={job} />}
    </li>
  )
}
