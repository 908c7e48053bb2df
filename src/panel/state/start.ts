import { effect, untracked } from '@preact/signals'
import { nowMs, startLive, stopLive } from '../live.ts'
import { freshTokens } from '../renewal.ts'
import { followAlerts, loadAlerts, resetAlerts } from './alerts.ts'
import { boards, followBoards, loadBoards } from './boards.ts'
import { dropTypists, followChat, loadChat, resetChat } from './chat.ts'
import { followJobs, jobs, jobsTotal, loadJobs, tracks } from './jobs.ts'
import { checkSession, session } from './session.ts'
import { attempt } from './toasts.ts'
import { leaveUpload } from './upload.ts'

let leave: (() => void) | undefined

/** What everything after the sign-in lives on. Signing out forgets it, so that the next person does not see it. */
function enter(isGuest: boolean): void {
  if (leave !== undefined) return
  const unfollow = isGuest ? [followBoards()] : [followBoards(), followJobs(), followChat(), followAlerts()]
  startLive(() => void checkSession(), freshTokens)
  for (const load of isGuest ? [loadBoards] : [loadBoards, loadJobs, loadChat, loadAlerts]) void attempt(load)
  leave = () => {
    for (const stop of unfollow) stop()
    stopLive()
    boards.value = null
    jobs.value = []
    jobsTotal.value = null
    tracks.value = new Map()
    resetChat()
    resetAlerts()
    leaveUpload()
  }
}

export function keepUp(): void {
  effect(() => {
    const { kind } = session.value
    if (kind === 'signed-in' || kind === 'guest') untracked(() => enter(kind === 'guest'))
    else {
      leave?.()
      leave = undefined
    }
  })
  effect(() => dropTypists(nowMs.value))
  effect(() => {
    // The clock ticks for those who are signed in, and at once when a device wakes up.
    if (nowMs.value > 0 && session.peek().kind === 'signed-in') void freshTokens()
  })
}
