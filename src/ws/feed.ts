import type { Chat } from '../chat/chat.ts'
import { reaches } from '../chat/chat-events.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { jobId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { GatewayCore } from '../upload/gateway-core.ts'
import { jobView } from '../upload/job-view.ts'
import type { ProgressView } from '../wire/live.ts'
import { BoardNews } from './board-news.ts'
import type { LiveHub } from './live-hub.ts'
import { Throttle } from './throttle.ts'

const progressEveryMs = 100

export interface FeedParts {
  readonly core: GatewayCore
  readonly chat: Chat
  readonly clock: Clock
  readonly log: Log
}

export interface Feed {
  stop(): void
}

/** Tells the clients of the hub what happens to boards and jobs and in the chat, and the chat who is there. */
export function connectHub(hub: LiveHub, { core, chat, clock, log }: FeedParts): Feed {
  const { bus } = core
  const news = new BoardNews(hub, core, log)
  const progress = new Throttle<ProgressView>(clock, progressEveryMs, view => {
    const key = view.jobId
    hub.publish('progress', 'progress', view, { key })
    hub.publish(`progress/${view.jobId}`, 'progress', view, { key })
  })

  hub.provide('boards', async () => (await core.views.list()).map(data => ({ type: 'board', data })))
  hub.provide('presence', () => [{ type: 'presence', data: chat.presence.view() }])
  hub.provide('jobs/ID', async ({ id }) => {
    const job = await core.uploads.job(jobId(id)).catch(absent)
    return job === undefined ? [] : [{ type: 'job', data: jobView(job) }]
  })
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
    bus.on('job.changed', job => {
      const view = jobView(job)
      hub.publish('jobs', 'job', view)
      hub.publish(`jobs/${job.id}`, 'job', view)
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

function absent(thrown: unknown): undefined {
  if (thrown instanceof AppError && thrown.code === 'not_found') return undefined
  throw toError(thrown)
}
