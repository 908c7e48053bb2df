import type { StoredUser } from '../store/tables/users.ts'
import type { UserView } from '../wire/auth.ts'

/** What others may know about a user: everything but the hash. */
export const userView = ({ id, name, role, createdMs, disabled, secondFactor }: StoredUser): UserView => ({
  id,
  name,
  role,
  createdAt: new Date(createdMs).toISOString(),
  disabled,
  secondFactor,
})
