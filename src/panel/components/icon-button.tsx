import { Icon, type IconName } from './icon.tsx'

interface Props {
  readonly icon: IconName
  /** Says what it does; also shown on hovering. */
  readonly label: string
  readonly onClick: () => void
  readonly disabled?: boolean
  readonly pressed?: boolean
  readonly class?: string
}

export function IconButton({ icon, label, onClick, disabled = false, pressed, class: more = '' }: Props) {
  return (
    <button
      type="button"
      class={`icon-button ${more}`}
      title={label}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  )
}
