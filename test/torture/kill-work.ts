import { setTimeout as sleep } from 'node:timers/promises'
import type { ControlClient } from '../../src/cli/control-client.ts'
import { AppError, type ErrorCode } from '../../src/kernel/errors.ts'
import type { DoneReport } from '../../src/upload/report.ts'
import type { SetupView, SignedInView } from '../../src/wire/auth.ts'
import type { MessageView } from '../../src/wire/chat.ts'
import type { EventLine, JobView } from '../../src/wire/job.ts'
import type { StoredPatternView } from '../../src/wire/pattern.ts'
import { seededRandom } from '../support/synthetic-patterns.ts'
import { boardNameAtFirst } from './kill-board.ts'
import { badReport, commonRoom, compareAll, restOf, things, withId } from './kill-compare.ts'
import { type Asked, Ledger } from './kill-ledger.ts'
import type { KillPattern } from './kill-pattern.ts'
import type { KillRig } from './kill-rig.ts'

/** People may write 120 a minute; a life of a gateway is shorter than that. */
const messagesPerLife = 100
const messageEveryMs = 25
const settingEveryMs = 40
const lookEveryMs = 20
const askEveryRounds = 15
const ownerName = 'owner'
/** Of somebody who exists in a folder under /tmp alone. */
const password = 'only for kills and cuts'

/** Less than the thirty minutes of an access token, since looking at everything takes its time. */
const tokenMs = 25 * 60_000

/** What outlives a gateway. */
export interface Memory {
  readonly ledger: Ledger
  readonly random: () => number
  readonly patterns: readonly KillPattern[]
  readonly boards: readonly string[]
  /** Of jobs that are done, by job. */
  readonly reports: Map<string, DoneReport>
  /** Counts everything that gets a number. */
  number: number
  nextPattern: number
  token: string | undefined
  /** When the token runs out by itself, by `performance.now`. */
  tokenEndsMs: number
  /** A message that was sent and not answered. */
  unanswered: string | undefined
}

export function newMemory(rig: KillRig, seed: number): Memory {
  return {
    ledger: new Ledger(),
    random: seededRandom(seed + 0x5eed),
    patterns: rig.patterns,
    boards: rig.boards.map(({ uuid }) => uuid),
    reports: new Map(),
    number: 0,
    nextPattern: 0,
    token: undefined,
    tokenEndsMs: 0,
    unanswered: undefined,
  }
}

export interface WorkOptions {
  readonly client: ControlClient
  readonly url: string
  readonly memory: Memory
  /** Refusals that are in order, since the gateway was given a reason. */
  readonly allowed?: readonly ErrorCode[]
  readonly onJob?: (job: JobView) => void
}

const ending = ['done', 'failed', 'cancelled']
const isGone = (thrown: unknown) => thrown instanceof AppError && thrown.code === 'daemon_unreachable'

/** People at work on one life of a gateway: they upload, write and change settings until it is gone or they are told to stop. */
export class Work {
  readonly violations: string[] = []
  readonly refusals = new Set<string>()
  readonly #options: WorkOptions
  readonly #stopping = new AbortController()
  readonly #jobs = new Map<string, JobView>()
  #ending = false

  constructor(options: WorkOptions) {
    this.#options = options
  }

  /** Looks at everything first; rejects with `daemon_unreachable` when the gateway goes before that is done. */
  async look(): Promise<void> {
    const { client, memory, url } = this.#options
    const { violations, jobs, reports } = await compareAll(client, memory.ledger)
    this.violations.push(...violations)
    for (const report of reports) memory.reports.set(report.job, report)
    for (const job of jobs) this.#jobs.set(job.id, job)
    if (performance.now() > memory.tokenEndsMs) memory.token = undefined
    if (memory.token !== undefined && !(await signedIn(url, memory.token)))
      this.violations.push('a sign-in does not hold any more')
  }

