import type { Connections } from '../board/connections.ts'
import type { PortApprovals } from '../board/port-approvals.ts'
import type { GatewayCore } from '../upload/gateway-core.ts'

/** What the routes act on. */
export interface ApiDeps {
  readonly core: GatewayCore
  readonly connections: Connections
  readonly approvals: PortApprovals
}
