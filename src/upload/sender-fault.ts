import { AppError, type ErrorCode } from '../kernel/errors.ts'
import { messageTypes } from '../protocol/messages.ts'
import type { Refusal, SenderFault } from '../protocol/sender/conversation.ts'
import { errorCodes, explainError } from '../protocol/wire-errors.ts'

/** What a failed run means for its job: try again when the board is back, or give up and say why. */
export interface Verdict {
  readonly interrupted: boolean
  readonly error: AppError
}

const doesNotFit: readonly number[] = [
  errorCodes.TOO_LARGE,
  errorCodes.BAD_GEOMETRY,
  errorCodes.UNKNOWN_CODEC,
  errorCodes.DECODE_MEMORY,
  errorCodes.NO_SLOT,
]
const notVerified: readonly number[] = [errorCodes.DIGEST, errorCodes.BLOCK_CRC, errorCodes.NOT_VERIFIED]

export function judgeFault(fault: SenderFault): Verdict {
  const give = (code: ErrorCode, message: string, detail?: Record<string, unknown>) => ({
    interrupted: false,
    error: new AppError(code, message, detail === undefined ? {} : { detail }),
  })
  switch (fault.kind) {
    case 'session_lost':
      return {
        interrupted: true,
        error: new AppError('board_reset', 'The board restarted during the upload.'),
      }
    case 'mute':
      return {
        interrupted: true,
        error: new AppError(
          'board_mute',
          'The board stopped answering during the upload. Check its power and cable.',
        ),
      }
    case 'stalled':
      return give('board_refused', 'The board answers but takes no more data. Restart it, then try again.')
    case 'digest':
      return give(
        'verification_failed',
        'The board returned another hash than the file has, twice. It was not activated; the old pattern keeps playing. Its storage or firmware is faulty.',
        { expected: hex(fault.expected), got: hex(fault.got) },
      )
    case 'unexpected':
      return give(
        'board_garbage',
        `The board answered with an unexpected ${fault.what}. Update its firmware.`,
      )
    case 'refused':
      return judgeRefusal(fault.refusal)
  }
}

function judgeRefusal({ code, requestType, detail }: Refusal): Verdict {
  const what = { code, requestType, detail }
  const text = explainError(code, detail)
  // A trial that is gone at CONFIRM ran out, or ended with a restart: the pattern is there, so the next run is short.
  const trialGone = code === errorCodes.BAD_STATE && requestType === messageTypes.CONFIRM
  if (trialGone) return { interrupted: true, error: new AppError('board_reset', text, { detail: what }) }
  const category: ErrorCode = doesNotFit.includes(code)
    ? 'does_not_fit'
    : notVerified.includes(code)
      ? 'verification_failed'
      : 'board_refused'
  return { interrupted: false, error: new AppError(category, text, { detail: what }) }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
