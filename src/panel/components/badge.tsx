interface Props {
  readonly tone: 'ok' | 'bad' | 'warn' | 'busy' | 'quiet'
  readonly text: string
}

/** A state in one word; the colour only repeats it. */
export function Badge({ tone, text }: Props) {
  return (
    <span class={`badge ${tone}`}>
      <i aria-hidden="true" />
      {text}
    </span>
  )
}
