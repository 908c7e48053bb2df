import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

interface Props {
  readonly label: string
  readonly hint?: string
  /** Gets the id that the label points to. */
  readonly children: (id: string, hintId: string | undefined) => ComponentChildren
}

/** A labelled control with its hint. */
export function Field({ label, hint, children }: Props) {
  const id = useId()
  const hintId = hint === undefined ? undefined : `${id}-hint`
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(id, hintId)}
      {hint !== undefined && (
        <small class="quiet" id={hintId}>
          {hint}
        </small>
      )}
    </div>
  )
}
