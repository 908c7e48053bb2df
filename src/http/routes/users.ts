import { z } from 'zod'
import type { Accounts } from '../../account/accounts.ts'
import { newUser, userPatch, userView } from '../../wire/auth.ts'
import { pageShape } from '../../wire/page.ts'
import { empty, json, type Operation, operation } from '../api/operation.ts'
import { pageOf, paging } from '../api/paging.ts'

const oneUser = z.object({ user: userView })

/** Bodies with passwords are not repeatable: a stored hash of one would let it be guessed. */
export const userOperations = ({ people }: Pick<Accounts, 'people'>): readonly Operation[] => [
  operation({
    id: 'listUsers',
    method: 'get',
    path: '/users',
    tag: 'users',
    summary: 'People with an account, by name',
    access: 'admin',
    query: paging,
    cache: { tags: ['users'], per: 'everybody' },
    answers: { 200: json(z.object({ users: z.array(userView), ...pageShape }), 'A page of the users') },
    async run({ query }) {
      const { items, total, nextCursor } = pageOf(await people.list(), query, ({ id }) => id)
      return { users: items, total, nextCursor }
    },
  }),

  operation({
    id: 'addUser',
    method: 'post',
    path: '/users',
    tag: 'users',
    summary: 'Make an account',
    access: 'admin',
    body: newUser,
    answers: { 201: json(oneUser, 'The new user') },
    errors: ['conflict'],
    repeatable: false,
    async run(call) {
      const user = await people.add(call.body)
      call.changed({ resource: `users/${user.name}`, after: user })
      return { user }
    },
  }),

  operation({
    id: 'changeUser',
    method: 'patch',
    path: '/users/:name',
    params: { name: 'Name of the user' },
    tag: 'users',
    summary: 'Change role or password, or switch an account off',
    description:
      'Another password and being switched off end all sessions of the user. One admin who may sign in is always left.',
    access: 'admin',
    body: userPatch,
    answers: { 200: json(oneUser, 'The user as it is now') },
    errors: ['not_found', 'conflict'],
    repeatable: false,
    async run(call) {
      const { before, after } = await people.change(call.params.name, call.body)
      const passwordChanged = call.body.password !== undefined
      call.changed({
        resource: `users/${after.name}`,
        before,
        after: { ...after, ...(passwordChanged && { passwordChanged }) },
      })
      return { user: after }
    },
  }),

  operation({
    id: 'removeUser',
    method: 'delete',
    path: '/users/:name',
    params: { name: 'Name of the user' },
    tag: 'users',
    summary: 'Remove an account',
    description: 'All sessions of the user end at once.',
    access: 'admin',
    answers: { 204: empty('It is gone') },
    errors: ['not_found', 'conflict'],
    async run(call) {
      const before = await people.remove(call.params.name)
      call.changed({ resource: `users/${before.name}`, before })
    },
  }),

  operation({
    id: 'resetTotp',
    method: 'delete',
    path: '/users/:name/totp',
    params: { name: 'Name of the user' },
    tag: 'users',
    summary: 'Take the second factor of somebody away',
    description: 'For who has lost the app and the backup codes. Needs no key file.',
    access: 'admin',
    answers: { 204: empty('The password alone signs in again') },
    errors: ['not_found'],
    async run(call) {
      await people.resetSecondFactor(call.params.name)
      const resource = `users/${call.params.name}`
      call.changed({ resource, before: { secondFactor: true }, after: { secondFactor: false } })
    },
  }),
]
