import type { InputHTMLAttributes } from 'preact'
import { Field } from './field.tsx'

interface Props {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly type?: 'text' | 'password' | 'number'
  readonly hint?: string
  readonly required?: boolean
  readonly autoComplete?: 'username' | 'current-password' | 'new-password' | 'one-time-code' | 'off'
  readonly min?: number
  readonly max?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly placeholder?: string
  readonly inputMode?: 'numeric'
}

export function TextField({ label, hint, onInput, type = 'text', ...rest }: Props) {
  // The types know an input per `type`; this one is three of them.
  const attributes = { type, ...rest } as InputHTMLAttributes<HTMLInputElement>
  return (
    <Field label={label} {...(hint !== undefined && { hint })}>
      {(id, hintId) => (
        <input
          id={id}
          class="input"
          spellcheck={false}
          autoCapitalize="none"
          aria-describedby={hintId}
          onInput={event => onInput(event.currentTarget.value)}
          {...attributes}
        />
      )}
    </Field>
  )
}