  /** Settles when all have stopped: the gateway is gone, or `finish` was called and every job is at its end. */
  async run(): Promise<void> {
    const events = this.#ends(this.#events())
    const people = [this.#uploads(), this.#chats(), this.#administrates()]
    await Promise.all(people.map(each => this.#ends(each)))
    this.#stopping.abort()
    await events
  }

  /** Nothing new from now on; what was begun is waited for. */
  finish(): void {
    this.#ending = true
  }

  get #isOver(): boolean {
    return this.#stopping.signal.aborted
  }

  get #unfinished(): readonly JobView[] {
    return [...this.#jobs.values()].filter(({ state }) => !ending.includes(state))
  }

  /** The end of the gateway is what all wait for; anything else that is thrown is a fault. */
  async #ends(part: Promise<void>): Promise<void> {
    try {
      await part
    } catch (thrown) {
      if (!this.#isOver && !isGone(thrown))
        this.violations.push(thrown instanceof Error ? `${thrown.message}` : String(thrown))
      this.#stopping.abort()
    }
  }

  /** Asks for something to become so, and notes the answer; undefined: it was refused, and that was in order. */
  async #request<T>(
    asked: readonly Asked[],
    send: () => Promise<T>,
    confirm: (answer: T) => void,
    more: readonly ErrorCode[] = [],
  ): Promise<T | undefined> {
    try {
      const answer = await send()
      confirm(answer)
      return answer
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown
      const { code, message } = thrown
      if (more.includes(code)) {
        for (const each of asked) each.refused()
        return undefined
      }
      // After a failure of the disk it may be there all the same: the next look tells.
      if (this.#options.allowed?.includes(code) !== true) throw thrown
      this.refusals.add(`${code}: ${message}`)
      await sleep(settingEveryMs)
      return undefined
    }
  }

  async #events(): Promise<void> {
    for await (const line of this.#options.client.lines('/events', this.#stopping.signal)) {
      const event = line as EventLine
      if (event.event === 'state') await this.#ends(this.#hear(event.job))
    }
  }

  /** What happened between the look and the first event is asked for. */
  async #askForJobs(): Promise<void> {
    for (const { id } of this.#unfinished) {
      const { job } = await this.#options.client.get<{ job: JobView }>(`/jobs/${id}`)
      if (ending.includes(job.state)) await this.#hear(job)
    }
  }

