import type { KnownBoard } from '../board/board-book.ts'
import type { JobId } from '../kernel/ids.ts'
import type { BoardCommand } from './board-control.ts'
import type { BoardLog } from './board-log.ts'
import type { GatewayCore } from './gateway-core.ts'
import { isFinal } from './job-state.ts'
import type { JobRecord } from './uploads.ts'

/** Writes down what the bus tells of boards; returns the function that ends it. */
export function feedBoardLog(
  log: Pick<BoardLog, 'add' | 'forget'>,
  { bus }: Pick<GatewayCore, 'bus'>,
): () => void {
  const states = new Map<JobId, JobRecord['state']>()
  const ends = [
    bus.on('board.up', ({ boardId, session }) => {
      const { address } = session.channel.link
      const firmware = `${session.caps.firmwareName} ${session.caps.firmwareVersion}`.trim()
      const detail = { address, firmware, bootId: session.caps.bootId }
      log.add({ boardId, kind: 'connected', message: `Connected on ${address}.`, detail })
    }),
    bus.on('board.down', ({ boardId, error }) =>
      log.add({
        boardId,
        kind: 'lost',
        message: error?.message ?? 'The gateway has let go of it.',
        ...(error !== undefined && { detail: { code: error.code } }),
      }),
    ),
    bus.on('board.quarantined', ({ boardId, addresses }) =>
      log.add({
        boardId,
        kind: 'quarantined',
        message: `Two boards have this UUID, on ${addresses.join(' and ')}; neither is used.`,
        detail: { addresses },
      }),
    ),
    bus.on('board.refused', ({ boardId, address, message }) =>
      log.add({ boardId, kind: 'refused', message, detail: { address } }),
    ),
    bus.on('board.forgotten', ({ boardId }) => log.forget(boardId)),
    bus.on('board.settings', ({ boardId, by, before, after }) => {
      const detail = changesOf(before, after)
      const names = Object.keys(detail)
      if (names.length === 0) return
      log.add({ boardId, kind: 'settings', message: `Changed: ${names.join(', ')}.`, by, detail })
    }),
    bus.on('board.command', ({ boardId, command, by, error }) => {
      const words = wordsOf(command)
      log.add({
        boardId,
        kind: 'command',
        message: error === undefined ? `Told: ${words}.` : `Told: ${words}. Not done: ${error.message}`,
        by,
        detail: { ...command, ...(error !== undefined && { code: error.code }) },
        merge: `${command.type} ${by.door} ${by.name} ${error?.code}`,
      })
    }),
    bus.on('job.changed', job => {
      const before = states.get(job.id)
      if (isFinal(job.state)) states.delete(job.id)
      else states.set(job.id, job.state)
      if (before === job.state) return
      const why = job.errorMessage === null ? '.' : `: ${job.errorMessage}`
      const detail = {
        jobId: job.id,
        state: job.state,
        ...(job.errorCode !== null && { code: job.errorCode }),
      }
      const message = `Upload of "${job.name}" is ${job.state}${why}`
      log.add({ boardId: job.boardId, kind: 'job', message, detail })
    }),
  ]
  return () => {
    for (const end of ends) end()
  }
}

const shown = ['name', 'width', 'height', 'wiring', 'colorOrder', 'powerCapMa'] as const

/** A layout may be a megabyte, so only its kind is told. */
function changesOf(before: KnownBoard, after: KnownBoard): Readonly<Record<string, unknown>> {
  const plain = shown
    .filter(key => before[key] !== after[key])
    .map(key => [key, { from: before[key], to: after[key] }])
  const layout =
    before.layoutJson === after.layoutJson
      ? []
      : [['layout', { from: kindOf(before.layoutJson), to: kindOf(after.layoutJson) }]]
  return Object.fromEntries([...plain, ...layout])
}

const kindOf = (layoutJson: string | null): unknown =>
  layoutJson === null ? null : (JSON.parse(layoutJson) as { readonly kind?: unknown }).kind

function wordsOf(command: BoardCommand): string {
  const name = command.type.toLowerCase()
  switch (command.type) {
    case 'BRIGHTNESS':
      return `${name} ${command.level}`
    case 'SELECT':
      return 'slot' in command ? `${name} slot ${command.slot}` : `${name} pattern ${command.patternId}`
    default:
      return name
  }
}
