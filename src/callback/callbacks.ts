import { RateLimit } from '../guard/rate-limit.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import { uuidV7 } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Store } from '../store/store.ts'
import type { CallbackRecord } from '../store/tables/callbacks.ts'
import type { CallbackAction, CallbackView } from '../wire/callback.ts'
import type { Sealing } from './sealing.ts'
import { type CallHeaders, keyOf, makeSecret, type SignatureFault, signatureFault } from './signature.ts'

export interface CallbackOrder {
  readonly name: string
  readonly action: CallbackAction
  readonly boards: readonly string[] | 'all'
}

/** Somebody whose signature was right. */
export interface SignedCall {
  readonly callback: { readonly id: string; readonly name: string }
  readonly messageId: string
  readonly order: CallbackOrder
}

export interface CallbacksParts {
  readonly store: Pick<Store, 'callbacks'>
  readonly clock: Clock
  readonly log: Log
  readonly sealing: Sealing
  /** Does it, as an operator of the callback's name. */
  readonly act: (call: SignedCall) => Promise<void>
  /** What became of it. */
  readonly done: (call: SignedCall, outcome: string) => void
}

const maxCallbacks = 100
/** Calls that are being carried out. */
const maxRunning = 32
/** Longer than the window, since clocks jump: a machine without a battery may wake up in the past. */
const idsKnownMs = 24 * 3_600_000
/** Wrong signatures of one address in a minute. */
const wrongPerMinute = 60

/** Programs elsewhere that may have one thing done each, with a signature instead of an account. */
export class Callbacks {
  readonly #parts: CallbacksParts
  readonly #wrong: RateLimit
  /** Compared with where there is no such callback, so that both refusals take the same way. */
  readonly #nobodysKey = keyOf(makeSecret()) ?? new Uint8Array()
  #running = 0

  constructor(parts: CallbacksParts) {
    this.#parts = parts
    this.#wrong = new RateLimit({ limit: wrongPerMinute, perMs: 60_000 }, parts.clock)
  }

  /** The answer holds the secret, this once. Rejects with `conflict`. */
  async make(order: CallbackOrder): Promise<{ readonly callback: CallbackView; readonly secret: string }> {
    const { store, clock, sealing } = this.#parts
    const createdMs = clock.wallTime()
    const id = uuidV7(createdMs)
    const secret = makeSecret()
    const record: CallbackRecord = {
      ...{ id, name: order.name, createdMs, lastCalledMs: null },
      actionJson: JSON.stringify(order.action),
      boardsJson: JSON.stringify(order.boards),
      sealed: await sealing.seal(`callback ${id}`, secret),
    }
    const made = await store.callbacks.insert({ ...record, atMost: maxCallbacks })
    if (made === 'taken') throw nameTaken(order.name)
    if (made === 'full')
      throw new AppError(
        'conflict',
        `There are ${maxCallbacks} callbacks already. Remove one that is not needed.`,
      )
    return { callback: view(record), secret }
  }

