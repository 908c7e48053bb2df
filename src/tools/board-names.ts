import type { GatewayCore } from '../upload/gateway-core.ts'

/** What people call the boards; a board that the gateway has forgotten keeps the start of its id. */
export async function boardNames(core: GatewayCore): Promise<(id: string) => string> {
  const names = new Map<string, string>((await core.book.list()).map(({ id, name }) => [id, name]))
  return id => names.get(id) ?? id.slice(0, 8)
}
