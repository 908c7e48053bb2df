import { useState } from 'preact/hooks'
import type { PortView } from '../../wire/port.ts'
import { call, post, withQuery } from '../api.ts'
import { attempt } from '../state/toasts.ts'
import { Badge } from './badge.tsx'
import { Notice } from './notice.tsx'
import { SelectField } from './select-field.tsx'
import { useList } from './use-list.ts'

const rates = [
  '9600',
  '57600',
  '115200',
  '230400',
  '250000',
  '460800',
  '500000',
  '921600',
  '1000000',
  '2000000',
] as const
type Rate = (typeof rates)[number]

/** Serial ports of the machine; only an approved one is opened, since opening a stranger's resets it. */
export function Ports() {
  const { items, trouble, reload } = useList<PortView>('/ports', 'ports')
  const [rate, setRate] = useState<Rate>('115200')
  const change = (act: () => Promise<unknown>) =>
    attempt(async () => {
      await act()
      await reload()
    })
  return (
    <section class="card">
      <div class="row between">
        <h2>Serial ports</h2>
        <button type="button" class="button small" onClick={() => void reload()}>
          Look again
        </button>
      </div>
      {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
      {items?.length === 0 && <p class="quiet">No serial port is plugged in.</p>}
      <ul class="list">
        {items?.map(port => (
          <li key={port.path}>
            <span class="list-words">
              <strong>{port.path}</strong>
              <span class="quiet small">
                {[port.manufacturer, port.stableId, port.reason].filter(Boolean).join(' · ')}
              </span>
              {port.trouble !== null && <span class="bad-words small">{port.trouble}</span>}
            </span>
            <Badge tone={port.open ? 'ok' : 'quiet'} text={port.open ? 'open' : 'closed'} />
            {port.open ? (
              <button
                type="button"
                class="button small"
                aria-label={`Revoke ${port.path}`}
                onClick={() =>
                  void change(() => call('DELETE', withQuery('/ports', { path: port.stableId ?? port.path })))
                }
              >
                Revoke
              </button>
            ) : (
              <button
                type="button"
                class="button small"
                aria-label={`Approve ${port.path}`}
                onClick={() =>
                  void change(() =>
                    post('/ports', { path: port.stableId ?? port.path, baudRate: Number(rate) }),
                  )
                }
              >
                Approve
              </button>
            )}
          </li>
        ))}
      </ul>
      {items !== null && items.length > 0 && (
        <SelectField
          label="Baud rate for the next approval"
          value={rate}
          options={rates.map(value => [value, value] as const)}
          onChange={setRate}
        />
      )}
    </section>
  )
}
