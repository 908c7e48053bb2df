import type { Component, DiscoveryPayload } from './discovery-payload.ts'

/**
 * What has to be published before `after`, so that Home Assistant takes away the components that only `before` has: each of them as
 * its platform alone. undefined: nothing goes.
 */
export function withRemovals(
  before: DiscoveryPayload,
  after: DiscoveryPayload,
): DiscoveryPayload | undefined {
  const gone = Object.entries(before.cmps).filter(([key, { p }]) => after.cmps[key]?.p !== p)
  if (gone.length === 0) return undefined
  const stubs = gone.map(([key, { p }]): [string, Component] => [key, { p }])
  return { ...after, cmps: { ...after.cmps, ...Object.fromEntries(stubs) } }
}
