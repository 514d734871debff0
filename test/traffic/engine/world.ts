/** A mesh over scripted upstreams on a virtual clock, one service `s.test` with its endpoints; and one call through it. */
import { createMesh, type MeshOptions, outcomeOf } from '../../../src/index.ts'
import { type FakeScript, fakeTransport, seededRandom, virtualClock } from '../../../src/testing/index.ts'
import { oneService } from '../../one-service.ts'

export const A = '10.0.0.1:80'
export const B = '10.0.0.2:80'

export interface World {
  /** YAML flow of one http route, without its braces. */
  route?: string
  /** YAML of the DestinationRule's trafficPolicy. */
  policy?: string
  /** Blocks of a ResiliencePolicy. */
  resilience?: string
  options?: MeshOptions
}

export function world(
  script: Record<string, FakeScript>,
  { route = '', policy = '{ loadBalancer: { simple: ROUND_ROBIN } }', resilience, options }: World = {},
) {
  const clock = virtualClock()
  const transport = fakeTransport(script, { clock })
  const endpoints = Object.keys(script)
    .filter(a => a.startsWith('10.0.0.'))
    .map(a => a.split(':')[0]!)
  const mesh = createMesh({
    clock,
    transport,
    random: seededRandom(7),
    ...options,
    rules: `${oneService({ endpoints, http: route, policy })}
${
  resilience === undefined
    ? ''
    : `---
apiVersion: meshless.dev/v1
kind: ResiliencePolicy
metadata: { name: s }
spec: { targets: [{ host: s.test }], ${resilience} }
`
}`,
  })
  const cluster = 'outbound|80||s.test'
  const stats = () => mesh.snapshot().clusters[cluster]!.stats
  /** Everything a request holds while it runs. */
  const held = () => {
    const { upstream_rq_active, upstream_rq_pending_active } = stats()
    const rest = mesh.snapshot()
    return {
      requests: upstream_rq_active,
      pending: upstream_rq_pending_active,
      active: rest.clusters[cluster]!.endpoints.reduce((n, e) => n + e.active, 0),
      retries: mesh.explain({ url: 'http://s.test/' }).destinations[0]?.limits['retries']?.used ?? 0,
    }
  }
  const ask = async (path = '/', init: RequestInit = {}) => {
    const response = await mesh.fetch(`http://s.test${path}`, init)
    const text = await response.text()
    const outcome = outcomeOf(response)!
    return { response, text, outcome, said: `${response.status} ${outcome.flags || '-'} ${outcome.details} ${outcome.attempts}` }
  }
  /** Asks, lets this much time pass, and gives the answer. */
  const askWithin = async (ms: number, path = '/', init: RequestInit = {}) => {
    const asked = ask(path, init)
    asked.catch(() => {})
    await clock.advanceAsync(ms)
    return asked
  }
  return { clock, transport, mesh, stats, held, ask, askWithin }
}

export const NOTHING = { requests: 0, pending: 0, active: 0, retries: 0 }
