/** One policy per key: a breaker per host, a limiter per tenant. Memory is bounded; the key not used for longest goes first. */
import type { Call } from '../../core/call.ts'
import type { Layer, Next } from '../../core/layer.ts'
import { type AnyPolicy, type Policy, policy } from '../../core/policy.ts'

type SeesOf<P> = P extends Policy<infer S, unknown> ? S : never
type AddsOf<P> = P extends Policy<never, infer A> ? A : never

export interface Keyed<P extends AnyPolicy> {
  /** The policy of a key; `undefined` when it has none now. */
  get(key: string): P | undefined
  readonly stats: { readonly size: number; readonly made: number; readonly evicted: number }
}

/**
 * Makes a policy that keeps one of its own for each key.
 *
 * @param max how many keys are remembered. Default 1000.
 * @example
 * const perHost = keyed(call => call.host ?? '', host => circuitBreaker({}, { name: host }), { max: 500 })
 */
export function keyed<P extends AnyPolicy>(
  key: (call: Call) => string,
  make: (key: string) => P,
  options: { max?: number; name?: string } = {},
): Policy<SeesOf<P>, AddsOf<P>> & Keyed<P> {
  const { max = 1000, name = '' } = options
  if (!(max >= 1)) throw new RangeError(`keyed: max is ${max}; expected at least 1`)
  const policies = new Map<string, P>()
  const stats = { made: 0, evicted: 0 }
  const layer: Layer = next => {
    const linked = new WeakMap<AnyPolicy, Next>()
    return call => {
      const k = key(call)
      let own = policies.get(k)
      if (own === undefined) {
        own = make(k)
        stats.made++
        if (policies.size >= max) {
          policies.delete(policies.keys().next().value!)
          stats.evicted++
        }
      } else policies.delete(k)
      policies.set(k, own)
      let run = linked.get(own)
      if (run === undefined) {
        run = own.layer(next)
        linked.set(own, run)
      }
      return run(call)
    }
  }
  return Object.defineProperties(
    Object.assign(
      policy('keyed', name, layer, () => ({ kind: 'keyed', name, options: { max, size: policies.size } })),
      { get: (k: string) => policies.get(k) },
    ),
    { stats: { get: () => ({ size: policies.size, ...stats }), enumerable: true } },
  ) as unknown as Policy<SeesOf<P>, AddsOf<P>> & Keyed<P>
}
