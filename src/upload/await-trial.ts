import type { BoardSession } from '../board/session.ts'
import type { Clock } from '../kernel/clock.ts'
import { messageTypes } from '../protocol/messages.ts'
import type { SenderOutcome } from '../protocol/sender/conversation.ts'
import { errorCodes } from '../protocol/wire-errors.ts'

const lookMs = 1000
/** The longest trial (SPEC §7.3). */
const mostLooks = 3600
/** SPEC §8.6. */
const trialMode = 2

/** The board had no slot for the upload; perhaps because a trial takes the last one. */
export const wantsSlot = (outcome: SenderOutcome | undefined): boolean =>
  outcome?.ok === false &&
  outcome.fault.kind === 'refused' &&
  outcome.fault.refusal.code === errorCodes.NO_SLOT &&
  outcome.fault.refusal.requestType === messageTypes.BEGIN

/**
 * Waits while a trial runs on the board. It ends by itself (SPEC §7.6), and whose it is nobody knows: to end it from here could
 * take it from another host. False when the upload is not wanted any more or the session is over.
 */
export async function awaitTrial(
  session: BoardSession,
  clock: Clock,
  wanted: () => boolean,
): Promise<boolean> {
  for (let looks = 0; looks < mostLooks; looks++) {
    const status = await session.request({ type: 'STATUS' }).catch(() => undefined)
    if (!session.alive || !wanted()) return false
    const runs = status?.type === 'STATUS' && (status.mode === trialMode || status.trialSecondsLeft > 0)
    if (!runs) return true
    await new Promise<void>(resolve => void clock.setTimer(lookMs, resolve))
  }
  return true
}
