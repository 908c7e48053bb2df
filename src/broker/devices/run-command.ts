import type { Clock } from '../../kernel/clock.ts'
import { withDeadline } from '../../kernel/deadline.ts'
import { AppError, toError } from '../../kernel/errors.ts'
import { type BoardId, boardId, patternId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { BoardCommand } from '../../upload/board-control.ts'
import { sendTestCard } from '../../upload/board-test-card.ts'
import type { GatewayCore } from '../../upload/gateway-core.ts'
import type { JobRecord } from '../../upload/uploads.ts'
import type { boardCommands, CommandResultView } from '../../wire/mqtt.ts'
import type { ParsedCommand } from './parse-command.ts'

/** A board that does not answer is given up by its session long before. */
const commandTimeoutMs = 30_000

export interface CommandRunner {
  readonly core: Pick<GatewayCore, 'book' | 'control' | 'library' | 'patterns' | 'uploads'>
  readonly clock: Clock
  readonly log: Log
}

type SelectOrder = ReturnType<typeof boardCommands.select.parse>

type Outcome = Omit<CommandResultView, 'correlationId' | 'command'>

/** Runs a command on one board (`on`), or on those that it names. Never rejects. */
export async function runCommand(
  runner: CommandRunner,
  command: ParsedCommand,
  { on, who }: { readonly on: string | undefined; readonly who: string },
): Promise<Outcome> {
  try {
    const boards = on === undefined ? await named(runner, command.boards ?? []) : [await served(runner, on)]
    if (command.name === 'upload') return await upload(runner, command, boards)
    const did = await Promise.all(boards.map(board => act(runner, command, { board, who })))
    const [only] = did
    if (on !== undefined && only !== undefined) {
      const { boardId: _board, ...outcome } = only
      return outcome
    }
    const jobs = did.flatMap(({ jobs = [] }) => jobs)
    const results = did.map(({ jobs: _jobs, batchId: _batch, ...result }) => result)
    const all = { results, ...(jobs.length > 0 && { jobs }) }
    const failed = results.filter(result => !result.ok).length
    if (failed === 0) return { ok: true, ...all }
    const message = `${failed} of ${results.length} boards did not do it.`
    return { ok: false, code: 'some_boards_failed', message, ...all }
  } catch (thrown) {
    return faultOf(runner, thrown)
  }
}

async function upload(
  { core }: CommandRunner,
  { body }: ParsedCommand & { name: 'upload' },
  boards: readonly BoardId[],
): Promise<Outcome> {
  const { patternId: id, correlationId: _correlationId, ...options } = body
  const pattern = await core.library.find(id)
  const reading = { ...options, raw: options.raw ?? pattern.raw, fileName: pattern.fileName }
  const { batchId, jobs } = await core.uploads.submit(pattern, boards, reading)
  return { ok: true, batchId, jobs: jobs.map(jobOf) }
}

const jobOf = ({ id, boardId, state }: JobRecord) => ({ id, boardId, state })

/** A card is drawn for the size of its board, so each board has an upload of its own. */
async function testCard(
  { core }: CommandRunner,
  { body: { card } }: ParsedCommand & { name: 'test-card' },
  board: BoardId,
): Promise<Outcome> {
  const known = await core.book.find(board)
  const { batchId, job } = await sendTestCard(core, known, { card, who: null, door: 'mqtt' })
  return { ok: true, batchId, jobs: [jobOf(job)] }
}

async function act(
  runner: CommandRunner,
  command: Exclude<ParsedCommand, { name: 'upload' }>,
  { board, who }: { readonly board: BoardId; readonly who: string },
): Promise<{ boardId: BoardId } & Outcome> {
  try {
    if (command.name === 'test-card') return { boardId: board, ...(await testCard(runner, command, board)) }
    const work = runner.core.control.act(board, toBoardCommand(command), { name: who, door: 'mqtt' })
    const message = `The board has not answered within ${commandTimeoutMs / 1000} s.`
    await withDeadline(runner.clock, commandTimeoutMs, work, 'board_mute', message)
    return { boardId: board, ok: true }
  } catch (thrown) {
    return { boardId: board, ...faultOf(runner, thrown) }
  }
}

function toBoardCommand(command: Exclude<ParsedCommand, { name: 'upload' | 'test-card' }>): BoardCommand {
  switch (command.name) {
    case 'brightness':
      return { type: 'BRIGHTNESS', level: command.body.level }
    case 'identify':
      return { type: 'IDENTIFY', ms: command.body.ms }
    case 'select':
      return selection(command.body)
    case 'reboot':
      return { type: 'REBOOT' }
    case 'play':
      return { type: 'PLAY' }
    case 'stop':
      return { type: 'STOP' }
    case 'next':
      return { type: 'NEXT' }
    case 'previous':
      return { type: 'PREVIOUS' }
  }
}

/** The schema wants one of them. */
const selection = ({ patternId: id, slot = 0 }: SelectOrder): BoardCommand =>
  id === undefined ? { type: 'SELECT', slot } : { type: 'SELECT', patternId: patternId(id) }

async function named(
  { core }: CommandRunner,
  boards: readonly string[] | 'all',
): Promise<readonly BoardId[]> {
  const found =
    boards === 'all' ? await core.book.list() : await Promise.all(boards.map(board => core.book.find(board)))
  if (found.length === 0) throw new AppError('not_found', 'The gateway knows no board yet.')
  return [...new Set(found.map(({ id }) => id))]
}

/** A topic names its board by the whole id. */
async function served({ core }: CommandRunner, id: string): Promise<BoardId> {
  const known = await core.book.list()
  if (known.some(board => board.id === id)) return boardId(id)
  throw new AppError(
    'not_found',
    `No board has the id "${id}". The topic holds its UUID; see: pixelgate boards`,
  )
}

function faultOf({ log }: CommandRunner, thrown: unknown): Outcome & { ok: false } {
  if (thrown instanceof AppError) return { ok: false, code: thrown.code, message: thrown.message }
  log.error({ err: toError(thrown) }, 'an MQTT command met a fault of the program')
  return {
    ok: false,
    code: 'internal',
    message: 'The gateway has a fault of its own. Its log has the details.',
  }
}
