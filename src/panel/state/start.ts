import { effect, untracked } from '@preact/signals'
import { nowMs, startLive, stopLive } from '../live.ts'
import { boards, followBoards, loadBoards } from './boards.ts'
import { dropTypists, followChat, loadChat, resetChat } from './chat.ts'
import { followJobs, jobs, jobsTotal, loadJobs, tracks } from './jobs.ts'
import { checkSession, session } from './session.ts'
import { attempt } from './toasts.ts'

let leave: (() => void) | undefined

/** What everything after the sign-in lives on. Signing out forgets it, so that the next person does not see it. */
function enter(): void {
  if (leave !== undefined) return
  const unfollow = [followBoards(), followJobs(), followChat()]
  startLive(() => void checkSession())
  for (const load of [loadBoards, loadJobs, loadChat]) void attempt(load)
  leave = () => {
    for (const stop of unfollow) stop()
    stopLive()
    boards.value = null
    jobs.value = []
    jobsTotal.value = null
    tracks.value = new Map()
    resetChat()
  }
}

export function keepUp(): void {
  effect(() => {
    if (session.value.kind === 'signed-in') untracked(enter)
    else {
      leave?.()
      leave = undefined
    }
  })
  effect(() => dropTypists(nowMs.value))
}
