/** Where one is in the panel; it stands in the address behind `#`, so that Back works and a place can be sent to others. */
export type Route =
  | { readonly page: 'boards' }
  | { readonly page: 'upload'; readonly patternId: string | null }
  | { readonly page: 'jobs'; readonly jobId: string | null }
  | { readonly page: 'gpio' }
  | { readonly page: 'metrics' }
  | { readonly page: 'alerts' }
  | { readonly page: 'audit' }
  | { readonly page: 'settings' }
  | { readonly page: 'invite'; readonly code: string }

export type Page = Route['page']

/** An address that leads nowhere leads to the boards. */
export function parseRoute(hash: string): Route {
  const [page = '', id = ''] = hash.replace(/^#?\/?/, '').split('/')
  const given = /^[0-9a-f-]{1,64}$/.test(id) ? id : null
  switch (page) {
    case 'invite':
      return { page, code: id.slice(0, 100) }
    case 'upload':
      return { page, patternId: given }
    case 'jobs':
      return { page, jobId: given }
    case 'gpio':
    case 'metrics':
    case 'alerts':
    case 'audit':
    case 'settings':
      return { page }
    default:
      return { page: 'boards' }
  }
}

export function routeHash(route: Route): string {
  if (route.page === 'upload' && route.patternId !== null) return `#/upload/${route.patternId}`
  if (route.page === 'jobs' && route.jobId !== null) return `#/jobs/${route.jobId}`
  if (route.page === 'invite') return `#/invite/${route.code}`
  return `#/${route.page}`
}
