import { useState } from 'preact/hooks'
import type { ApiTokenView } from '../../wire/token.ts'
import { post } from '../api.ts'
import { readScopes, type ScopeChoice, scopePresets } from '../model/scopes.ts'
import { FormDialog } from './form-dialog.tsx'
import { SelectField } from './select-field.tsx'
import { TextField } from './text-field.tsx'

export interface IssuedToken {
  readonly token: ApiTokenView
  readonly secret: string
}

const choices: readonly (readonly [ScopeChoice, string])[] = [
  ['look', 'look at boards, jobs and health'],
  ['play', 'play what is stored on boards'],
  ['upload', 'upload patterns and send them to boards'],
  ['everything', 'everything that you may, but accounts'],
  ['own', 'own choice'],
]

const lasting = [
  ['7', 'a week'],
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', 'a year'],
] as const

interface Props {
  readonly onIssued: (issued: IssuedToken) => Promise<void>
  readonly onClose: () => void
}

export function NewApiToken({ onIssued, onClose }: Props) {
  const [name, setName] = useState('')
  const [choice, setChoice] = useState<ScopeChoice>('look')
  const [own, setOwn] = useState('boards:read')
  const [days, setDays] = useState<(typeof lasting)[number][0]>('90')
  const scopes = choice === 'own' ? readScopes(own) : scopePresets[choice]
  const make = async () =>
    onIssued(await post<IssuedToken>('/tokens', { name: name.trim(), scopes, expiresInDays: Number(days) }))
  return (
    <FormDialog title="Make an API token" deed="Make it" act={make} onClose={onClose}>
      <TextField
        label="What it is for"
        value={name}
        onInput={setName}
        required
        maxLength={64}
        autoComplete="off"
      />
      <SelectField<ScopeChoice>
        label="It may"
        value={choice}
        options={choices}
        onChange={setChoice}
        {...(choice !== 'own' && { hint: scopes.join(', ') })}
      />
      {choice === 'own' && (
        <TextField
          label="Scopes"
          value={own}
          onInput={setOwn}
          required
          maxLength={1000}
          autoComplete="off"
          hint="Such as boards:read, jobs:write, rooms:*, *:read. Writing includes reading."
        />
      )}
      <SelectField label="It holds for" value={days} options={lasting} onChange={setDays} />
    </FormDialog>
  )
}
