import { signal } from '@preact/signals'
import type { BoardChangeBody, BoardView } from '../../wire/board.ts'
import { call, getAll, post } from '../api.ts'
import { follow } from '../live.ts'
import { sortBoards, withBoard } from '../model/boards.ts'
import { attempt } from './toasts.ts'

/** null: not known yet. */
export const boards = signal<readonly BoardView[] | null>(null)

export const boardName = (id: string): string =>
  boards.value?.find(board => board.id === id)?.name ?? `${id.slice(0, 8)}…`

export async function loadBoards(): Promise<void> {
  boards.value = sortBoards(await getAll<BoardView>('/boards', 'boards'))
}

export const followBoards = (): (() => void) =>
  follow(
    ['boards'],
    ({ type, data }) => {
      if (type === 'board') take(data as BoardView)
      if (type === 'forgotten') drop((data as { readonly boardId: string }).boardId)
    },
    () => void attempt(loadBoards),
  )

const take = (board: BoardView) => {
  boards.value = withBoard(boards.peek() ?? [], board)
}

const drop = (boardId: string) => {
  boards.value = (boards.peek() ?? []).filter(({ id }) => id !== boardId)
}

export async function changeBoard(id: string, change: BoardChangeBody): Promise<void> {
  const { board } = await call<{ board: BoardView }>('PATCH', `/boards/${id}`, change)
  take(board)
}

export type BoardCommand =
  | { readonly type: 'PLAY' | 'STOP' | 'NEXT' | 'PREVIOUS' }
  | { readonly type: 'BRIGHTNESS'; readonly level: number }
  | { readonly type: 'IDENTIFY'; readonly ms: number }

export const command = (id: string, body: BoardCommand): Promise<unknown> =>
  post(`/boards/${id}/commands`, body)
