import { signal } from '@preact/signals'
import { parseRoute, type Route, routeHash } from '../model/route.ts'

export const route = signal<Route>(parseRoute(location.hash))

window.addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash)
  window.scrollTo(0, 0)
})

/** Without a step in the history: Back does not lead to where one was. */
export function goInstead(to: Route): void {
  location.replace(routeHash(to))
  route.value = to
}

export function go(to: Route): void {
  location.hash = routeHash(to)
}
