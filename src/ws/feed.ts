import type { Chat } from '../chat/chat.ts'
import { reaches } from '../chat/chat-events.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { jobId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { GatewayCore } from '../upload/gateway-core.ts'
import { isFinal } from '../upload/job-state.ts'
import { jobView } from '../upload/job-view.ts'
import type { Previews } from '../upload/previews.ts'
import type { JobView } from '../wire/job.ts'
import type { ProgressView } from '../wire/live.ts'
import { BoardNews } from './board-news.ts'
import type { LiveHub } from './live-hub.ts'
import { PreviewNews } from './preview-news.ts'
import { Throttle } from './throttle.ts'

const progressEveryMs = 100

export interface FeedParts {
  readonly core: GatewayCore
  readonly chat: Chat
  readonly previews: Pick<Previews, 'ofBoard'>
  readonly clock: Clock
  readonly log: Log
}

export interface Feed {
  stop(): void
}

/** Tells the clients of the hub what happens to boards and jobs and in the chat, and the chat who is there. */
export function connectHub(hub: LiveHub, { core, chat, previews, clock, log }: FeedParts): Feed {
  const { bus } = core
  const news = new BoardNews(hub, core, log)
  const pictures = new PreviewNews(hub, core, previews)
  const progress = new Throttle<ProgressView>(clock, progressEveryMs, view => {
    const key = view.jobId
    hub.publish('progress', 'progress', view, { key })
    hub.publish(`progress/${view.jobId}`, 'progress', view, { key })
  })

  hub.provide('boards', async () => (await core.views.list()).map(data => ({ type: 'board', data })))
  hub.provide('presence', () => [{ type: 'presence', data: chat.presence.view() }])
  hub.provide('jobs/ID', async ({ id, principal }) => {
    const job = await core.uploads.job(jobId(id)).catch(absent)
    if (job === undefined) return []
    const data = principal.kind === 'guest' ? ofNobody(jobView(job)) : jobView(job)
    return [{ type: 'job', data, last: isFinal(job.state) }]
  })
  const tellJob = (topic: string, view: JobView, last = false) => {
    if (view.createdBy === null) return hub.publish(topic, 'job', view, { last })
    hub.publish(topic, 'job', view, { last, to: ({ kind }) => kind !== 'guest' })
    hub.publish(topic, 'job', ofNobody(view), { last, to: ({ kind }) => kind === 'guest' })
  }
  hub.onTyping((principal, roomId) => chat.typing(principal, roomId))

  const subscriptions = [
    hub.onArrival(principal => chat.presence.arrive(principal)),
    bus.on('board.up', ({ boardId }) => news.changed(boardId)),
    bus.on('board.down', ({ boardId }) => news.changed(boardId)),
    bus.on('board.quarantined', ({ boardId }) => news.changed(boardId)),
    bus.on('board.refused', ({ boardId }) => news.changed(boardId)),
    bus.on('board.trust', ({ boardId }) => news.changed(boardId)),
    bus.on('board.state', ({ boardId }) => news.changed(boardId)),
    bus.on('board.changed', ({ boardId }) => news.changed(boardId)),
    bus.on('board.state', ({ boardId }) => void pictures.changed(boardId)),
    bus.on('board.down', ({ boardId }) => void pictures.changed(boardId)),
    bus.on('board.forgotten', ({ boardId }) => hub.publish('boards', 'forgotten', { boardId })),
    bus.on('job.changed', job => {
      const view = jobView(job)
      const last = isFinal(job.state)
      if (last) progress.flush(job.id)
      tellJob('jobs', view)
      tellJob(`jobs/${job.id}`, view, last)
      if (!last) return
      hub.forget('progress', job.id)
      hub.forget(`progress/${job.id}`, job.id)
    }),
    bus.on('job.progress', ({ bodyBytes: _bodyBytes, ...view }) => progress.put(view.jobId, view)),
    chat.bus.on('chat.message', ({ audience, message }) =>
      hub.publish('chat', 'message', message, { to: who => reaches(audience, who) }),
    ),
    chat.bus.on('chat.room', ({ audience, room }) =>
      hub.publish('chat', 'room', room, { to: who => reaches(audience, who) }),
    ),
    chat.bus.on('chat.left', ({ audience, roomId }) =>
      hub.publish('chat', 'left', { roomId }, { to: who => reaches(audience, who) }),
    ),
    chat.bus.on('chat.presence', view => hub.publish('presence', 'presence', view)),
    chat.bus.on('chat.typing', ({ audience, byId, typing }) =>
      hub.publish('typing', 'typing', typing, {
        key: `${typing.roomId} ${typing.name}`,
        to: who => who.id !== byId && reaches(audience, who),
      }),
    ),
  ]
  return {
    stop: () => {
      for (const unsubscribe of subscriptions) unsubscribe()
      progress.stop()
      log.debug({}, 'the live feed has ended')
    },
  }
}

/** As guests see it: nothing of people. */
const ofNobody = (view: JobView): JobView => ({ ...view, createdBy: null })

function absent(thrown: unknown): undefined {
  if (thrown instanceof AppError && thrown.code === 'not_found') return undefined
  throw toError(thrown)
}
