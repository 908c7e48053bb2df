import type { ComponentChildren } from 'preact'
import { Icon } from './icon.tsx'

interface Props {
  readonly tone: 'bad' | 'warn' | 'ok'
  readonly children: ComponentChildren
}

/** Words that must not be missed; read out at once where something went wrong. */
export function Notice({ tone, children }: Props) {
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={tone === 'ok' ? 'check' : 'alert'} />
      <div class="notice-words">{children}</div>
    </div>
  )
}
