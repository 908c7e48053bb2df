import fc from 'fast-check'
import t from 'tap'
import { apiTokenHash, isApiToken, makeApiToken } from '../../src/account/api-token-secret.ts'
import { ApiTokens } from '../../src/account/api-tokens.ts'
import type { Principal } from '../../src/account/principal.ts'
import { allows, scopeFault } from '../../src/account/scopes.ts'
import { authorise, scopeOf } from '../../src/http/api/authorise.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { VirtualClock } from '../../src/kernel/virtual-clock.ts'
import { redactLine } from '../../src/ops/redact.ts'
import { openStore } from '../../src/store/store.ts'

const tags = [
  'boards',
  'jobs',
  'tokens',
  'users',
  'sessions',
  'invites',
  'auth',
  'callbacks',
  'mqtt-users',
] as const
const credentials = ['tokens', 'users', 'sessions', 'invites', 'auth', 'callbacks', 'mqtt-users']
const rank = { viewer: 0, operator: 1, admin: 2 }

/** What a token may do, said once more in another way: by listing every right that its scopes spell out. */
function rightsOf(scopes: readonly string[]): ReadonlySet<string> {
  const rights = new Set<string>()
  for (const tag of tags)
    for (const scope of scopes) {
      if (['*', `${tag}:*`, `${tag}:write`].includes(scope)) rights.add(`${tag}:write`).add(`${tag}:read`)
      if (['*:read', `${tag}:read`].includes(scope)) rights.add(`${tag}:read`)
    }
  return rights
}

t.test('a token does what its scopes and its role both allow, and nothing about credentials', async () => {
  const tag = fc.constantFrom(...tags)
  const scope = fc.oneof(
    fc.tuple(tag, fc.constantFrom('read', 'write', '*')).map(parts => parts.join(':')),
    fc.constantFrom('*', '*:read'),
  )
  const role = fc.constantFrom('viewer', 'operator', 'admin')
  const operation = fc.record({
    tag,
    method: fc.constantFrom('get', 'head', 'post', 'put', 'patch', 'delete'),
    access: role,
  })
  fc.assert(
    fc.property(fc.array(scope, { maxLength: 4 }), role, operation, (scopes, role, operation) => {
      const principal: Principal = { kind: 'token', id: 'u', name: 'ada', role, scopes }
      const isWrite = !['get', 'head'].includes(operation.method)
      const expected =
        rightsOf(scopes).has(`${operation.tag}:${isWrite ? 'write' : 'read'}`) &&
        rank[role] >= rank[operation.access] &&
        !(isWrite && credentials.includes(operation.tag))
      let did = true
      try {
        authorise(principal, operation)
      } catch {
        did = false
      }
      return (
        did === expected && allows(scopes, scopeOf(operation)) === rightsOf(scopes).has(scopeOf(operation))
      )
    }),
    { numRuns: 5_000 },
  )
})

t.test('a scope is one of five forms, over what there is', async t => {
  const known = new Set(['boards', 'mqtt-users'])
  for (const good of ['*', '*:read', 'boards:read', 'boards:write', 'boards:*', 'mqtt-users:read'])
    t.equal(scopeFault(good, known), undefined, good)
  for (const bad of [
    '',
    'boards',
    '*:write',
    '*:*',
    'jobs:read',
    'boards:all',
    'Boards:read',
    'boards:read ',
    ' *',
  ])
    t.type(scopeFault(bad, known), 'string', bad)
})

t.test('a token carries its own checksum, and the log leaves it out', async t => {
  const token = makeApiToken()
  t.ok(isApiToken(token))
  t.match(apiTokenHash(token), /^[0-9a-f]{64}$/)
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom(...'ABCxyz019-_'), (place, letter) => {
      const other = token.slice(0, place) + letter + token.slice(place + 1)
      return other === token || apiTokenHash(other) === undefined
    }),
    { numRuns: 500 },
  )
  for (const text of [`got ${token}`, `"${token}"`, `token=${token}`, `https://x/?t=${token}`])
    t.notOk(redactLine(text).includes(token.slice(8, 40)), text.slice(0, 12))
})

t.test(
  'a token ends in its time, its use is noted every five minutes, and a lost account ends it',
  async t => {
    const clock = new VirtualClock()
    const store = await openStore(`${t.testdir()}/gateway.db`)
    t.teardown(() => store.close())
    const user = { id: 'u1', name: 'ada', role: 'admin', passwordHash: '', createdMs: 0 } as const
    await store.users.insert(user)
    let notes = 0
    const counting = {
      ...store.apiTokens,
      noteUse: (use: { readonly id: string; readonly nowMs: number }) => {
        notes += 1
        return store.apiTokens.noteUse(use)
      },
    }
    const tokens = new ApiTokens({ store: { apiTokens: counting }, clock, log: silentLog })
    const asked = { name: 'x', scopes: ['*'], expiresInDays: 1 }
    const { secret } = await tokens.make(user, asked, new Set())
    for (let minute = 0; minute < 60; minute++) {
      for (let at = 0; at < 10; at++)
        t.match(await tokens.authenticate(secret), { kind: 'token', name: 'ada' })
      clock.advance(60_000)
    }
    t.equal(notes, 12, '600 uses in an hour')
    clock.advance(23 * 3_600_000 - 1)
    t.ok(await tokens.authenticate(secret))
    clock.advance(1)
    t.equal(await tokens.authenticate(secret), undefined)
    for (let at = 0; at < 100; at++) await tokens.make(user, asked, new Set())
    await t.rejects(tokens.make(user, asked, new Set()), { code: 'conflict' }, 'so many a person')
    clock.advance(86_400_000)
    await t.resolves(tokens.make(user, asked, new Set()), 'those that have ended make room')
  },
)
