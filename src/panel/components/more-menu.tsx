import type { Page } from '../model/route.ts'
import { me, signOut } from '../state/session.ts'
import { tryTo } from '../state/toasts.ts'
import { Dialog } from './dialog.tsx'
import { Icon, type IconName } from './icon.tsx'

interface Props {
  readonly places: readonly (readonly [Page & IconName, string])[]
  readonly onClose: () => void
}

/** On a phone: the places that are not at the edge. */
export function MoreMenu({ places, onClose }: Props) {
  return (
    <Dialog title={me.value?.name ?? ''} onClose={onClose}>
      <nav class="more" aria-label="More pages">
        {places.map(([page, name]) => (
          <a key={page} href={`#/${page}`} onClick={onClose}>
            <Icon name={page} />
            {name}
          </a>
        ))}
      </nav>
      <button type="button" class="button" onClick={tryTo(signOut)}>
        Sign out
      </button>
    </Dialog>
  )
}
