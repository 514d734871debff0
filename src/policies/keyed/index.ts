/** One policy per key: a breaker per host, a limiter per tenant. Memory is bounded. */
import type { CallOptions, CallView } from '../../core/call.ts'
import { report } from '../../core/events.ts'
import { type Layer, link } from '../../core/layer.ts'
import { isPromiseLike, type Next } from '../../core/next.ts'
import { type AddsOf, type AnyPolicy, needPolicy, type Policy, policy, type SeesOf } from '../../core/policy.ts'
import { readOptions } from '../../core/schema/index.ts'
import { GOES_ON, type Step } from '../../core/step.ts'
import { Entries, type Entry } from './entries.ts'
import { type KeyedOptions, keyedFields } from './options.ts'

export type { KeyedOptions }

/** What a key is made of: the call as its caller described it. */
export type KeyedCall = CallView & Omit<CallOptions, 'signal' | 'deadline'>

export interface Keyed<P extends AnyPolicy> extends Iterable<[key: string, policy: P]> {
  /** The policy of a key; `undefined` when it has none now. Looking does not count as using. */
  get(key: string): P | undefined
  /** The policy of a key, made when there is none, for use without a call: `perHost.obtain(host).tryAcquire()`. */
  obtain(key: string): P
  /** Forgets what a key had; its next call begins anew. False: it had nothing. */
  forget(key: string): boolean
  /** Forgets all keys. */
  clear(): void
  readonly stats: {
    /** Keys remembered now. */
    readonly size: number
    /** Of these, keys with a running call. */
    readonly inUse: number
    /** Policies made so far. */
    readonly made: number
    /** Policies dropped because there were too many keys. */
    readonly evicted: number
  }
}

/**
 * Makes a policy that keeps one of its own for each key. Calls for which `key` gives `undefined` share the key `''`. `describe()` shows the policy of the
 * key used last, once there is one: `obtain` a key to have a pipeline checked before its first call.
 *
 * @param key what a call is keyed by, e.g. its host.
 * @param make makes the policy of a key that is new.
 * @throws OptionsError naming every wrong option. A call throws a TypeError when its key is an object, or what is made no policy.
 * @example
 * const perHost = keyed(call => call.host, host => circuitBreaker({}, { name: host }), { max: 500 })
 * await perHost.execute(call => fetch(url, { signal: call.signal }), { host: new URL(url).host })
 * console.log(perHost.get('reviews:9080').state) // => CLOSED
 */
export function keyed<P extends AnyPolicy>(
  key: (call: KeyedCall) => string | undefined,
  make: (key: string) => P,
  options: KeyedOptions = {},
): Policy<SeesOf<P>, AddsOf<P>> & Keyed<P> {
  if (typeof key !== 'function') throw new TypeError(`keyed: the key is not a function; expected one like call => call.host`)
  if (typeof make !== 'function')
    throw new TypeError('keyed: expected a function that makes a policy, e.g. host => circuitBreaker({}, { name: host })')
  const { name = '', max } = readOptions(keyedFields, options, 'keyed')
  const entries = new Entries(max, (of: string) => {
    const made = make(of)
    needPolicy(made, `keyed: what was made for ${JSON.stringify(of)}`)
    return made
  })

  const layer: Layer = next => {
    const linked = new WeakMap<Entry<P>, Next>()
    return call => {
      const of = key(call) ?? ''
      if (isPromiseLike(of)) Promise.resolve(of).then(undefined, report)
      if (typeof of === 'object' || typeof of === 'function')
        throw new TypeError('keyed: the key is an object or a promise: no two calls would share it; expected a text')
      const entry = entries.obtain(of)
      let run = linked.get(entry)
      if (run === undefined) {
        run = link([counting(entries, entry), ...entry.policy.parts], next)
        linked.set(entry, run)
      }
      return run(call)
    }
  }
  const core = policy('keyed', name, layer, () => ({ max }))
  const described = core.describe()
  const own: Omit<Keyed<P>, 'stats'> & Pick<AnyPolicy, 'describe'> = {
    describe() {
      // None is made to be looked at: what `make` does besides is its author's business.
      const shown = entries.latest?.policy
      return shown === undefined ? described : { ...described, inner: [shown.describe()] }
    },
    get: k => entries.get(k)?.policy,
    obtain: k => entries.obtain(k).policy,
    forget: k => entries.forget(k),
    clear: () => entries.clear(),
    [Symbol.iterator]: () => entries[Symbol.iterator](),
  }
  return Object.defineProperties(Object.assign(core, own), {
    surprises: { get: () => entries.latest?.policy.surprises ?? [] },
    stats: {
      get: () => ({ size: entries.size, inUse: entries.inUse, made: entries.made, evicted: entries.evicted }),
      enumerable: true,
    },
  }) as unknown as Policy<SeesOf<P>, AddsOf<P>> & Keyed<P>
}

/** Marks an entry as in use while calls run under it. */
function counting<P>(entries: Entries<P>, entry: Entry<P>): Step<void> {
  return {
    admit: () => entries.begin(entry),
    answered(_call, _pass, value) {
      entries.end(entry)
      return value
    },
    failed() {
      entries.end(entry)
      return GOES_ON
    },
  }
}
