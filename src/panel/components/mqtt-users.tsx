import { useState } from 'preact/hooks'
import type { MqttUserView, NewMqttUserView } from '../../wire/mqtt-user.ts'
import { call, post } from '../api.ts'
import { asTrouble } from '../model/problem.ts'
import { boardName, boards } from '../state/boards.ts'
import { attempt } from '../state/toasts.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { CopyButton } from './copy-button.tsx'
import { Dialog } from './dialog.tsx'
import { Facts } from './facts.tsx'
import { Notice } from './notice.tsx'
import { SelectField } from './select-field.tsx'
import { TextField } from './text-field.tsx'
import { useList } from './use-list.ts'

const accessWords: Readonly<Record<MqttUserView['access'], string>> = {
  watch: 'reads all topics',
  control: 'reads and commands',
  board: 'a board',
  'home-assistant': 'Home Assistant',
  bridge: 'a broker that reads',
  'bridge-control': 'a broker that reads and commands',
  device: 'a device with topics of its own',
}
const kinds: readonly (readonly [string, string])[] = [
  ['watch', 'a program that reads'],
  ['control', 'a program that also commands'],
  ['home-assistant', 'Home Assistant'],
  ['bridge', 'another broker that reads'],
  ['bridge-control', 'another broker that also commands'],
  ['tasmota', 'a device with Tasmota'],
  ['wled', 'a device with WLED'],
  ['esphome', 'a device with ESPHome'],
]
const shows = new Set(['tasmota', 'wled', 'esphome'])

/** Names and secrets for MQTT: one for each board, and for programs. */
export function MqttUsers() {
  const { items, trouble, reload } = useList<MqttUserView>('/mqtt-users', 'users')
  const [adding, setAdding] = useState(false)
  const [told, setTold] = useState<NewMqttUserView | null>(null)
  const [removing, setRemoving] = useState<string | null>(null)
  const tell = async (view: NewMqttUserView) => {
    setAdding(false)
    setTold(view)
    await reload()
  }
  const rotate = (name: string) =>
    attempt(async () => tell(await post<NewMqttUserView>(`/mqtt-users/${encodeURIComponent(name)}/rotate`)))
  return (
    <section class="card">
      <div class="row between">
        <h2>MQTT</h2>
        <button type="button" class="button small" onClick={() => setAdding(true)}>
          Add a user
        </button>
      </div>
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      {items?.length === 0 && <p class="quiet">Nobody yet: no board or program may connect over MQTT.</p>}
      <ul class="list">
        {items?.map(({ name, access, boardId }) => (
          <li key={name}>
            <span class="list-words">
              <strong>{name}</strong>
              <span class="quiet small">
                {boardId === null ? accessWords[access] : `board ${boardName(boardId)}`}
              </span>
            </span>
            <button
              type="button"
              class="button small"
              aria-label={`New secret for ${name}`}
              onClick={() => void rotate(name)}
            >
              New secret
            </button>
            <button
              type="button"
              class="button small"
              aria-label={`Remove ${name}`}
              onClick={() => setRemoving(name)}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
      {adding && <AddMqttUser onAdded={tell} onClose={() => setAdding(false)} />}
      {told !== null && <Secret told={told} onClose={() => setTold(null)} />}
      {removing !== null && (
        <ConfirmDialog
          title={`Remove ${removing}?`}
          words="Its connection is closed and its secret no longer counts."
          deed="Remove"
          act={async () => {
            await call('DELETE', `/mqtt-users/${encodeURIComponent(removing)}`)
            await reload()
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </section>
  )
}

/** The one time that the secret is told. */
function Secret({ told, onClose }: { readonly told: NewMqttUserView; readonly onClose: () => void }) {
  const { urls, clientId, topic, text, missing } = told.settings
  return (
    <Dialog title="Note it now" onClose={onClose}>
      <p>The gateway keeps only a hash of this secret and cannot show it again.</p>
      <Facts
        facts={[
          ['Name', <code key="name">{told.user.name}</code>],
          [
            'Secret',
            <span key="secret" class="row">
              <code class="secret">{told.password}</code>
              <CopyButton text={told.password} what="the secret" />
            </span>,
          ],
          ['Address', urls.join(', ') || 'no listener for the network is set up'],
          ['Client id', clientId === null ? 'any' : <code key="client">{clientId}</code>],
          ['Topics', <code key="topic">{topicsOf(told, topic)}</code>],
        ]}
      />
      {missing !== null && <Notice tone="warn">{missing}</Notice>}
      {text !== null && (
        <>
          <pre class="settings-text">{text}</pre>
          <CopyButton text={text} what="the settings" />
        </>
      )}
      <div class="row end">
        <button type="button" class="button primary" onClick={onClose}>
          I have it
        </button>
      </div>
    </Dialog>
  )
}

const topicsOf = ({ user }: NewMqttUserView, topic: string): string =>
  user.access === 'device' ? [...user.publish, ...user.subscribe].join(', ') : `${topic}/…`

interface AddProps {
  readonly onAdded: (view: NewMqttUserView) => Promise<void>
  readonly onClose: () => void
}

function AddMqttUser({ onAdded, onClose }: AddProps) {
  const [name, setName] = useState('')
  const [access, setAccess] = useState('watch')
  const [trouble, setTrouble] = useState<string | null>(null)
  const add = async () => {
    const isKind = kinds.some(([kind]) => kind === access)
    const show = shows.has(access) ? `?show=${access}` : ''
    const body = show !== '' ? {} : isKind ? { access } : { boardId: access }
    try {
      await onAdded(await post<NewMqttUserView>(`/mqtt-users${show}`, { name: name.trim(), ...body }))
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message)
    }
  }
  return (
    <Dialog title="Add an MQTT user" onClose={onClose}>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault()
          void add()
        }}
      >
        {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
        <TextField label="Name" value={name} onInput={setName} required maxLength={64} autoComplete="off" />
        <SelectField
          label="For"
          value={access}
          options={[
            ...kinds,
            ...(boards.value ?? []).map(board => [board.id, `the board ${board.name}`] as const),
          ]}
          onChange={setAccess}
          hint="The secret is made by the gateway and shown once."
        />
        <div class="row end">
          <button type="submit" class="button primary">
            Add
          </button>
        </div>
      </form>
    </Dialog>
  )
}
