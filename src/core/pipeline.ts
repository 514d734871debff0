/** Policies in a row, the first outermost. Linked once; typed so that a hook which cannot accept an inner policy's answer is refused. */
import { type AddsOf, type AnyPolicy, type Description, LinkedPolicy, needPolicy, type Policy, type SeesOf } from './policy.ts'
import { type Surprise, surprises } from './surprises/index.ts'

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
 * const response = await guard.execute(call => fetch(url, { signal: call.signal }))
 * console.log(response.status) // => 200
 */
export function pipeline<const P extends readonly AnyPolicy[]>(...policies: P & Linked<P>): Policy<AllSees<P>, AddsOf<P[number]>> {
  const row = policies as unknown as readonly AnyPolicy[]
  for (const [i, part] of row.entries()) needPolicy(part, `pipeline: argument ${i + 1}`)
  return new Pipeline(row) as unknown as Policy<AllSees<P>, AddsOf<P[number]>>
}

class Pipeline extends LinkedPolicy {
  readonly #row: readonly AnyPolicy[]

  constructor(row: readonly AnyPolicy[]) {
    super(
      'pipeline',
      '',
      row.flatMap(part => part.parts),
      () => ({}),
    )
    this.#row = row
  }

  /** Asked for when it is described: what stands in a `keyed` is known once it has a key. */
  override get surprises(): readonly Surprise[] {
    return this.#row.flatMap(part => part.surprises ?? [])
  }

  override describe(): Description {
    const inner = this.#row.map(part => part.describe())
    return { ...super.describe(), inner, warnings: surprises(inner, this.surprises) }
  }
}