  /** Newest first. */
  async list(): Promise<readonly CallbackView[]> {
    return (await this.#parts.store.callbacks.list()).map(view)
  }

  /** Rejects with `not_found`. */
  async get(id: string): Promise<CallbackView> {
    const record = await this.#parts.store.callbacks.get(id)
    if (record === undefined) throw unknown()
    return view(record)
  }

  /** What is left out stays. Rejects with `not_found` or `conflict`. */
  async change(
    id: string,
    change: { readonly [K in keyof CallbackOrder]?: CallbackOrder[K] | undefined } & {
      readonly newSecret?: true | undefined
    },
  ): Promise<{ readonly callback: CallbackView; readonly secret?: string }> {
    const { name = null, action, boards, newSecret } = change
    const secret = newSecret === true ? makeSecret() : undefined
    const sealed = secret === undefined ? null : await this.#parts.sealing.seal(`callback ${id}`, secret)
    const changed = await this.#parts.store.callbacks.change({
      ...{ id, name, sealed },
      actionJson: action === undefined ? null : JSON.stringify(action),
      boardsJson: boards === undefined ? null : JSON.stringify(boards),
    })
    if (changed === 'missing') throw unknown()
    if (changed === 'taken') throw nameTaken(name ?? '')
    return { callback: await this.get(id), ...(secret !== undefined && { secret }) }
  }

  /** Rejects with `not_found`. */
  async remove(id: string): Promise<CallbackView> {
    const record = await this.get(id)
    if (!(await this.#parts.store.callbacks.remove(id))) throw unknown()
    return record
  }

  /**
   * Takes a call: the signature over the bytes as they came, the time, and the id, which is good once. Resolves when it is certain that
   * it is done at most once; the work itself goes on. Rejects with `unauthenticated`, `rate_limited`, `overloaded`.
   */
  async call(
    id: string,
    headers: CallHeaders,
    body: Uint8Array,
    address: string,
  ): Promise<{ readonly messageId: string }> {
    const { store, clock, sealing } = this.#parts
    const record = await store.callbacks.get(id)
    const key = record === undefined ? undefined : keyOf(sealing.open(`callback ${id}`, record.sealed))
    const nowMs = clock.wallTime()
    const fault = signatureFault(key ?? this.#nobodysKey, headers, body, nowMs)
    if (record === undefined || key === undefined || fault !== undefined) throw this.#refusal(address, fault)
    if (this.#running >= maxRunning)
      throw new AppError('overloaded', 'Too many calls are being carried out. Try again in a second.')
    const messageId = String(headers['webhook-id'])
    const untilMs = nowMs + idsKnownMs
    if (!(await store.callbacks.take({ callbackId: id, messageId, nowMs, untilMs })))
      throw new AppError('unauthenticated', 'A call with this webhook-id was taken before; it is done once.')
    this.#carryOut({ callback: { id, name: record.name }, messageId, order: orderOf(record) })
    return { messageId }
  }

  #carryOut(call: SignedCall): void {
    const { act, done, log } = this.#parts
    this.#running += 1
    act(call)
      .then(
        () => done(call, 'ok'),
        (thrown: unknown) => {
          const outcome = thrown instanceof AppError ? thrown.code : 'internal'
          log.warn(
            { callback: call.callback.name, code: outcome, reason: toError(thrown).message },
            'a call failed',
          )
          done(call, outcome)
        },
      )
      .finally(() => {
        this.#running -= 1
      })
  }

  #refusal(address: string, fault: SignatureFault | undefined): AppError {
    const retryAfterMs = this.#wrong.take(address)
    if (retryAfterMs > 0)
      return new AppError('rate_limited', 'Too many wrong calls. Wait a moment, then try again.', {
        detail: { retryAfterMs },
      })
    return new AppError('unauthenticated', words[fault ?? 'wrong'])
  }
}

const words: Readonly<Record<SignatureFault, string>> = {
  incomplete:
    'Send webhook-id, webhook-timestamp (seconds) and webhook-signature, as Standard Webhooks has them.',
  wrong: 'The signature is wrong, or there is no such callback.',
  too_old: 'The call is older than 5 minutes. Is the clock of the sender right?',
  too_new: 'The call is more than 5 minutes ahead of time. Is the clock of the sender right?',
}

const nameTaken = (name: string): AppError =>
  new AppError('conflict', `There is a callback "${name}" already. Choose another name.`)
const unknown = (): AppError =>
  new AppError('not_found', 'There is no such callback. GET /api/v1/callbacks lists them.')

const orderOf = ({ name, actionJson, boardsJson }: CallbackRecord): CallbackOrder => ({
  name,
  action: JSON.parse(actionJson) as CallbackAction,
  boards: JSON.parse(boardsJson) as CallbackOrder['boards'],
})

function view(record: CallbackRecord): CallbackView {
  const { action, boards, name } = orderOf(record)
  return {
    ...{ id: record.id, name, action: { ...action }, boards: boards === 'all' ? boards : [...boards] },
    path: `/api/v1/callbacks/${record.id}/call`,
    createdAt: new Date(record.createdMs).toISOString(),
    lastCalledAt: record.lastCalledMs === null ? null : new Date(record.lastCalledMs).toISOString(),
  }
}
