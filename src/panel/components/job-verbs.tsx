import { useState } from 'preact/hooks'
import type { JobView } from '../../wire/job.ts'
import { canPause, isFinal } from '../model/jobs.ts'
import { type JobVerb, orderJob } from '../state/jobs.ts'
import { mayOperate } from '../state/session.ts'
import { attempt } from '../state/toasts.ts'

/** Pause, resume, cancel: those that mean something now. */
export function JobVerbs({ job }: { readonly job: JobView }) {
  const [busy, setBusy] = useState(false)
  if (!mayOperate.value || isFinal(job.state)) return null
  const order = async (verb: JobVerb) => {
    setBusy(true)
    await attempt(() => orderJob(job.id, verb))
    setBusy(false)
  }
  const button = (verb: JobVerb, word: string) => (
    <button
      type="button"
      class="button small"
      disabled={busy}
      aria-label={`${word} the upload of ${job.name}`}
      onClick={() => void order(verb)}
    >
      {word}
    </button>
  )
  return (
    <span class="row">
      {job.state === 'paused' && button('resume', 'Resume')}
      {canPause(job.state) && button('pause', 'Pause')}
      {button('cancel', 'Cancel')}
    </span>
  )
}
