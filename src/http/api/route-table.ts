import findMyWay from 'find-my-way'
import type { Method, Operation } from './operation.ts'

export interface Route {
  readonly operation: Operation
  readonly params: Readonly<Record<string, string>>
  /** `/api/v1/boards/:id`, for logs and metrics. */
  readonly template: string
}

export const apiPrefix = '/api/v1'

type HttpMethod = Uppercase<Method>

/** Finds the operation of a method and a path in a radix tree: a hundred patterns tried in turn cost more than a small answer. */
export class RouteTable {
  readonly operations: readonly Operation[]
  readonly #router = findMyWay<findMyWay.HTTPVersion.V1>({ maxParamLength: 300, ignoreTrailingSlash: true })
  readonly #methods: readonly HttpMethod[]

  /** Throws where two operations have the same method and path, or the same id. */
  constructor(operations: readonly Operation[]) {
    this.operations = operations
    const ids = new Set<string>()
    for (const each of operations) {
      if (ids.has(each.id)) throw new TypeError(`two operations are called ${each.id}`)
      ids.add(each.id)
      const method = each.method.toUpperCase() as HttpMethod
      this.#router.on(method, `${apiPrefix}${each.path}`, () => undefined, each)
    }
    this.#methods = [...new Set(operations.map(({ method }) => method.toUpperCase() as HttpMethod))]
  }

  /** HEAD is answered by GET where nothing else is said. */
  find(method: string, path: string): Route | undefined {
    const found = this.#find(method, path) ?? (method === 'HEAD' ? this.#find('GET', path) : undefined)
    if (found === null || found === undefined) return undefined
    const operation = found.store as Operation
    return {
      operation,
      params: found.params as Record<string, string>,
      template: `${apiPrefix}${operation.path}`,
    }
  }

  /** Whatever the path answers, by any method; empty: there is no such path. */
  routesAt(path: string): readonly Route[] {
    return this.#methods.flatMap(method => this.find(method, path) ?? [])
  }

  #find(method: string, path: string) {
    return this.#router.find(method as HttpMethod, path)
  }
}

/** Value of `Allow` for a path with these operations; empty: there is no such path. */
export function allowedMethods(routes: readonly Route[]): readonly string[] {
  if (routes.length === 0) return []
  const methods = routes.map(({ operation }) => operation.method.toUpperCase())
  return [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])]
}
