import type { UserView } from '../../wire/auth.ts'
import { SelectField } from './select-field.tsx'

export type Role = UserView['role']

const options: readonly (readonly [Role, string])[] = [
  ['viewer', 'viewer: looks'],
  ['operator', 'operator: also plays, uploads, chats in rooms'],
  ['admin', 'admin: also manages people and keys'],
]

export function RoleField({
  role,
  onChange,
}: {
  readonly role: Role
  readonly onChange: (role: Role) => void
}) {
  return <SelectField<Role> label="Role" value={role} options={options} onChange={onChange} />
}
