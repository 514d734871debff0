/** What the compiler must infer, and what it must refuse. Compiled by `tsc`; nothing here runs. */
import {
  bind,
  bulkhead,
  cache,
  circuitBreaker,
  collapse,
  fallback,
  faultInjector,
  firstOf,
  hedge,
  keyed,
  type Policy,
  pipeline,
  retry,
  timeLimiter,
} from '../src/policies/index.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const infers = <Given, Wanted>(same: Same<Given, Wanted>) => same

const list = pipeline(
  fallback(() => [] as number[]),
  circuitBreaker(),
).execute(async () => [1])
infers<typeof list, Promise<number[]>>(true)

const four = pipeline(retry(), circuitBreaker(), timeLimiter(), bulkhead()).execute(async () => 1)
infers<typeof four, Promise<number>>(true)

const sync = circuitBreaker().execute(() => 'now')
infers<typeof sync, Promise<string>>(true)

const widened = pipeline(
  fallback(() => 'none'),
  keyed(
    () => 'key',
    () => circuitBreaker(),
  ),
).wrap(async (n: number) => n)
infers<typeof widened, (n: number) => Promise<number | string>>(true)

const nested = pipeline(pipeline(fallback(null), retry()), pipeline(circuitBreaker(), bulkhead())).execute(async () => 1)
infers<typeof nested, Promise<number | null>>(true)

// Parameters and `this` are kept; without a fallback so are type parameters.
class Users {
  readonly #base = '/users/'
  readonly get = circuitBreaker().wrap(async function (this: Users, id: number, full?: boolean) {
    return { path: this.#base + id, full }
  })
}
const user = new Users().get(1, true)
infers<Awaited<typeof user>, { path: string; full: boolean | undefined }>(true)
// @ts-expect-error: the parameter is a number
new Users().get('1')
const same = retry().wrap(async function unchanged<T>(value: T) {
  return value
})
const kept = same({ a: 1 })
infers<typeof kept, Promise<{ a: number }>>(true)

const bound = retry().wrap(bind((call, id: string) => `${id}${call.attempt}`))
infers<typeof bound, (id: string) => Promise<string>>(true)

// A hook says what it accepts; a number in a pipeline for responses is an error.
const responses = pipeline(retry(), circuitBreaker({ recordResult: (r: { status: number }) => r.status >= 500 }))
responses.execute(async () => ({ status: 200, body: '' }))
// @ts-expect-error: a number has no status
responses.execute(async () => 1)
pipeline(
  // @ts-expect-error: this hook cannot accept what the fallback inside may answer
  circuitBreaker({ recordResult: (r: { status: number }) => r.status >= 500 }),
  fallback(() => 'text'),
)

const many: Policy[] = [circuitBreaker(), retry()]
const any = pipeline(...many).execute(async () => 1)
infers<typeof any, Promise<number>>(true)

// Every policy keeps the type of what it stands around.
const all = pipeline(faultInjector(), cache(), retry(), hedge(), circuitBreaker(), timeLimiter(), bulkhead()).execute(async () => 'text')
infers<typeof all, Promise<string>>(true)

// The hooks of retry, hedge, cache and fallback say what results they accept.
pipeline(retry({ retryOnResult: (r: { status: number }) => r.status === 503 })).execute(async () => ({ status: 200 }))
// @ts-expect-error: a text has no status
retry({ retryOnResult: (r: { status: number }) => r.status === 503 }).execute(async () => 'text')
// @ts-expect-error: a text has no status
hedge({ handleResult: (r: { status: number }) => r.status === 503 }).execute(async () => 'text')
// @ts-expect-error: a text has no status
cache({ cacheable: (r: { status: number }) => r.status === 200 }).execute(async () => 'text')
// @ts-expect-error: a text has no status
fallback(null, { handleResult: (r: { status: number }) => r.status === 503 }).execute(async () => 'text')
retry({ retryExceptions: [TypeError, 'ECONNRESET'], intervalFunction: attempt => attempt * 10 })
// @ts-expect-error: a number is no kind of error
retry({ retryExceptions: [1] })

// A fallback of several answers is as wide as they are; one that fits the result adds nothing.
const chained = fallback(firstOf(async () => 1, null)).execute(async () => 'text')
infers<typeof chained, Promise<string | number | null>>(true)
const fits = fallback(firstOf<number[]>(() => [], [])).execute(async () => [1])
infers<typeof fits, Promise<number[]>>(true)

const getUser = collapse(async (ids: readonly number[]) => ids.map(id => ({ id })), { key: id => id })
const user13 = getUser(13, { signal: AbortSignal.abort() })
infers<typeof user13, Promise<{ id: number }>>(true)
// @ts-expect-error: ids are numbers
getUser('13')

circuitBreaker().on('transition', ({ from, to }) => `${from}${to}`)
// @ts-expect-error: a breaker has no such event
circuitBreaker().on('open', () => {})

// A fallback reads what its call was given, without annotations.
const greeting = fallback((_error, call) => `hello ${call.context.name} ${call.args?.[0]} ${call.host ?? ''}`)
const greeted = greeting.execute(async () => 'hello', { context: { name: 'x' } })
infers<typeof greeted, Promise<string>>(true)
// @ts-expect-error: options, not a signal
void greeting.execute(async () => 'hello', new AbortController().signal)
