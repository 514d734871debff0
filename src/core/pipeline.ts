/** Policies in a row, the first outermost. Linked once; typed so that a hook which cannot accept an inner policy's answer is refused. */
import { type AddsOf, type AnyPolicy, type Description, type Policy, policy, type SeesOf } from './policy.ts'

type Meet<P> = (P extends AnyPolicy ? (s: SeesOf<P>) => void : never) extends (s: infer I) => void ? I : never
type AllSees<P extends readonly AnyPolicy[]> = number extends P['length']
  ? Meet<P[number]>
  : P extends readonly [infer H, ...infer T extends AnyPolicy[]]
    ? SeesOf<H> & AllSees<T>
    : unknown
type Linked<P extends readonly AnyPolicy[]> = number extends P['length']
  ? P
  : P extends readonly [infer H, ...infer T extends AnyPolicy[]]
    ? [AddsOf<T[number]>] extends [SeesOf<H>]
      ? readonly [H, ...Linked<T>]
      : readonly [{ 'an inner policy may answer': AddsOf<T[number]>; 'but this hook accepts': SeesOf<H> }, ...Linked<T>]
    : readonly []

/**
 * Joins policies into one, the first outermost.
 *
 * @example
 * const guard = pipeline(retry({ attempts: 2 }), circuitBreaker(), timeLimiter({ timeoutDuration: '2s' }))
 * await guard.execute(call => fetch(url, { signal: call.signal }))
 */
export function pipeline<const P extends readonly AnyPolicy[]>(...policies: P & Linked<P>): Policy<AllSees<P>, AddsOf<P[number]>> {
  const row = policies as unknown as readonly AnyPolicy[]
  const describe = (): Description => {
    const inner = row.map(part => part.describe())
    return { kind: 'pipeline', name: '', options: {}, inner, warnings: surprises(inner) }
  }
  const parts = row.flatMap(part => part.parts)
  return policy('pipeline', '', parts, describe) as unknown as Policy<AllSees<P>, AddsOf<P[number]>>
}

/** Orders that are valid and will surprise. */
function surprises(outerToInner: readonly Description[]): string[] {
  const warnings: string[] = []
  const at = (kind: string) => outerToInner.findIndex(d => d.kind === kind)
  const [retry, breaker, fallback, limit] = [at('retry'), at('circuitBreaker'), at('fallback'), at('timeLimiter')]
  if (retry >= 0 && breaker >= 0 && breaker < retry)
    warnings.push('circuitBreaker stands outside retry: it sees only the last try of each call, so it opens later than the failures come')
  if (retry >= 0 && fallback > retry) warnings.push('fallback stands inside retry: retry never sees a failure, so it never retries')
  if (breaker >= 0 && fallback > breaker) warnings.push('fallback stands inside circuitBreaker: the breaker never sees a failure')
  if (limit >= 0 && retry > limit) {
    const wait = Number(outerToInner[retry]!.options['baseInterval'] ?? 0)
    const timeout = Number(outerToInner[limit]!.options['timeoutDuration'] ?? Infinity)
    if (wait >= timeout)
      warnings.push(`timeLimiter (${timeout} ms) stands outside retry whose first wait may be ${wait} ms: the retry may never run`)
  }
  return warnings
}
