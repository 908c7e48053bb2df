import type { Principal } from '../../src/account/principal.ts'
import type { LanAccess } from '../../src/http/access/lan-access.ts'
import type { Operation } from '../../src/http/api/operation.ts'
import { PackedAnswers } from '../../src/http/api/packed-answers.ts'
import { ResponseCache } from '../../src/http/api/response-cache.ts'
import { RouteTable } from '../../src/http/api/route-table.ts'

/** The API with these operations alone, for `createHttp`. */
export const apiOf = (...operations: readonly (readonly Operation[])[]) => ({
  table: new RouteTable(operations.flat()),
  cache: new ResponseCache(),
  packed: new PackedAnswers(),
})

/** A network door that takes every request for one of this principal, in place of accounts. */
export const doorFor = (principal: Principal | undefined): Pick<LanAccess, 'checkOrigin' | 'identify'> => ({
  checkOrigin: () => ({ authority: { host: '127.0.0.1', port: undefined }, corsOrigin: undefined }),
  identify: async () => principal,
})
