import { parseUuid } from '../../kernel/ids.ts'
import { type ShownState, type ShownUpload, uploadShown } from './board-states.ts'
import type { Effect } from './effects.ts'
import type { EntityBoard } from './entity-commands.ts'
import { readInfo, readState, readUpload, type ShownInfo } from './read-topics.ts'

/** What is known of a board from its topics, whoever publishes them. */
export interface BoardEntry extends EntityBoard {
  info: ShownInfo | undefined
  state: ShownState | undefined
  upload: ShownUpload | undefined
  online: boolean
  /** The gateway reaches it itself, or has. */
  served: boolean
  effects: readonly Effect[]
  brightnessBefore: number | undefined
}

/** `list`: it may hold other patterns now. `gone`: it was forgotten. */
export type Heard = 'nothing' | 'changed' | 'list' | 'gone'

export const newEntry = (id: string): BoardEntry => ({
  ...{ id, info: undefined, state: undefined, upload: undefined, online: false, served: false },
  ...{ effects: [], brightnessBefore: undefined },
})

/** The id as topics of boards hold it. */
export const isBoardId = (text: string): boolean => text.length === 36 && parseUuid(text) !== undefined

/** `kind` and `rest`: the levels of the topic behind the id of the board. */
export function hear(
  entry: BoardEntry,
  { kind, rest }: { readonly kind: string; readonly rest: readonly string[] },
  payload: Buffer,
): Heard {
  const [job, status] = rest
  if (kind === 'upload' && job !== undefined && status === 'status' && rest.length === 2)
    return hearUpload(entry, job, payload)
  if (rest.length > 0) return 'nothing'
  switch (kind) {
    case 'info':
      if (payload.length === 0) return 'gone'
      entry.info = readInfo(payload) ?? entry.info
      return 'changed'
    case 'state':
      takeState(entry, readState(payload))
      return 'changed'
    case 'availability': {
      const before = entry.online
      entry.online = payload.toString() === 'online'
      return entry.online && !before ? 'list' : 'changed'
    }
    default:
      return 'nothing'
  }
}

export function takeState(entry: BoardEntry, state: ShownState | undefined): void {
  if (state === undefined) return
  entry.state = state
  if (state.brightness > 0) entry.brightnessBefore = state.brightness
}

function hearUpload(entry: BoardEntry, jobId: string, payload: Buffer): Heard {
  const upload = payload.length === 0 ? undefined : readUpload(jobId, payload)
  if (upload === undefined) return 'nothing'
  const { jobId: before, state } = entry.upload ?? {}
  const isNews = before !== jobId || state !== upload.state
  entry.upload = uploadShown(entry.upload, upload)
  return isNews && upload.state === 'done' ? 'list' : 'changed'
}
