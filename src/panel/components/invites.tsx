import { useState } from 'preact/hooks'
import type { InviteView } from '../../wire/invite.ts'
import { call, post } from '../api.ts'
import { nowMs } from '../live.ts'
import { formatDuration } from '../model/format.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { Dialog } from './dialog.tsx'
import { FormDialog } from './form-dialog.tsx'
import { Notice } from './notice.tsx'
import { QrPicture } from './qr-picture.tsx'
import { type Role, RoleField } from './role-field.tsx'
import { SelectField } from './select-field.tsx'
import { TextField } from './text-field.tsx'
import { ToldOnce } from './told-once.tsx'
import { useList } from './use-list.ts'

interface Issued {
  readonly invite: InviteView
  readonly url: string
  readonly qrSvg: string
}

/** Links that are out and have not been used. */
export function Invites() {
  const { items, trouble, reload } = useList<InviteView>('/invites', 'invites')
  const [inviting, setInviting] = useState(false)
  const [issued, setIssued] = useState<Issued | null>(null)
  const [revoking, setRevoking] = useState<InviteView | null>(null)
  const open = items?.filter(({ state }) => state === 'open') ?? []
  return (
    <section class="card">
      <div class="row between">
        <h2>Invitations</h2>
        <button type="button" class="button small" onClick={() => setInviting(true)}>
          Invite somebody
        </button>
      </div>
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      {items !== null && open.length === 0 && (
        <p class="quiet">None is open. An invitation is a link with which one person makes an account.</p>
      )}
      <ul class="list">
        {open.map(invite => (
          <li key={invite.id}>
            <span class="list-words">
              <strong>{invite.note ?? 'Without a note'}</strong>
              <span class="quiet small">
                as {invite.role}, by {invite.invitedBy}, {leftWords(invite, nowMs.value)}
              </span>
            </span>
            <button
              type="button"
              class="button small"
              aria-label={`Take back: ${invite.note ?? 'without a note'}`}
              onClick={() => setRevoking(invite)}
            >
              Take back
            </button>
          </li>
        ))}
      </ul>
      {inviting && (
        <NewInvite
          onIssued={async made => {
            setInviting(false)
            setIssued(made)
            await reload()
          }}
          onClose={() => setInviting(false)}
        />
      )}
      {issued !== null && <InviteLink issued={issued} onClose={() => setIssued(null)} />}
      {revoking !== null && (
        <ConfirmDialog
          title="Take the invitation back?"
          words="Its link leads nowhere any more. Accounts that exist already stay."
          deed="Take back"
          act={async () => {
            await call('DELETE', `/invites/${revoking.id}`)
            await reload()
          }}
          onClose={() => setRevoking(null)}
        />
      )}
    </section>
  )
}

const leftWords = ({ expiresAt }: InviteView, now: number): string =>
  `ends in ${formatDuration(Math.max(60_000, Math.ceil((Date.parse(expiresAt) - now) / 60_000) * 60_000))}`

const lasting = [
  ['1', 'an hour'],
  ['24', 'a day'],
  ['72', 'three days'],
  ['168', 'a week'],
] as const

function NewInvite({
  onIssued,
  onClose,
}: {
  readonly onIssued: (issued: Issued) => Promise<void>
  readonly onClose: () => void
}) {
  const [role, setRole] = useState<Role>('operator')
  const [hours, setHours] = useState<(typeof lasting)[number][0]>('24')
  const [note, setNote] = useState('')
  const make = async () => {
    const words = note.trim()
    const body = { role, expiresInHours: Number(hours), ...(words !== '' && { note: words }) }
    await onIssued(await post<Issued>('/invites', body))
  }
  return (
    <FormDialog title="Invite somebody" deed="Make the link" act={make} onClose={onClose}>
      <RoleField role={role} onChange={setRole} />
      <SelectField label="The link holds for" value={hours} options={lasting} onChange={setHours} />
      <TextField
        label="Note (optional)"
        value={note}
        onInput={setNote}
        maxLength={200}
        autoComplete="off"
        hint="Whom it is for. Only admins see it."
      />
    </FormDialog>
  )
}

/** The one time that the link is told. */
function InviteLink({ issued, onClose }: { readonly issued: Issued; readonly onClose: () => void }) {
  return (
    <Dialog title="Send this link" onClose={onClose}>
      <p>
        Whoever opens it first makes an account as {issued.invite.role}. It is shown this once; if it gets
        lost, take it back and make another one.
      </p>
      <QrPicture svg={issued.qrSvg} label="The link as a code to be scanned" />
      <ToldOnce text={issued.url} what="the link" />
      <div class="row end">
        <button type="button" class="button primary" onClick={onClose}>
          I have it
        </button>
      </div>
    </Dialog>
  )
}
