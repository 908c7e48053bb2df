import type { Actor } from './board/actor.ts'
import type { SignedCall } from './callback/callbacks.ts'
import type { Webhooks } from './callback/webhooks.ts'
import { alertViewOf } from './http/alert-view-of.ts'
import type { Bus } from './kernel/bus.ts'
import type { Clock } from './kernel/clock.ts'
import { withDeadline } from './kernel/deadline.ts'
import { AppError } from './kernel/errors.ts'
import { type BoardId, patternId } from './kernel/ids.ts'
import type { AlertEvents } from './ops/alerts.ts'
import type { BoardCommand } from './upload/board-control.ts'
import { sendTestCard } from './upload/board-test-card.ts'
import type { GatewayCore } from './upload/gateway-core.ts'
import { jobView } from './upload/job-view.ts'
import type { WebhookEvent } from './wire/webhook.ts'

/** A board that does not answer is given up by its session long before. */
const commandTimeoutMs = 30_000

/** Does what a signed call is for. Rejects with `some_boards_failed`, or as the upload does. */
export async function runCallback(
  { core, clock }: { readonly core: GatewayCore; readonly clock: Clock },
  { order: { action, boards }, callback }: SignedCall,
): Promise<void> {
  const known =
    boards === 'all' ? await core.book.list() : await Promise.all(boards.map(each => core.book.find(each)))
  const ids = [...new Set(known.map(({ id }) => id as BoardId))]
  if (ids.length === 0) throw new AppError('not_found', 'The gateway knows no board yet.')
  if (action.type === 'upload') {
    const pattern = await core.library.find(action.patternId)
    await core.uploads.submit(pattern, ids, { raw: pattern.raw, fileName: pattern.fileName }, callback.name)
    return
  }
  const { command } = action
  const by: Actor = { name: callback.name, door: 'api' }
  const tell = async (id: BoardId): Promise<unknown> => {
    if (command.type === 'TEST_CARD')
      return sendTestCard(core, await core.book.find(id), { card: command.card, who: callback.name })
    return core.control.act(id, command.type === 'SELECT' ? selection(command) : command, by)
  }
  const message = `A board has not answered within ${commandTimeoutMs / 1000} s.`
  const results = await Promise.allSettled(
    ids.map(id => withDeadline(clock, commandTimeoutMs, tell(id), 'board_mute', message)),
  )
  const failed = results.filter(result => result.status === 'rejected')
  const [first] = failed
  if (first === undefined) return
  if (failed.length === results.length) throw first.reason
  throw new AppError('some_boards_failed', `${failed.length} of ${results.length} boards did not do it.`)
}

const selection = ({
  patternId: id,
  slot = 0,
}: {
  readonly patternId?: string | undefined
  readonly slot?: number | undefined
}): BoardCommand =>
  id === undefined ? { type: 'SELECT', slot } : { type: 'SELECT', patternId: patternId(id) }

const ends = { done: 'job.done', failed: 'job.failed', cancelled: 'job.cancelled' } as const

/** Alerts go to who wants to hear of them. Returns what ends it. */
export function tellOfAlerts(bus: Bus<AlertEvents>, webhooks: Webhooks): () => void {
  const offs = (['alert.raised', 'alert.cleared'] as const).map(event =>
    bus.on(event, alert => void webhooks.publish(event, { alert: alertViewOf(alert) })),
  )
  return () => {
    for (const off of offs) off()
  }
}

/** Events of boards and jobs go to who wants to hear of them. Returns what ends it. */
export function connectWebhooks({ bus }: Pick<GatewayCore, 'bus'>, webhooks: Webhooks): () => void {
  const tell = (event: WebhookEvent, data: object) => void webhooks.publish(event, data)
  const offs = [
    bus.on('job.changed', job => {
      if (job.state === 'done' || job.state === 'failed' || job.state === 'cancelled')
        tell(ends[job.state], { job: jobView(job) })
    }),
    bus.on('board.up', ({ boardId }) => tell('board.up', { boardId })),
    bus.on('board.down', ({ boardId, error }) =>
      tell('board.down', { boardId, reason: error?.message ?? null }),
    ),
    bus.on('board.quarantined', ({ boardId }) => tell('board.quarantined', { boardId })),
  ]
  return () => {
    for (const off of offs) off()
  }
}
