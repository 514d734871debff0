/**
 * The routes of a virtual host in their order, and the first of them that holds. A long list is read through an index by the path's first
 * segment: a route whose path condition names another one cannot hold, so leaving it out changes nothing about who is first.
 */
import type { CompiledRoute } from './compiled-route.ts'
import type { RequestView } from './request-view.ts'

/** A list up to this long is read from its top. */
const SHORT = 8

export class RouteList {
  readonly all: readonly CompiledRoute[]
  /** By first segment: the routes that may hold, in order. */
  readonly #index: ReadonlyMap<string, readonly CompiledRoute[]> | undefined
  /** Those that may hold for any segment. */
  readonly #others: readonly CompiledRoute[]

  constructor(routes: readonly CompiledRoute[]) {
    this.all = routes
    this.#others = routes
    if (routes.length <= SHORT) return
    const segments = new Set(routes.map(r => r.path.segment).filter(s => s !== undefined))
    this.#index = new Map([...segments].map(s => [s, routes.filter(r => r.path.segment === undefined || r.path.segment === s)]))
    this.#others = routes.filter(r => r.path.segment === undefined)
  }

  /** `path`: without its query. */
  first(request: RequestView, path: string): CompiledRoute | undefined {
    const candidates = this.#index?.get(firstSegment(path)) ?? this.#others
    for (const route of candidates) if (route.path.holds(path) && conditionsHold(route, request)) return route
    return undefined
  }
}

function conditionsHold(route: CompiledRoute, request: RequestView): boolean {
  for (const condition of route.conditions) if (!condition.holds(request)) return false
  return true
}

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  return end < 0 ? path.slice(1) : path.slice(1, end)
}
