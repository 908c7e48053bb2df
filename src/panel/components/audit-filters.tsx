import { type AuditFilter, noFilter, outcomeWords, type Span } from '../model/audit.ts'
import { SelectField } from './select-field.tsx'
import { TextField } from './text-field.tsx'

interface Props {
  readonly filter: AuditFilter
  readonly onChange: (filter: AuditFilter) => void
}

const outcomes = ['ok', 'forbidden', 'unauthenticated', 'wrong_password', 'throttled', 'refresh_reuse']

const spanWords: readonly (readonly [Span, string])[] = [
  ['any', 'ever'],
  ['hour', 'an hour ago'],
  ['day', 'a day ago'],
  ['week', 'a week ago'],
]

export function AuditFilters({ filter, onChange }: Props) {
  const isOn = JSON.stringify(filter) !== JSON.stringify(noFilter)
  const change = (part: Partial<AuditFilter>) => onChange({ ...filter, ...part })
  return (
    <search class="card filters">
      <TextField
        label="Who"
        value={filter.actor}
        onInput={actor => change({ actor })}
        maxLength={64}
        autoComplete="off"
        placeholder="name"
      />
      <TextField
        label="Action"
        value={filter.action}
        onInput={action => change({ action })}
        maxLength={64}
        autoComplete="off"
        placeholder="changeBoard"
      />
      <TextField
        label="On what"
        value={filter.resource}
        onInput={resource => change({ resource })}
        maxLength={200}
        autoComplete="off"
        placeholder="boards"
      />
      <SelectField
        label="Outcome"
        value={filter.outcome}
        options={[['', 'any'], ...outcomes.map(each => [each, outcomeWords(each)] as const)]}
        onChange={outcome => change({ outcome })}
      />
      <SelectField<Span>
        label="Since"
        value={filter.span}
        options={spanWords}
        onChange={span => change({ span })}
      />
      {isOn && (
        <button type="button" class="button" onClick={() => onChange(noFilter)}>
          Show all
        </button>
      )}
    </search>
  )
}
