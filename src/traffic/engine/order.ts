/**
 * The order in which things happen to a call, outermost first: one line and one reason each. The executor walks it; tests hold the
 * executor against it pairwise.
 */
export const ORDER = [
  ['match', 'the route says everything else; a request without one is answered 404 or passes ungoverned'],
  ['destination', 'a request is routed once: retries stay in the chosen cluster, and the mirror share uses the same random number'],
  ['fallback', 'outermost, so that it answers for whatever goes wrong further in'],
  ['cache', 'a hit spares everything behind it'],
  ['fault', 'before the router as in Envoy: an injected abort is retried by nobody and charged to nobody'],
  ['reply', 'redirect and direct response need no upstream'],
  ['rewrite', 'header operations, then host and path: what upstream and mirror see'],
  ['mirror', 'once per request, not per try'],
  ['routeTimeout', 'bounds all tries, the waits between them, and the body'],
  ['retry', 'each try below is governed and counted on its own'],
  ['circuitBreaker', 'an open breaker costs no token and no slot'],
  ['rateLimiter', 'a token is for a call that will be made'],
  ['timeLimiter', 'bounds waiting for a slot as well'],
  ['bulkhead', 'ours, before an endpoint is chosen'],
  ['endpoint', 'below retry: a retry may go elsewhere'],
  ['pool', "Envoy's limits, counted per cluster, decided by the chosen host's pool"],
  ['perTryTimeout', 'from connection ready: queueing and connecting are not the upstream’s answer time'],
  ['send', 'the request itself'],
  ['outlier', 'every try is reported to its own host'],
] as const

/** A place in the order. */
export type Position = (typeof ORDER)[number][0]
