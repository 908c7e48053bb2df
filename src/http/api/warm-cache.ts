import type { Principal } from '../../account/principal.ts'
import type { Role } from '../../kernel/role.ts'
import { authorise } from './authorise.ts'
import type { Call, Operation } from './operation.ts'
import { apiPrefix } from './route-table.ts'
import { type ApiParts, cacheKey, keep, toAnswer } from './run-operation.ts'

const roles: readonly Role[] = ['viewer', 'operator', 'admin']

/**
 * Makes the answers that everybody of a role shares, as the first one who asks would: GETs that may be kept, without parameters.
 * Resolves with their number. One that fails is left to whoever asks for it.
 */
export async function warmCache(
  parts: Pick<ApiParts, 'table' | 'cache' | 'packed' | 'clock'>,
): Promise<number> {
  let warmed = 0
  for (const operation of parts.table.operations) {
    if (!isShared(operation)) continue
    for (const role of roles) if (await warm(parts, operation, role)) warmed += 1
  }
  return warmed
}

const isShared = ({ method, path, cache, run }: Operation): boolean =>
  method === 'get' && run !== undefined && cache?.per === 'everybody' && !path.includes(':')

async function warm(
  parts: Pick<ApiParts, 'table' | 'cache' | 'packed' | 'clock'>,
  operation: Operation,
  role: Role,
): Promise<boolean> {
  const url = `${apiPrefix}${operation.path}`
  const principal: Principal = { kind: 'user', id: '', name: '', role }
  const key = cacheKey({ method: 'GET', url, path: url, querystring: '' }, operation, principal)
  if (key === undefined) return false
  try {
    authorise(principal, operation)
    const call: Call = {
      params: {},
      query: operation.query?.parse({}) ?? {},
      body: undefined,
      principal,
      caller: { address: 'local', agent: '' },
      origin: '',
      requestId: '',
      ifMatch: undefined,
      changed: () => undefined,
    }
    const made = await keep(parts, operation, key, async () =>
      toAnswer(url, operation, await operation.run?.(call as never), undefined),
    )
    return made.status === 200
  } catch {
    return false
  }
}
