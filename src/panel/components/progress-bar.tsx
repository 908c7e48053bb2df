interface Props {
  /** 0 to 1; null: it is not known how far. */
  readonly share: number | null
  readonly label: string
  readonly tone?: 'ok' | 'bad' | 'warn' | 'busy' | 'quiet'
}

export function ProgressBar({ share, label, tone = 'busy' }: Props) {
  const percent = share === null ? undefined : Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10
  return (
    <div
      class={`progress ${tone} ${percent === undefined ? 'unknown' : ''}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <div style={{ width: `${percent ?? 30}%` }} />
    </div>
  )
}