  async #hear(job: JobView): Promise<void> {
    const known = this.#jobs.get(job.id)
    if (known !== undefined && ending.includes(known.state)) return
    this.#jobs.set(job.id, job)
    this.#options.onJob?.(job)
    if (ending.includes(job.state)) await this.#ended(job)
  }

  /** Whoever was told of the end of a job may count on it. */
  async #ended(job: JobView): Promise<void> {
    const { client, memory } = this.#options
    memory.ledger.ask(things.rest(job.id), restOf(job)).confirmed()
    if (job.state === 'failed') this.violations.push(`job ${job.id} has ${restOf(job)}`)
    if (job.state !== 'done') return
    const asked = memory.ledger.ask(things.report(job.id), '', true)
    await this.#request(
      [asked],
      () => client.get<DoneReport>(`/jobs/${job.id}/report`),
      report => {
        asked.confirmed(JSON.stringify(report))
        memory.reports.set(report.job, report)
        this.violations.push(...badReport(report))
      },
    )
  }

  async #uploads(): Promise<void> {
    const { memory } = this.#options
    for (let round = 1; !this.#isOver; round++) {
      if (round % askEveryRounds === 0) await this.#askForJobs()
      const open = this.#unfinished
      const paused = open.find(({ state }) => state === 'paused')
      if (paused !== undefined) await this.#command(paused, 'resume')
      else if (open.length === 0) {
        if (this.#ending) return
        await this.#upload()
      } else if (!this.#ending && memory.random() < 0.01) {
        await this.#command(open[0], memory.random() < 0.7 ? 'pause' : 'cancel')
      }
      await sleep(lookEveryMs)
    }
  }

  async #upload(): Promise<void> {
    const { client, memory } = this.#options
    const { ledger, boards, random } = memory
    const pattern = memory.patterns[memory.nextPattern++]
    if (pattern === undefined) throw new Error('the files of this series are used up')
    const { name, bytes, sha256 } = pattern
    const file = `${sha256} ${bytes.length}`
    const asked = ledger.ask(things.pattern(name), withId(file), true)
    const stored = await this.#request(
      [asked],
      () => client.postBytes<StoredPatternView>(`/patterns?name=${name}`, bytes),
      answer => asked.confirmed(withId(file, answer.pattern.id)),
    )
    if (stored === undefined) return
    const { id } = stored.pattern
    const targets = random() < 0.7 ? boards : boards.slice(0, 1)
    const jobs = targets.map(board => ledger.ask(things.job(name, board), withId(id), true))
    await this.#request(
      jobs,
      () => client.post<{ jobs: readonly JobView[] }>('/jobs', { patternId: id, boards: targets }),
      answer => {
        for (const [at, board] of targets.entries()) {
          const job = answer.jobs.find(({ boardId }) => boardId === board)
          if (job === undefined) throw new Error(`there is no job for board ${board} in the answer`)
          jobs[at]?.confirmed(withId(id, job.id))
          ledger.ask(things.rest(job.id), 'done')
          if (!this.#jobs.has(job.id)) this.#jobs.set(job.id, job)
        }
      },
      // A board that no gateway has seen yet.
      ['not_found'],
    )
  }

  async #command(job: JobView | undefined, verb: 'pause' | 'resume' | 'cancel'): Promise<void> {
    if (job === undefined) return
    const { client, memory } = this.#options
    const thing = things.rest(job.id)
    const rest = { pause: 'paused', resume: undefined, cancel: 'cancelled' }[verb]
    const asked = memory.ledger.ask(thing, rest)
    await this.#request(
      [asked],
      () => client.post<{ job: JobView }>(`/jobs/${job.id}/${verb}`),
      answer => {
        asked.confirmed()
        if (verb === 'resume') memory.ledger.ask(thing, 'done')
        const known = this.#jobs.get(job.id)
        if (known !== undefined && !ending.includes(known.state)) this.#jobs.set(job.id, answer.job)
      },
      ['conflict', 'not_found'],
    )
  }

  async #chats(): Promise<void> {
    const { client, memory } = this.#options
    const room = await commonRoom(client)
    for (let count = 0; count < messagesPerLife && !this.#isOver && !this.#ending; count++) {
      // A client that got no answer sends the same again.
      const clientId = memory.unanswered ?? `c${++memory.number}`
      memory.unanswered = clientId
      const text = `message ${clientId} of somebody`
      const asked = memory.ledger.ask(things.message(clientId), withId(text), true)
      await this.#request(
        [asked],
        () => client.post<{ message: MessageView }>(`/rooms/${room}/messages`, { text, clientId }),
        ({ message }) => {
          asked.confirmed(withId(text, message.id))
          memory.unanswered = undefined
        },
      )
      await sleep(messageEveryMs)
    }
  }

  async #administrates(): Promise<void> {
    const { memory, client } = this.#options
    const { ledger, random } = memory
    if (memory.token === undefined) await this.#signIn()
    let people = 0
    while (!this.#isOver && !this.#ending) {
      const [add, remove, rename] = [random() < 0.6, random() < 0.5, random() < 0.4]
      // A password costs a tenth of a second of a core.
      if (people === 0 && random() < 0.2) {
        people++
        const name = `person-${++memory.number}`
        const asked = ledger.ask(things.user(name), 'viewer')
        const body = { name, password, role: 'viewer' }
        await this.#request(
          [asked],
          () => client.post('/users', body),
          () => asked.confirmed(),
        )
        if (remove) await this.#remove(things.user(name), `/users/${name}`)
      } else if (add) {
        const name = `mqtt-${++memory.number}`
        const asked = ledger.ask(things.mqttUser(name), 'watch')
        await this.#request(
          [asked],
          () => client.post('/mqtt-users', { name }),
          () => asked.confirmed(),
        )
        if (remove) await this.#remove(things.mqttUser(name), `/mqtt-users/${name}`)
      } else if (rename) {
        const [board = ''] = memory.boards
        const name = `board-${++memory.number}`
        if (!ledger.knows(things.boardName(board))) ledger.ask(things.boardName(board), boardNameAtFirst(0))
        const asked = ledger.ask(things.boardName(board), name)
        const rename = () => client.patch(`/boards/${board}`, { name })
        await this.#request([asked], rename, () => asked.confirmed(), ['not_found'])
      }
      await sleep(settingEveryMs)
    }
  }

  async #remove(thing: string, path: string): Promise<void> {
    const asked = this.#options.memory.ledger.ask(thing, undefined)
    const remove = () => this.#options.client.delete(path)
    await this.#request([asked], remove, () => asked.confirmed(), ['not_found'])
  }

  /** Claims the gateway, or signs in when an earlier claim was not answered. */
  async #signIn(): Promise<void> {
    const { client, memory } = this.#options
    const { claimCode } = await client.get<SetupView>('/setup')
    const asked = memory.ledger.ask(things.user(ownerName), 'admin')
    const who = { name: ownerName, password }
    const send = () =>
      claimCode === undefined
        ? client.post<SignedInView>('/auth/sign-in', who)
        : client.post<SignedInView>('/setup', { claimCode, ...who })
    await this.#request([asked], send, ({ token }) => {
      asked.confirmed()
      memory.token = token
      memory.tokenEndsMs = performance.now() + tokenMs
    })
  }
}

async function signedIn(url: string, token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` }
  const signal = AbortSignal.timeout(10_000)
  const answer = await fetch(`${url}/api/v1/auth/me`, { headers, signal }).catch((thrown: unknown) => {
    throw new AppError('daemon_unreachable', 'The gateway does not answer any more.', { cause: thrown })
  })
  return answer.ok
}
