import type {
  OpenSession,
  PublishOutcome,
  RemoteMessage,
  SessionEvents,
} from '../../src/broker/upstream/remote-session.ts'
import type { Clock } from '../../src/kernel/clock.ts'

/** What is under way in this process goes on. */
export const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}

/** A broker above that does what the test says; a real one does not stay silent for an hour on demand. */
export class FakeAbove {
  readonly published: { message: RemoteMessage; done: (outcome: PublishOutcome) => void }[] = []
  readonly opened: number[] = []
  events: SessionEvents | undefined
  mute = false
  /** How a message is answered while it is not mute. */
  answer: (message: RemoteMessage, done: (outcome: PublishOutcome) => void) => void = (_, done) =>
    queueMicrotask(() => done({ is: 'arrived' }))
  /** While the gateway says goodbye. */
  onClose: () => Promise<void> = async () => undefined
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  readonly open: OpenSession = async ({ level }, events) => {
    this.opened.push(this.#clock.now())
    this.events = events
    return {
      level,
      maxUnderWay: 4,
      maxPacketBytes: 10_000,
      publish: (message, done) => {
        this.published.push({ message, done })
        if (!this.mute) this.answer(message, done)
      },
      close: () => this.onClose(),
      cut: reason => queueMicrotask(() => events.onEnd({ byEngine: false, reason })),
    }
  }

  texts(topic: string): string[] {
    return this.published
      .filter(({ message }) => message.topic === topic)
      .map(({ message }) => Buffer.from(message.payload).toString())
  }
}
