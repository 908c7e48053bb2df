import { Field } from './field.tsx'

interface Props<T extends string> {
  readonly label: string
  readonly value: T
  readonly options: readonly (readonly [value: T, words: string])[]
  readonly onChange: (value: T) => void
  readonly hint?: string
}

export function SelectField<T extends string>({ label, value, options, onChange, hint }: Props<T>) {
  const choose = (text: string) => {
    const found = options.find(([known]) => known === text)
    if (found !== undefined) onChange(found[0])
  }
  return (
    <Field label={label} {...(hint !== undefined && { hint })}>
      {(id, hintId) => (
        <select
          id={id}
          class="input"
          value={value}
          aria-describedby={hintId}
          onChange={event => choose(event.currentTarget.value)}
        >
          {options.map(([known, words]) => (
            <option key={known} value={known}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}
