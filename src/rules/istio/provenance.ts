/**
 * Which rule a route was made from. Istio's own configuration does not say it, and what we send must equal Istio's, so it is kept beside
 * the routes and not in them.
 */
import type { Route } from '../../envoy/index.ts'
import type { RuleDocument } from './document.ts'

export interface Origin {
  document: RuleDocument
  /** `spec.http[2]`. */
  path: string
  /** `spec.http[2].match[0]`, where the route stands for one condition of several. */
  match: string | undefined
}

const origins = new WeakMap<Route, Origin>()

export function setOrigin(route: Route, origin: Origin): Route {
  origins.set(route, origin)
  return route
}

/** The rule behind a translated route; `undefined` for routes that no document wrote. */
export function originOf(route: Route): Origin | undefined {
  return origins.get(route)
}
