import { useEffect, useState } from 'preact/hooks'
import { Facts } from '../components/facts.tsx'
import { JobCard } from '../components/job-card.tsx'
import { Notice } from '../components/notice.tsx'
import { PageHead } from '../components/page-head.tsx'
import { formatBytes } from '../model/format.ts'
import { asTrouble } from '../model/problem.ts'
import { routeHash } from '../model/route.ts'
import { boardName } from '../state/boards.ts'
import { jobs, loadJob, take } from '../state/jobs.ts'

const moment = (iso: string | null): string => (iso === null ? 'not yet' : new Date(iso).toLocaleString())

export function JobPage({ jobId }: { readonly jobId: string }) {
  const [trouble, setTrouble] = useState<string | null>(null)
  const [old, setOld] = useState<Awaited<ReturnType<typeof loadJob>> | null>(null)
  const job = jobs.value.find(({ id }) => id === jobId) ?? old
  useEffect(() => {
    loadJob(jobId).then(
      found => {
        // An old job stays out of the list, which has no holes.
        if (jobs.peek().some(({ id }) => id === found.id)) take([found])
        setOld(found)
      },
      (thrown: unknown) => setTrouble(asTrouble(thrown).message),
    )
  }, [jobId])
  return (
    <>
      <PageHead title={job?.name ?? 'Upload'} {...(job && { words: `to ${boardName(job.boardId)}` })}>
        <a class="button" href="#/jobs">
          All jobs
        </a>
        {job?.patternId !== null && job !== null && (
          <a class="button" href={routeHash({ page: 'upload', patternId: job.patternId })}>
            Send again
          </a>
        )}
      </PageHead>
      {trouble !== null && job === null && <Notice tone="bad">{trouble}</Notice>}
      {job !== null && (
        <div class="stack">
          <JobCard job={job} />
          <section class="card">
            <h2>Details</h2>
            <Facts
              facts={[
                ['Made', moment(job.createdAt)],
                ['Last change', moment(job.updatedAt)],
                ['Finished', moment(job.finishedAt)],
                [
                  'Image',
                  job.imageBytes > 0
                    ? `${formatBytes(job.imageBytes)} in ${job.blocks} blocks`
                    : 'not compiled yet',
                ],
                ['Durable on the board', `${job.durableBlocks} of ${job.blocks} blocks`],
                ['Attempts', job.attempts],
                ['Job', <code key="job">{job.id}</code>],
                ['Batch', <code key="batch">{job.batchId}</code>],
              ]}
            />
          </section>
        </div>
      )}
    </>
  )
}
