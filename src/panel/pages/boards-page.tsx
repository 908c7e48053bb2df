import { BoardTile } from '../components/board-tile.tsx'
import { EmptyState } from '../components/empty-state.tsx'
import { PageHead } from '../components/page-head.tsx'
import { plural } from '../model/format.ts'
import { boards } from '../state/boards.ts'
import { isGuest } from '../state/session.ts'

export function BoardsPage() {
  const all = boards.value
  const connected = all?.filter(({ state }) => state === 'connected').length ?? 0
  return (
    <>
      <PageHead
        title="Boards"
        words={all === null ? '' : `${connected} of ${plural(all.length, 'board')} connected`}
      />
      {all === null && <p class="quiet">Asking the gateway …</p>}
      {all?.length === 0 && (
        <EmptyState icon="boards" title="No boards yet">
          {isGuest.value ? (
            'They appear here by themselves as soon as one is connected.'
          ) : (
            <>
              Plug a board in and approve its port under <a href="#/settings">Settings</a>, or let a board
              connect over the network. It appears here by itself.
            </>
          )}
        </EmptyState>
      )}
      <div class="tiles">
        {all?.map(board => (
          <BoardTile key={board.id} board={board} />
        ))}
      </div>
    </>
  )
}
