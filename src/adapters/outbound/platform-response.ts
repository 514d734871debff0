/**
 * Where runtimes look behind `instanceof`: workers, service workers, Deno and Bun take nothing but a Response of their own from a handler
 * (`return mesh.fetch(request)`). Node and pages have no such place; there a Response of ours says more (cookies, causes of errors).
 */
import { systemClock } from '../../base/time/clock.ts'
import { endsWithRequests } from '../../base/time/polled-clock.ts'
import { waitFor } from '../../base/time/wait-for.ts'
import { attachOutcome, outcomeOf } from '../../core/outcome.ts'
import { LazyResponse } from '../../traffic/transport/response.ts'

const hasHandlers = /* @__PURE__ */ (() =>
  'Deno' in globalThis || 'Bun' in globalThis || 'ServiceWorkerGlobalScope' in globalThis || endsWithRequests())()

/** A fetch whose responses this runtime accepts as its own. */
export function forPlatform(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  if (!hasHandlers) return fetch
  // A worker ends a request that waits for nothing of its own, such as one that shares the answer of another.
  const hold = endsWithRequests()
    ? (response: Promise<Response>) => waitFor(response, systemClock)
    : (response: Promise<Response>) => response
  return (input, init) => hold(fetch(input, init)).then(platformResponse)
}

/** The same answer as a Response of the platform, whose body is read from the given one. */
export function platformResponse(response: Response): Response {
  const { status, statusText, url, redirected, type } = response
  if (!(response instanceof LazyResponse) || status === 0) return response
  const made = new Response(response.body, { status, statusText, headers: response.headers })
  for (const [name, value] of Object.entries({ url, redirected, type })) Object.defineProperty(made, name, { value, configurable: true })
  return attachOutcome(made, outcomeOf(response)!)
}
