import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import {
  type BaudAct,
  type BaudInput,
  type BaudState,
  baudDeadlineMs,
  stepBaud,
} from '../protocol/sender/baud-switch.ts'
import type { BoardSession } from './session.ts'

const asking: BaudState = { value: 'asking' }
const nobodyHears = () => undefined

/**
 * Takes the line of a session to another rate and proves it there (SPEC §3.6). Resolves with whether it did; if not, both sides
 * are at the old rate again. No transfer may run meanwhile.
 */
export async function changeBaudRate(session: BoardSession, baud: number, clock: Clock): Promise<boolean> {
  const { link } = session.channel
  const before = link.baudRate
  const most = session.caps.maxBaud
  if (before === null || baud === before || most === 0 || baud > most) return baud === before
  let state: BaudState = asking as BaudState
  let onHeard: () => void = nobodyHears
  const stopListening = session.channel.onHeard(() => onHeard())

  const take = async (input: BaudInput): Promise<BaudAct> => {
    const step = stepBaud(state, input, clock.now())
    state = step.state
    if (step.act === 'switch') await link.setBaudRate(baud)
    if (step.act === 'restore') await link.setBaudRate(before)
    if (step.act === 'probe') session.probe()
    return step.act
  }
  /** Until the deadline of the state, or a frame. */
  const nextInput = () =>
    new Promise<BaudInput>(resolve => {
      const timer = clock.setTimer(Math.max(0, baudDeadlineMs(state) - clock.now()), () =>
        resolve({ type: 'time' }),
      )
      onHeard = () => {
        timer.cancel()
        resolve({ type: 'heard' })
      }
    })
  try {
    const accepted = await session.request({ type: 'SETBAUD', baud }).then(
      () => true,
      (thrown: unknown) => {
        if (thrown instanceof AppError && thrown.code === 'board_refused') return false
        throw thrown
      },
    )
    await take({ type: accepted ? 'accepted' : 'refused' })
    while (state.value !== 'done' && session.alive) {
      if ((await take({ type: 'time' })) !== 'none') continue
      const input = await nextInput()
      onHeard = nobodyHears
      await take(input)
    }
    return state.value === 'done' && state.switched
  } finally {
    stopListening()
  }
}
