import type { ControlClient } from '../../src/cli/control-client.ts'
import type { DoneReport } from '../../src/upload/report.ts'
import type { UserView } from '../../src/wire/auth.ts'
import type { BoardView } from '../../src/wire/board.ts'
import type { MessagePageView, RoomView } from '../../src/wire/chat.ts'
import type { JobView } from '../../src/wire/job.ts'
import type { MqttUserView } from '../../src/wire/mqtt-user.ts'
import type { PatternView } from '../../src/wire/pattern.ts'
import type { Ledger } from './kill-ledger.ts'

const pageSize = 100
/** States that stay until somebody does something. */
const resting = ['done', 'failed', 'cancelled', 'paused']

/** Names of the things that a ledger holds. */
export const things = {
  message: (clientId: string) => `message ${clientId}`,
  user: (name: string) => `user ${name}`,
  mqttUser: (name: string) => `MQTT user ${name}`,
  boardName: (uuid: string) => `name of board ${uuid}`,
  pattern: (name: string) => `pattern ${name}`,
  job: (pattern: string, board: string) => `job of ${pattern} for ${board}`,
  rest: (jobId: string) => `end of job ${jobId}`,
  report: (jobId: string) => `report of job ${jobId}`,
}

export interface Comparison {
  readonly violations: readonly string[]
  readonly jobs: readonly JobView[]
  readonly reports: readonly DoneReport[]
}

/** Asks the gateway for everything it has, and compares it with what it has acknowledged. */
export async function compareAll(client: ControlClient, ledger: Ledger): Promise<Comparison> {
  const found = new Map<string, string>()
  const violations: string[] = []
  const put = (thing: string, text: string) => {
    if (found.has(thing)) violations.push(`${thing} is there twice`)
    found.set(thing, text)
  }
  for (const { name, role } of await client.list<UserView>('/users', 'users')) put(things.user(name), role)
  for (const { name, access } of await client.list<MqttUserView>('/mqtt-users', 'users'))
    put(things.mqttUser(name), access)
  for (const { id, name } of await client.list<BoardView>('/boards', 'boards'))
    if (ledger.knows(things.boardName(id))) put(things.boardName(id), name)
  for (const { clientId, text, id } of await messages(client))
    if (clientId !== null) put(things.message(clientId), withId(text, id))
  for (const { name, sha256, sizeBytes, id } of await all<PatternView>(client, 'patterns'))
    put(things.pattern(name), withId(`${sha256} ${sizeBytes}`, id))
  const jobs = await all<JobView>(client, 'jobs')
  const reports: DoneReport[] = []
  for (const job of jobs) {
    put(things.job(job.name, job.boardId), withId(`${job.patternId}`, job.id))
    // A job goes on by itself; what it has come to once, it stays.
    if (ledger.value(things.rest(job.id)) === undefined) ledger.ask(things.rest(job.id), 'done')
    if (resting.includes(job.state)) put(things.rest(job.id), restOf(job))
    if (job.state !== 'done') continue
    const report = await client.get<DoneReport>(`/jobs/${job.id}/report`)
    if (!ledger.knows(things.report(job.id))) ledger.ask(things.report(job.id), '', true)
    put(things.report(job.id), JSON.stringify(report))
    violations.push(...badReport(report))
    reports.push(report)
  }
  return { violations: [...violations, ...ledger.compare(found)], jobs, reports }
}

/** How a text is kept together with the id that the gateway gave it; asked for without the id, as its beginning. */
export const withId = (text: string, id = ''): string => `${text} #${id}`

export const restOf = ({ state, errorCode, errorMessage }: JobView): string =>
  state === 'failed' ? `failed: ${errorCode} ${errorMessage}` : state

/** What does not hold of a job that is done. */
export function badReport({ job, digest, sha256, resentBlocks }: DoneReport): readonly string[] {
  const faults: string[] = []
  if (digest.value !== sha256)
    faults.push(`job ${job} is done with digest ${digest.value} instead of ${sha256}`)
  if (resentBlocks > 0) faults.push(`job ${job} sent ${resentBlocks} durable blocks again`)
  return faults
}

export async function commonRoom(client: ControlClient): Promise<string> {
  const { rooms } = await client.get<{ rooms: RoomView[] }>('/rooms')
  const id = rooms.find(({ kind }) => kind === 'common')?.id
  if (id === undefined) throw new Error('there is no common room')
  return id
}

async function messages(client: ControlClient): Promise<MessagePageView['messages']> {
  const path = `/rooms/${await commonRoom(client)}/messages?limit=${pageSize}`
  const list: MessagePageView['messages'][number][] = []
  for (let before: string | null = ''; before !== null; ) {
    const page: MessagePageView = await client.get(before === '' ? path : `${path}&before=${before}`)
    list.push(...page.messages)
    before = page.nextBefore
  }
  return list
}

async function all<T extends { readonly id: string }>(
  client: ControlClient,
  what: 'jobs' | 'patterns',
): Promise<readonly T[]> {
  const list: T[] = []
  for (;;) {
    const before = list.at(-1)?.id
    const path = `/${what}?limit=${pageSize}${before === undefined ? '' : `&before=${before}`}`
    const { [what]: page = [] } = await client.get<{ readonly [key in typeof what]?: readonly T[] }>(path)
    list.push(...page)
    if (page.length < pageSize) return list
  }
}
